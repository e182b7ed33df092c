// @ts-check
// The browser session: who is signed in, and a token that is renewed in time.

import { call, quietly } from "./api.js";
import { backoffMs, endOf, msUntil } from "./clock.js";
import { hasPageKey } from "./key.js";

/** @import { Answer, SessionState } from "./types.d.ts" */

const LOCK = "countersign-session";
const LOCK_PATIENCE_MS = 5_000;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 30_000;

/**
 * What a look at the session found.
 * - `key`: there was one, but this browser no longer holds its key; its cookies are dropped
 * - `refused`: the server did not accept the key that this browser holds; its cookies are dropped
 * @typedef {{ kind: "signed-in", session: SessionState } | { kind: "none" | "key" | "refused" } | { kind: "trouble", answer: Answer }} Found
 */

export class Session {
  /** Half of the longest life that a token of this page had, in seconds: below it, renew. */
  #halfLifeS = 0;
  #failures = 0;
  /** @type {number | undefined} */ #timer;
  #onFound;

  /** @param {(found: Found | null) => void} onFound hears of each renewal; null: nobody answered */
  constructor(onFound) {
    this.#onFound = onFound;
  }

  /**
   * Asks who is signed in, and renews a token that is stale or past its half-life. Only one tab
   * does so at a time; the others then find a fresh token.
   * @returns {Promise<Found>}
   * @throws {import("./api.js").Unreachable}
   */
  look() {
    return alone(async () => {
      const found = await this.#ask();
      if (found !== "stale" && !(found.kind === "signed-in" && leftS(found.session) < this.#halfLifeS)) return found;
      const renewed = await renew();
      if (renewed) return renewed;
      const after = await this.#ask();
      return after === "stale" ? { kind: "refused" } : after;
    });
  }

  /**
   * Renews at half-life from here on.
   * @param {SessionState} session
   */
  keepFresh(session) {
    this.#failures = 0;
    this.#halfLifeS = Math.max(this.#halfLifeS, leftS(session) / 2);
    this.#lookIn((msUntil(endOf(session)) - this.#halfLifeS * 1000) + 500);
  }

  /** The tab or the network is back: look at once. */
  check() {
    this.#lookIn(0);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#halfLifeS = 0;
  }

  /**
   * Ends the session here and at the server. A stale token is renewed for it, since it could end nothing.
   * @param {boolean} report the person says that it was not them
   * @returns {Promise<Found | { kind: "ended" }>}
   * @throws {import("./api.js").Unreachable}
   */
  async end(report) {
    const found = await this.look();
    if (found.kind !== "signed-in") return found;
    const answer = await call("DELETE", "/api/session", { body: report ? { report: true } : {} });
    if (answer.ok) return { kind: "ended" };
    return answer.status === 401 || answer.status === 404 ? { kind: "none" } : { kind: "trouble", answer };
  }

  /** @returns {Promise<Found | "stale">} */
  async #ask() {
    const answer = await call("GET", "/api/session");
    if (answer.ok) return { kind: "signed-in", session: answer.body };
    if (answer.problem === "stale_session") return "stale";
    if (answer.status === 401 || answer.status === 404) return { kind: "none" };
    return { kind: "trouble", answer };
  }

  /** @param {number} ms */
  #lookIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const found = await quietly(this.look());
      if (this.#timer === undefined) return;
      if (found === null || found.kind === "trouble") this.#lookIn(backoffMs(++this.#failures, RETRY_MS, RETRY_MOST_MS));
      this.#onFound(found);
    }, Math.max(0, ms));
  }
}

/**
 * Renews the token with a proof of the page key.
 * @returns {Promise<Found | null>} null: renewed
 * @throws {import("./api.js").Unreachable}
 */
export async function renew() {
  if (!(await hasPageKey())) return drop("key");
  const answer = await call("POST", "/api/session/refresh", { body: {}, proof: true });
  if (answer.ok) return null;
  if (answer.problem === "invalid_proof") return drop("refused");
  if (answer.status === 401 || answer.status === 404) return { kind: "none" };
  return { kind: "trouble", answer };
}

/**
 * Lets go of a session that this browser cannot renew.
 * @param {"key" | "refused"} kind
 * @returns {Promise<Found>}
 */
async function drop(kind) {
  await call("DELETE", "/api/session", { body: {} });
  return { kind };
}

/** @param {SessionState} session */
function leftS(session) {
  return session.expires_at - session.now;
}

/**
 * Runs `work` in one tab at a time where the browser can; where it cannot, or another tab hangs,
 * the server tolerates parallel renewals for a minute.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(work) {
  if (!navigator.locks) return work();
  let started = false;
  try {
    return await navigator.locks.request(LOCK, { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) }, () => {
      started = true;
      return work();
    });
  } catch (cause) {
    if (started) throw cause;
    return work();
  }
}
