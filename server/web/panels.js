// @ts-check
// One function per view: builds its nodes once, then updates them in place.

import { secondsUntil } from "./clock.js";
import { t, when } from "./i18n.js";
import { icon } from "./icons.js";
import { backTo, badge, button, h, lead, setText, statusLine, title } from "./parts.js";
import { meta, origin } from "./proof.js";
import { fit, showPicture } from "./qr.js";

/** @import { Actions, Asking, View } from "./types.d.ts" */
/** @import { Text } from "./i18n.js" */

/**
 * @template {View["state"]} State
 * @typedef {Extract<View, { state: State }>} Of
 */

/**
 * A drawn view.
 * @template {View} [V=View]
 * @typedef {object} Panel
 * @property {Node[]} nodes
 * @property {string} [said] what a screen reader hears; else heading and lead
 * @property {(view: V) => void} [update] the same view with other values
 * @property {() => void} [tick] four times a second
 * @property {() => void} [resize]
 */

const site = meta("site-name") || location.host;

/** @param {Of<"starting" | "renewing">} view */
export function busy(view) {
  return {
    nodes: [
      title(t(`${view.state}.title`)),
      h("div", { "aria-hidden": "true" }, h("div", { class: "bone square" }), h("div", { class: "bone line" })),
    ],
  };
}

/**
 * @param {Of<"waiting">} first
 * @param {Actions} actions
 * @param {Asking | null} asking
 * @returns {Panel<Of<"waiting">>}
 */
export function waiting(first, actions, asking) {
  let endsAt = first.endsAt;
  const picture = h("img", { id: "qr", class: "qr", alt: t("waiting.picture") });
  const stage = h("div", { class: "stage" }, h("div", { class: "tile" }, picture));
  const line = statusLine("waiting.line");
  /** @type {Text[]} */
  const steps = ["waiting.how.1", "waiting.how.2", "waiting.how.3"];
  return {
    nodes: [
      ...(first.notice ? [h("p", { class: "note warn" }, icon("warning"), h("span", {}, t(`notice.${first.notice}`)))] : []),
      title(asking?.name ? t("waiting.to.title", { name: asking.name }) : t("waiting.title")),
      ...(asking ? [lead(t("waiting.to.lead", { site }))] : []),
      lead(t("waiting.lead")),
      stage,
      line.node,
      h("div", { class: "actions" }, button("type-code", t("waiting.type"), actions.typeCode), backTo(asking, actions, "plain")),
      h("details", { class: "how" }, h("summary", {}, t("waiting.how")), h("ol", {}, ...steps.map((step) => h("li", {}, t(step))))),
    ],
    update(view) {
      endsAt = view.endsAt;
      showPicture(picture, view.png, stage);
      line.update(view.connection);
    },
    tick: () => line.tick(endsAt),
    resize: () => fit(picture, stage),
  };
}

/**
 * @param {Of<"code">} first
 * @param {Actions} actions
 * @returns {Panel<Of<"code">>}
 */
export function code(first, actions) {
  let endsAt = first.endsAt;
  const line = statusLine("code.line");
  return {
    said: `${t("code.title")}: ${first.code.split("").join(" ")}`,
    nodes: [
      title(t("code.title")),
      lead(t("code.lead")),
      h("p", { id: "user-code", class: "plate user-code", translate: "no" }, first.code),
      line.node,
      h("p", { class: "note" }, t("code.warn", { site })),
      h("div", { class: "actions" }, button("restart", t("code.back"), actions.restart), button("cancel", t("scanned.cancel"), actions.cancel, "plain")),
    ],
    update(view) {
      endsAt = view.endsAt;
      line.update(view.connection);
    },
    tick: () => line.tick(endsAt),
  };
}

/**
 * @param {Of<"scanned">} first
 * @param {Actions} actions
 * @returns {Panel<Of<"scanned">>}
 */
export function scanned(first, actions) {
  let endsAt = first.endsAt;
  const line = statusLine("scanned.line");
  const check = first.check;
  return {
    said: check ? t("scanned.said", { check: check.split("").join(" ") }) : undefined,
    nodes: [
      title(t(check ? "scanned.title" : "scanned.plain.title")),
      lead(t("scanned.lead")),
      check ? h("p", { id: "check-number", class: "plate check-number", translate: "no" }, check) : h("div", { class: "badge" }, icon("device")),
      line.node,
      h("div", { class: "actions" }, button("cancel", t("scanned.cancel"), actions.cancel)),
    ],
    update(view) {
      endsAt = view.endsAt;
      line.update(view.connection);
    },
    tick: () => line.tick(endsAt),
  };
}

/** @returns {Panel<Of<"approved">>} */
export function approved() {
  const line = h("p", { class: "line cut", hidden: true }, h("span", { class: "pulse", "aria-hidden": "true" }), t("line.cut"));
  return {
    nodes: [badge("check", "good"), title(t("approved.title")), line, lead(t("approved.lead"))],
    update: (view) => void (line.hidden = view.connection !== "cut"),
  };
}

/**
 * @param {Of<"confirm">} view
 * @param {Actions} actions
 * @param {Asking | null} asking
 * @returns {Panel<Of<"confirm">>}
 */
export function confirm(view, actions, asking) {
  let followAt = view.followAt;
  const soon = h("p", { class: "quiet centred" });
  const cut = cutNote();
  return {
    said: t("confirm.said", { name: view.account.display_name }),
    nodes: [
      badge("check", "good"),
      ...person("confirm.as", view.account),
      cut,
      h("div", { class: "actions" }, button("continue", asking?.name ? t("confirm.to", { name: asking.name }) : t("confirm.continue"), actions.proceed, "primary"), button("not-me", t("confirm.not-me"), actions.notMe, "stop")),
      soon,
      h("p", { class: "quiet centred" }, t("confirm.lead")),
    ],
    update(next) {
      followAt = next.followAt;
      cut.hidden = next.connection !== "cut";
    },
    tick: () => setText(soon, followAt === null ? "" : t("confirm.soon", { seconds: secondsUntil(followAt) })),
  };
}

/**
 * @param {Of<"signed-in">} first
 * @param {Actions} actions
 * @returns {Panel<Of<"signed-in">>}
 */
export function signedIn(first, actions) {
  const cut = cutNote();
  const since = h("time", { id: "since", datetime: first.since.toISOString() });
  return {
    nodes: [
      badge("check", "good"),
      ...person("signed-in.as", first.account),
      cut,
      h(
        "dl",
        { class: "facts" },
        ...fact("signed-in.by", h("span", { id: "device-name" }, first.device ?? t("signed-in.unknown"))),
        ...fact("signed-in.since", since),
        ...fact("signed-in.at", t("signed-in.browser", { host: new URL(origin).host })),
      ),
      h(
        "div",
        { class: "actions" },
        first.returnTo === null ? null : button("continue", t("signed-in.continue", { path: shortPath(first.returnTo) }), actions.proceed, "primary"),
        button("sign-out", t("signed-in.sign-out"), actions.signOut),
      ),
    ],
    update(view) {
      setText(since, when(view.since));
      cut.hidden = view.connection !== "cut";
    },
  };
}

function cutNote() {
  return h("p", { class: "note warn", hidden: true }, icon("server"), h("span", {}, t("signed-in.cut")));
}

/**
 * @param {Text} as
 * @param {{ username: string, display_name: string }} account
 */
function person(as, account) {
  const heading = h("h1", { tabindex: -1 }, h("span", { class: "as" }, t(as)), " ", h("span", { id: "who", class: "who" }, account.display_name || account.username));
  return account.display_name && account.display_name !== account.username ? [heading, lead(account.username)] : [heading];
}

/**
 * @param {Text} term
 * @param {Node | string} value
 */
function fact(term, value) {
  return [h("div", {}, h("dt", {}, t(term)), h("dd", {}, value))];
}

/** @param {string} href */
function shortPath(href) {
  const { pathname } = new URL(href);
  return pathname.length > 32 ? `${pathname.slice(0, 31)}…` : pathname;
}
