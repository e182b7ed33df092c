// @ts-check
// Tells the other tabs of this browser that somebody signed in or out.

/** @typedef {"signed-in" | "signed-out"} News */

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("countersign") : null;

/** @param {News} news */
export function tell(news) {
  channel?.postMessage(news);
}

/** @param {(news: News) => void} hear */
export function listen(hear) {
  channel?.addEventListener("message", (event) => hear(event.data));
}
