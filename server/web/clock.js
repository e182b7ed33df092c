// @ts-check
// Deadlines. The server says how long from its own `now`; the page counts on its monotonic
// clock from there, so a wrong or changed wall clock moves nothing.

/** @import { Moment } from "./types.d.ts" */

/**
 * @param {{ expires_at: number, now: number }} body
 * @returns {Moment}
 */
export function endOf(body) {
  return inSeconds(Math.max(0, body.expires_at - body.now));
}

/**
 * @param {number} seconds
 * @returns {Moment}
 */
export function inSeconds(seconds) {
  return performance.now() + seconds * 1000;
}

/** @param {Moment} moment */
export function msUntil(moment) {
  return Math.max(0, moment - performance.now());
}

/** @param {Moment} moment */
export function secondsUntil(moment) {
  return Math.ceil(msUntil(moment) / 1000);
}

/**
 * The wait before try number `tried` (1, 2, ...): doubles from `firstMs` to `mostMs`, with jitter.
 * @param {number} tried
 * @param {number} firstMs
 * @param {number} mostMs
 */
export function backoffMs(tried, firstMs, mostMs) {
  return Math.min(mostMs, firstMs * 2 ** (tried - 1)) * (0.8 + 0.4 * Math.random());
}
