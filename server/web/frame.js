// @ts-check
// The login page inside a page of the site that the person signs in to. Only sites that the server names may hold it
// (`frame-ancestors`); it tells them how high it is and where to go on, and hears nothing from them.

import { meta } from "./proof.js";

/** @import { View } from "./types.d.ts" */

/** Whether somebody's page holds this one. */
export const framed = window.parent !== window;

const PROBE = "countersign-framed=1";
const sites = meta("embedders").split(" ").filter((site) => site !== "");
/** @type {string | undefined} The site, where the browser says which of them it is. */
const holder = location.ancestorOrigins?.[0];

let shown = false;

/** Begins to tell the height. */
export function settle() {
  document.documentElement.classList.add("framed");
  new ResizeObserver(tellHeight).observe(document.body);
}

/**
 * Whether cookies of this server count here: in a frame of another site (in the browser's sense) they do not, whatever
 * the person allows, because they are SameSite.
 */
export function keepsCookies() {
  try {
    document.cookie = `${PROBE}; SameSite=Strict; Path=/login; Max-Age=60`;
    return document.cookie.includes(PROBE);
  } catch {
    return false;
  }
}

/** @param {View} view what the page shows from here on */
export function tellView(view) {
  if (view.state === "starting") return;
  if (view.state === "needs-https" || (view.state === "error" && ["cookies", "storage", "origin"].includes(view.reason))) {
    return tell({ countersign: "unusable" });
  }
  if (view.reason === "transaction") return tell({ countersign: "again" });
  shown = true;
  tellHeight();
}

/**
 * Goes on at an address of this server outside the frame.
 * @param {string} address
 * @param {boolean} clicked by the person: then no script of the site is needed for it
 */
export function leave(address, clicked) {
  if (clicked) window.open(address, "_top");
  else tell({ countersign: "go", to: address });
}

function tellHeight() {
  if (shown) tell({ countersign: "shown", height: Math.ceil(document.body.getBoundingClientRect().height) });
}

/** @param {{ countersign: string, height?: number, to?: string }} news */
function tell(news) {
  for (const site of sites) if (holder === undefined || holder === site) window.parent.postMessage(news, site);
}
