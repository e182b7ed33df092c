// @ts-check
// DPoP proofs (RFC 9449) by the page key, and the server's nonce that each of them carries.

import { pageKey } from "./key.js";

const text = new TextEncoder();

/** @type {string} The newest nonce of the server: first the page's own, then that of each answer. */
let nonce = meta("dpop-nonce");

/** The configured public origin; `htu` uses it, never the address bar. */
export const origin = meta("origin") || location.origin;

/**
 * A fresh proof for one call.
 * @param {string} method
 * @param {string} path
 * @returns {Promise<string>} compact JWS
 */
export async function proofFor(method, path) {
  const { privateKey, jwk } = await pageKey();
  const header = { typ: "dpop+jwt", alg: "ES256", jwk };
  const payload = {
    jti: base64url(crypto.getRandomValues(new Uint8Array(16))),
    htm: method,
    htu: origin + path,
    iat: Math.floor(Date.now() / 1000),
    ...(nonce && { nonce }),
  };
  const signed = `${base64url(text.encode(JSON.stringify(header)))}.${base64url(text.encode(JSON.stringify(payload)))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/**
 * Remembers the nonce of an answer, if it brings one.
 * @param {Headers} headers
 */
export function learnNonce(headers) {
  nonce = headers.get("DPoP-Nonce") ?? nonce;
}

/** @param {string} name */
export function meta(name) {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
