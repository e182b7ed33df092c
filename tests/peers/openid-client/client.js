// A site and tools with the npm package openid-client, unmodified. What happens in the browser and in the authenticator is
// the test's (tests/tests/clients): it reads what is said here, a JSON object a line, and goes where that says.
//
//   node client.js FLOW ISSUER CLIENT_ID [CLIENT_SECRET]

import { createServer } from "node:http";

import * as oidc from "openid-client";

const [flow, issuer, clientId, clientSecret] = process.argv.slice(2);

function say(what) {
  console.log(JSON.stringify(what));
}

function expect(holds, what) {
  if (!holds) throw new Error(`expected: ${what}`);
}

/** The OAuth error that a call ends with. */
async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return error.error ?? error.code ?? String(error);
  }
  return "none";
}

async function discovered() {
  const authentication = clientSecret ? oidc.ClientSecretBasic(clientSecret) : oidc.None();
  const insecure = issuer.startsWith("http:") ? [oidc.allowInsecureRequests] : [];
  return oidc.discovery(new URL(issuer), clientId, undefined, authentication, {
    // Verifies the ID token's signature with the published keys, also where TLS would do (OpenID Connect Core §3.1.3.7).
    execute: [...insecure, oidc.enableNonRepudiationChecks],
  });
}

/** Listens where the browser comes back to; `next` gives the addresses that it comes to, one by one. */
async function listening() {
  const waiting = [];
  const came = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, `http://127.0.0.1:${server.address().port}`);
    response.end("You may close this page.");
    const next = waiting.shift();
    if (next) next(url);
    else came.push(url);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    next: () => (came.length > 0 ? Promise.resolve(came.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => server.close(),
  };
}

/** Authorization code with PKCE, ID token, userinfo, refresh, and what of it `options` binds to a key. */
async function code(config, options) {
  const site = await listening();
  const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${site.base}/cb`,
    scope: "openid profile email",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  say({ open: address.href });
  const back = await site.next();
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(config, back, checks, undefined, options);
  return { site, tokens };
}

async function refreshed(config, tokens, options) {
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options);
  expect(next.refresh_token && next.refresh_token !== tokens.refresh_token, "another refresh token");
  return next;
}

/** Who it is, by the tokens: what the test compares. */
async function person(config, tokens, options) {
  const claims = tokens.claims();
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, options);
  return { name: info.preferred_username, amr: claims.amr, type: tokens.token_type };
}

const flows = {
  async code() {
    const config = await discovered();
    const { site, tokens } = await code(config);
    const who = await person(config, tokens);
    const next = await refreshed(config, tokens);
    const bye = oidc.buildEndSessionUrl(config, {
      id_token_hint: next.id_token ?? tokens.id_token,
      // Compared byte for byte, so no port of the moment: the test looks where the browser is sent and comes back here.
      post_logout_redirect_uri: "https://app.example.com/bye",
      state: "bye",
    });
    say({ open: bye.href });
    await site.next();
    const after = await errorOf(oidc.refreshTokenGrant(config, next.refresh_token));
    site.close();
    return { ...who, after };
  },

  /** A public client whose tokens are bound to a key (RFC 9449). */
  async dpop() {
    const config = await discovered();
    const options = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256")) };
    const { site, tokens } = await code(config, options);
    site.close();
    const who = await person(config, tokens, options);
    const next = await refreshed(config, tokens, options);
    const withoutKey = await errorOf(oidc.refreshTokenGrant(config, next.refresh_token));
    return { ...who, after: withoutKey };
  },

  /** RFC 8628, then the token is given back (RFC 7009). */
  async device() {
    const config = await discovered();
    const started = await oidc.initiateDeviceAuthorization(config, { scope: "openid profile" });
    say({ type: started.user_code, at: started.verification_uri });
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, started);
    const who = await person(config, tokens);
    const next = await refreshed(config, tokens);
    await oidc.tokenRevocation(config, next.refresh_token);
    const after = await errorOf(oidc.refreshTokenGrant(config, next.refresh_token));
    return { ...who, after };
  },

  /** RFC 8628 with a key. */
  async "device-dpop"() {
    const config = await discovered();
    const options = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256")) };
    const started = await oidc.initiateDeviceAuthorization(config, { scope: "openid profile" });
    say({ type: started.user_code, at: started.verification_uri });
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, started, undefined, options);
    const who = await person(config, tokens, options);
    const next = await refreshed(config, tokens, options);
    const withoutKey = await errorOf(oidc.refreshTokenGrant(config, next.refresh_token));
    return { ...who, after: withoutKey };
  },

  /** RFC 8628, and the person says no. */
  async denied() {
    const config = await discovered();
    const started = await oidc.initiateDeviceAuthorization(config, { scope: "openid" });
    say({ type: started.user_code, at: started.verification_uri });
    return { after: await errorOf(oidc.pollDeviceAuthorizationGrant(config, started)) };
  },
};

say({ done: await flows[flow]() });
