// @ts-check
// Fetches the session of an approved request until it is there or the approval has run out.
// Repeats are harmless: the server answers them with the same session.

import { call, quietly } from "./api.js";
import { backoffMs, endOf, msUntil } from "./clock.js";

/** @import { Answer, Connection, Redeemed, RequestState } from "./types.d.ts" */

const RETRY_MS = 400;
const RETRY_MOST_MS = 4_000;
/** On a bad line the browser may spend proofs by repeating calls itself, so one refusal proves little. */
const REFUSALS = 3;

/**
 * How it ended.
 * - `over`: denied, expired or cancelled after all
 * - `unclear`: the server does not know the request (any more); a session may be there already
 * - `dropped`: the caller lost interest
 * @typedef {{ kind: "signed-in", redeemed: Redeemed } | { kind: "over", state: RequestState }
 *   | { kind: "refused", reason: "key" | "origin" } | { kind: "too-late" | "unclear" | "dropped" }} End
 */

/**
 * @param {RequestState} approved
 * @param {() => boolean} wanted
 * @param {(connection: Connection) => void} onConnection
 * @returns {Promise<End>}
 */
export async function redeem(approved, wanted, onConnection) {
  const endsAt = endOf(approved);
  for (let tried = 1; ; tried++) {
    const answer = await quietly(call("POST", `/api/login-requests/${approved.id}/session`, { body: {}, proof: true }));
    if (!wanted()) return { kind: "dropped" };
    if (answer?.ok) return { kind: "signed-in", redeemed: answer.body };
    if (answer && !worthRepeating(answer, tried)) return whyNot(approved.id, answer);
    onConnection(answer ? "polling" : "cut");
    if (msUntil(endsAt) === 0) return whyNot(approved.id, null);
    await pause(Math.max(backoffMs(tried, RETRY_MS, RETRY_MOST_MS), (answer?.retryAfterS ?? 0) * 1000));
    if (!wanted()) return { kind: "dropped" };
  }
}

/**
 * @param {string} id
 * @param {Answer | null} answer null: silence until the approval ran out
 * @returns {Promise<End>}
 */
async function whyNot(id, answer) {
  if (answer?.problem === "invalid_proof") return { kind: "refused", reason: "key" };
  if (answer?.problem === "wrong_origin") return { kind: "refused", reason: "origin" };
  const last = await quietly(call("GET", `/api/login-requests/${id}`));
  const state = last?.ok ? /** @type {RequestState} */ (last.body) : null;
  if (state && (state.state === "denied" || state.state === "expired" || state.state === "cancelled")) return { kind: "over", state };
  return { kind: answer ? "unclear" : "too-late" };
}

/**
 * @param {Answer} answer
 * @param {number} tried
 */
function worthRepeating(answer, tried) {
  if (answer.problem === "invalid_proof") return tried < REFUSALS;
  return answer.status >= 500 || answer.status === 429 || answer.problem === "not_approved";
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
