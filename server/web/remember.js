// @ts-check
// Which request this tab shows, so that a reload goes on with it. Only the id: the secret is in a
// cookie that no script can read.

/** @import { Goal } from "./types.d.ts" */

const ENTRY = "countersign.request";

/**
 * @param {string} id
 * @param {Goal} goal
 */
export function remember(id, goal) {
  sessionStorage.setItem(ENTRY, JSON.stringify({ id, goal }));
}

export function forget() {
  sessionStorage.removeItem(ENTRY);
}

/**
 * The request of this tab, if it was made for the same goal.
 * @param {Goal} goal
 * @returns {string | null} its id
 */
export function recall(goal) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(ENTRY) ?? "null");
    return JSON.stringify(kept?.goal) === JSON.stringify(goal) ? kept.id : null;
  } catch {
    return null;
  }
}
