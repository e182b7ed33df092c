// @ts-check
// Views that are over or in trouble: what happened, what to do, one action.

import { msUntil, secondsUntil } from "./clock.js";
import { framed } from "./frame.js";
import { minutes, t } from "./i18n.js";
import { backTo, badge, button, h, lead, setText, title } from "./parts.js";
import { meta, origin } from "./proof.js";

/** @import { Actions, Asking, View } from "./types.d.ts" */
/** @import { Icon } from "./icons.js" */
/** @import { Text } from "./i18n.js" */
/** @import { Panel } from "./panels.js" */

/** @typedef {Extract<View, { state: "signed-out" | "denied" | "expired" | "cancelled" | "lost" | "offline" | "error" | "needs-https" }>} Ended */

const site = meta("site-name") || location.host;

/**
 * @param {Ended} view
 * @param {Actions} actions
 * @param {Asking | null} asking
 * @returns {Panel<Ended>}
 */
export function ended(view, actions, asking) {
  const words = { site, origin, host: new URL(origin).host };
  const name = view.reason ? `${view.state}.${view.reason}` : view.state;
  const retry = h("p", { class: "quiet centred", id: "left" });
  let shown = view;
  return {
    nodes: [
      badge(iconOf(view), toneOf(view)),
      title(t(/** @type {Text} */ (`${name}.title`), words)),
      lead(t(/** @type {Text} */ (`${name}.lead`), words)),
      ...(view.state === "error" && view.detail ? [h("p", { class: "quiet centred detail" }, view.detail)] : []),
      retry,
      ...(view.state === "needs-https" ? [] : [h("div", { class: "actions" }, ...choices(view, words, actions, asking))]),
    ],
    update: (next) => void (shown = next),
    tick() {
      const retryAt = "retryAt" in shown ? shown.retryAt : undefined;
      setText(retry, retryAt !== undefined && msUntil(retryAt) > 0 ? t("error.retrying", { left: minutes(secondsUntil(retryAt)) }) : "");
    },
  };
}

/**
 * @param {Ended} view
 * @param {Record<string, string>} words
 * @param {Actions} actions
 * @param {Asking | null} asking
 */
function choices(view, words, actions, asking) {
  if (view.reason === "transaction" && !framed) return [backTo(asking, actions, "primary")];
  return [button("restart", t(againOf(view), words), actions.restart, "primary"), backTo(asking, actions)];
}

/**
 * @param {Ended} view
 * @returns {Text}
 */
function againOf(view) {
  if (view.state === "signed-out") return "signed-out.again";
  if (view.state === "offline") return "offline.again";
  if (view.state !== "error") return "over.again";
  if (view.reason === "return-to" || view.reason === "origin") return `error.${view.reason}.again`;
  return view.reason === "key" ? "over.again" : "error.again";
}

/**
 * @param {Ended} view
 * @returns {Icon}
 */
function iconOf(view) {
  if (view.reason === "reported") return "flag";
  if (view.reason === "network" || view.reason === "browser") return "network";
  switch (view.state) {
    case "denied":
    case "cancelled":
      return "cross";
    case "expired":
      return "clock";
    case "signed-out":
      return "leave";
    case "offline":
    case "lost":
      return "server";
    case "needs-https":
      return "lock";
    case "error":
      return "warning";
  }
}

/** @param {Ended} view */
function toneOf(view) {
  if (view.state === "denied") return "stop";
  return view.state === "error" || view.state === "needs-https" || view.state === "offline" || view.state === "lost" ? "warn" : "";
}
