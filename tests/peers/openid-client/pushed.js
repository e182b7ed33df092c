// A site with the npm package openid-client, unmodified, that pushes its authorization requests (RFC 9126). The browser is
// the test's (tests/tests/clients): it goes where a line {"open": ADDRESS} says.
//
//   node pushed.js ISSUER CLIENT_ID [CLIENT_SECRET]
//
// With a secret the client shows it; without one it binds the request, and with it the code, to a key (RFC 9449 §10.1).

import { createServer } from "node:http";

import * as oidc from "openid-client";

const [issuer, clientId, clientSecret] = process.argv.slice(2);

function say(what) {
  console.log(JSON.stringify(what));
}

const authentication = clientSecret ? oidc.ClientSecretBasic(clientSecret) : oidc.None();
const insecure = issuer.startsWith("http:") ? [oidc.allowInsecureRequests] : [];
const config = await oidc.discovery(new URL(issuer), clientId, undefined, authentication, { execute: insecure });
const options = clientSecret ? {} : { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256")) };

/** The address that the browser comes back to. */
let came;
const back = new Promise((resolve) => (came = resolve));
const server = createServer((request, response) => {
  response.end("You may close this page.");
  came(new URL(request.url, base));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;

const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
const parameters = {
  redirect_uri: `${base}/cb`,
  scope: "openid profile",
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
};
const address = await oidc.buildAuthorizationUrlWithPAR(config, parameters, options);
say({ open: address.href });
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await oidc.authorizationCodeGrant(config, await back, checks, undefined, options);
server.close();
const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, options);
say({ done: { name: info.preferred_username, type: tokens.token_type, brought: [...address.searchParams.keys()].sort() } });
