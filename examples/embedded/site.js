// A web site that shows the sign-in inside its own page: the two lines between the comments below, and the libraries of
// any other site with OpenID Connect.
//
//   countersign-server clients add Club --id club --embed --redirect http://127.0.0.1:8094/signed-in
//   CLIENT_SECRET=... npm start

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import * as openid from "openid-client";

const issuer = new URL(process.env.ISSUER ?? "http://127.0.0.1:8080");
const here = new URL(process.env.SITE ?? "http://127.0.0.1:8094");
// Only for trials on one's own machine: elsewhere both sides speak https.
const options = issuer.protocol === "http:" ? { execute: [openid.allowInsecureRequests] } : {};
const server = await openid.discovery(issuer, process.env.CLIENT_ID ?? "club", process.env.CLIENT_SECRET, undefined, options);

/** Who is signed in, by the value of the cookie. A real site keeps this where it outlives the process. */
const visitors = new Map();
/** Sign-ins that were begun, by state. Each frame begins one of its own. */
const begun = new Map();

const COOKIE = "club";
const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 2rem; align-items: start }
`;
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  // The script, and the frame: it begins at this site and is led on to the login page.
  `script-src ${issuer.origin}`,
  `frame-src 'self' ${issuer.origin}`,
  "frame-ancestors 'none'",
].join("; ");

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
      return page(response, 200, visitor ? inside(visitor) : outside());
    case "/sign-in":
      return begin(response);
    case "/signed-in":
      return signedIn(request, response, url);
    case "/leave":
      visitors.delete(cookie(request));
      response.setHeader("set-cookie", `${COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0`);
      return redirect(response, new URL("/", here));
    case "/style.css":
      return response.writeHead(200, { "content-type": "text/css" }).end(STYLE);
    default:
      return page(response, 404, "<p>There is no such page.</p>");
  }
}

function inside(visitor) {
  return `<p>Signed in as <strong id="user">${escape(visitor.name)}</strong>. <a id="leave" href="/leave">Leave</a></p>`;
}

function outside() {
  return `
<main>
  <section><h2>For members</h2><p>The minutes of all meetings, and who brings the cake.</p></section>
  <section>
    <!-- All that it takes: -->
    <script src="${issuer.origin}/countersign.js" async></script>
    <a data-countersign id="sign-in" href="/sign-in">Sign in with Countersign</a>
    <!-- -->
  </section>
</main>`;
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
  // The state has to come back with the browser that began; several may be under way in it.
  response.setHeader("set-cookie", `${COOKIE}-${state}=1; HttpOnly; SameSite=Lax; Path=/signed-in; Max-Age=900`);
  redirect(response, url);
}

async function signedIn(request, response, url) {
  const state = url.searchParams.get("state");
  const { verifier, nonce } = cookie(request, `${COOKIE}-${state}`) ? (begun.get(state) ?? {}) : {};
  begun.delete(state);
  if (!verifier) return redirect(response, new URL("/", here));
  const tokens = await openid.authorizationCodeGrant(server, url, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  const person = await openid.fetchUserInfo(server, tokens.access_token, tokens.claims().sub);
  const value = randomBytes(32).toString("base64url");
  visitors.set(value, { name: person.preferred_username });
  response.setHeader("set-cookie", [
    `${COOKIE}=${value}; HttpOnly; SameSite=Lax; Path=/`,
    `${COOKIE}-${state}=; HttpOnly; SameSite=Lax; Path=/signed-in; Max-Age=0`,
  ]);
  redirect(response, new URL("/", here));
}

function cookie(request, name = COOKIE) {
  const found = (request.headers.cookie ?? "").split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

function redirect(response, url) {
  response.writeHead(303, { location: url.href, "cache-control": "no-store" }).end();
}

function page(response, status, body) {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": POLICY,
    })
    .end(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Club</title><link rel="stylesheet" href="/style.css"><h1>Club</h1>${body}</html>`);
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
