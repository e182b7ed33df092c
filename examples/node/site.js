// A web site that signs its visitors in by OpenID Connect, with openid-client. Nothing in it is special to Countersign.
//
//   countersign-server clients add Notes --id notes --redirect http://127.0.0.1:8091/signed-in \
//       --post-logout-redirect http://127.0.0.1:8091/goodbye
//   CLIENT_SECRET=... npm start

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as openid from "openid-client";

const issuer = new URL(process.env.ISSUER ?? "http://127.0.0.1:8080");
const here = new URL(process.env.SITE ?? "http://127.0.0.1:8091");
// Only for trials on one's own machine: elsewhere both sides speak https.
const options = issuer.protocol === "http:" ? { execute: [openid.allowInsecureRequests] } : {};
const server = await openid.discovery(
  issuer,
  process.env.CLIENT_ID ?? "notes",
  process.env.CLIENT_SECRET,
  undefined,
  options,
);

/** Who is signed in, by the value of the cookie. A real site keeps this where it outlives the process. */
const visitors = new Map();
/** Sign-ins that were begun, by state. */
const begun = new Map();

const COOKIE = "notes";

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error.message);
    page(response, 502, `<p id="error">Signing in did not work: ${escape(error.error ?? error.message)}.</p><p><a href="/">Try again</a></p>`);
  });
}).listen(Number(here.port), here.hostname, () => console.log(`the site is at ${here.origin}/`));

async function answer(request, response) {
  const url = new URL(request.url, here);
  const visitor = visitors.get(cookie(request));
  switch (url.pathname) {
    case "/":
      if (!visitor) return begin(response);
      return page(response, 200, `<p>Signed in as <strong id="user">${escape(visitor.name)}</strong>.</p><p><a id="again" href="/again">Ask again who this is</a> · <a id="sign-out" href="/sign-out">Sign out</a></p>`);
    case "/signed-in":
      return signedIn(request, response, url);
    case "/again":
      if (!visitor) return begin(response);
      return again(response, visitor);
    case "/sign-out":
      visitors.delete(cookie(request));
      return redirect(
        response,
        openid.buildEndSessionUrl(server, {
          post_logout_redirect_uri: new URL("/goodbye", here).href,
          ...(visitor && { id_token_hint: visitor.idToken }),
        }),
      );
    case "/goodbye":
      return page(response, 200, '<p id="goodbye">You are signed out. <a href="/">Sign in again</a></p>');
    default:
      return page(response, 404, "<p>There is no such page.</p>");
  }
}

async function begin(response) {
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const nonce = openid.randomNonce();
  begun.set(state, { verifier, nonce });
  const url = openid.buildAuthorizationUrl(server, {
    redirect_uri: new URL("/signed-in", here).href,
    scope: "openid profile",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  // The state has to come back with the browser that began.
  response.setHeader("set-cookie", `${COOKIE}-state=${state}; HttpOnly; SameSite=Lax; Path=/signed-in`);
  redirect(response, url);
}

async function signedIn(request, response, url) {
  const state = cookie(request, `${COOKIE}-state`);
  const { verifier, nonce } = begun.get(state) ?? {};
  begun.delete(state);
  if (!verifier) return redirect(response, new URL("/", here));
  const tokens = await openid.authorizationCodeGrant(server, url, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  const value = randomBytes(32).toString("base64url");
  visitors.set(value, await known(tokens));
  response.setHeader("set-cookie", `${COOKIE}=${value}; HttpOnly; SameSite=Lax; Path=/`);
  redirect(response, new URL("/", here));
}

/** Asks the server anew; once the session is over there, it is over here. */
async function again(response, visitor) {
  try {
    const tokens = await openid.refreshTokenGrant(server, visitor.refreshToken);
    Object.assign(visitor, await known(tokens, visitor));
  } catch (error) {
    if (error.error !== "invalid_grant") throw error;
    for (const [value, each] of visitors) if (each === visitor) visitors.delete(value);
  }
  redirect(response, new URL("/", here));
}

async function known(tokens, before) {
  const subject = tokens.claims()?.sub ?? before.subject;
  const person = await openid.fetchUserInfo(server, tokens.access_token, subject);
  return {
    subject,
    name: person.preferred_username,
    idToken: tokens.id_token ?? before.idToken,
    refreshToken: tokens.refresh_token ?? before.refreshToken,
  };
}

function cookie(request, name = COOKIE) {
  const found = (request.headers.cookie ?? "").split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function redirect(response, url) {
  response.writeHead(303, { location: url.href, "cache-control": "no-store" }).end();
}

function page(response, status, body) {
  const style = "body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem }";
  response
    .writeHead(status, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
    .end(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Notes</title><style>${style}</style><h1>Notes</h1>${body}</html>`);
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
