// @ts-check
// Draws the one view that the page shows. A view that only changed its values is updated in
// place, so focus and reading position stay.

import { ended } from "./ended.js";
import * as panels from "./panels.js";
import { setText } from "./parts.js";
import { meta } from "./proof.js";

/** @import { Actions, Asking, View } from "./types.d.ts" */
/** @import { Panel } from "./panels.js" */

const TICK_MS = 250;
/** A view stays this long while the next one is fetched, so that a quick answer does not flicker. */
const HOLD_MS = 300;

const page = /** @type {HTMLElement} */ (document.getElementById("page"));
const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const site = meta("site-name") || location.host;

/** @type {{ key: string, panel: Panel<any> } | null} */
let drawn = null;
/** @type {number | undefined} */
let held;

/**
 * @param {View} view
 * @param {Actions} actions
 * @param {Asking | null} asking
 */
export function render(view, actions, asking) {
  const busy = view.state === "starting" || view.state === "renewing";
  clearTimeout(held);
  page.dataset.state = view.state;
  page.dataset.connection = "connection" in view ? view.connection : "";
  if (view.reason) page.dataset.reason = view.reason;
  else delete page.dataset.reason;
  page.ariaBusy = String(busy);
  if (busy && drawn) held = setTimeout(() => put(view, actions, asking), HOLD_MS);
  else put(view, actions, asking);
}

/**
 * @param {View} view
 * @param {Actions} actions
 * @param {Asking | null} asking
 */
function put(view, actions, asking) {
  const key = keyOf(view);
  if (drawn?.key !== key) {
    const panel = draw(view, actions, asking);
    const hadFocus = page.contains(document.activeElement);
    page.replaceChildren(...panel.nodes);
    drawn = { key, panel };
    const heading = page.querySelector("h1");
    if (hadFocus) heading?.focus();
    document.title = `${heading?.textContent ?? ""} · ${site}`;
    setText(live, panel.said ?? said());
  }
  drawn.panel.update?.(view);
  drawn.panel.tick?.();
}

setInterval(() => drawn?.panel.tick?.(), TICK_MS);
addEventListener("resize", () => drawn?.panel.resize?.());

/**
 * Views with the same key differ in values only.
 * @param {View} view
 */
function keyOf(view) {
  switch (view.state) {
    case "code":
      return `code ${view.code}`;
    case "scanned":
      return `scanned ${view.check}`;
    case "confirm":
      return `confirm ${view.account.username}`;
    case "signed-in":
      return `signed-in ${view.account.username} ${view.device} ${view.since.getTime()}`;
    default:
      return `${view.state} ${view.reason ?? ""}`;
  }
}

/**
 * @param {View} view
 * @param {Actions} actions
 * @param {Asking | null} asking
 * @returns {Panel<any>}
 */
function draw(view, actions, asking) {
  switch (view.state) {
    case "starting":
    case "renewing":
      return panels.busy(view);
    case "waiting":
      return panels.waiting(view, actions, asking);
    case "code":
      return panels.code(view, actions);
    case "scanned":
      return panels.scanned(view, actions);
    case "approved":
      return panels.approved();
    case "confirm":
      return panels.confirm(view, actions, asking);
    case "signed-in":
      return panels.signedIn(view, actions);
    case "signed-out":
    case "denied":
    case "expired":
    case "cancelled":
    case "lost":
    case "offline":
    case "error":
    case "needs-https":
      return ended(view, actions, asking);
  }
}

function said() {
  return ["h1", ".lead"].map((part) => page.querySelector(part)?.textContent ?? "").join(". ");
}
