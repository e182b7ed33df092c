// @ts-check
// Which request this tab shows, so that a reload goes on with it. Only the id: the secret is in a
// cookie that no script can read.

const ENTRY = "countersign.request";

/**
 * @param {string} id
 * @param {string | null} returnTo
 */
export function remember(id, returnTo) {
  sessionStorage.setItem(ENTRY, JSON.stringify({ id, returnTo }));
}

export function forget() {
  sessionStorage.removeItem(ENTRY);
}

/** @returns {{ id: string, returnTo: string | null } | null} */
export function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(ENTRY) ?? "null");
  } catch {
    return null;
  }
}
