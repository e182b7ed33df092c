// @ts-check
// Calls to the server. An answer of any status is a value; only silence is an exception.

import { learnNonce, proofFor } from "./proof.js";

/** @import { Answer } from "./types.d.ts" */

const PATIENCE_MS = 10_000;
const NO_CONTENT = 204;
/** How often a call is made when its proof is refused for that reason. */
const PROOF_TRIES = new Map([
  ["use_dpop_nonce", 3],
  // A browser repeats a call by itself when a kept connection breaks, and then the proof is spent already.
  ["invalid_proof", 2],
]);
const PROBLEM = "urn:countersign:problem:";

/** No answer: the network or the server is away. */
export class Unreachable extends Error {}

/**
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {{ body?: object, proof?: boolean }} [options] with `proof`, a refused proof is replaced and the call repeated
 * @returns {Promise<Answer>}
 * @throws {Unreachable}
 */
export async function call(method, path, { body, proof = false } = {}) {
  for (let tried = 1; ; tried++) {
    const answer = await send(method, path, body, proof ? await proofFor(method, path) : null);
    if (!proof || tried >= (PROOF_TRIES.get(answer.problem ?? "") ?? 0)) return answer;
  }
}

/**
 * @template T
 * @param {Promise<T>} calling
 * @returns {Promise<T | null>} null when nobody answered
 */
export function quietly(calling) {
  return calling.catch((cause) => {
    if (cause instanceof Unreachable) return null;
    throw cause;
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object | undefined} body
 * @param {string | null} proof
 * @returns {Promise<Answer>}
 */
async function send(method, path, body, proof) {
  const headers = new Headers({ Accept: "application/json, application/problem+json" });
  if (body) headers.set("Content-Type", "application/json");
  if (proof) headers.set("DPoP", proof);
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body ? JSON.stringify(body) : undefined,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    learnNonce(response.headers);
    return read(response.status, response.headers.get("Retry-After"), await response.text());
  } catch (cause) {
    throw new Unreachable(`${method} ${path}`, { cause });
  }
}

/**
 * @param {number} status
 * @param {string | null} retryAfter
 * @param {string} text
 * @returns {Answer}
 */
function read(status, retryAfter, text) {
  const body = parse(text);
  const ok = status >= 200 && status < 300;
  const type = typeof body?.type === "string" ? body.type : "";
  if (ok && status !== NO_CONTENT && body === null) throw new Error("something else answered in the server's place");
  const wait = Number.parseInt(retryAfter ?? "", 10);
  return {
    status,
    ok,
    body,
    problem: ok ? null : type.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : "",
    retryAfterS: Number.isFinite(wait) ? wait : null,
  };
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
