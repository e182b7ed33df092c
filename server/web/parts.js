// @ts-check
// Small pieces that the panels are built of.

import { secondsUntil } from "./clock.js";
import { framed } from "./frame.js";
import { minutes, t } from "./i18n.js";
import { icon } from "./icons.js";

/** @import { Actions, Asking, Connection, Moment } from "./types.d.ts" */
/** @import { Text } from "./i18n.js" */
/** @import { Icon } from "./icons.js" */

/**
 * An element. `props` are attributes, but `on*` are listeners.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | EventListener>} [props]
 * @param {(Node | string | null)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * The view's heading; it takes the focus when the focused element has gone.
 * @param {string} text
 */
export function title(text) {
  return h("h1", { tabindex: -1 }, text);
}

/** @param {string} text */
export function lead(text) {
  return h("p", { class: "lead" }, text);
}

/**
 * @param {string} id
 * @param {string} text
 * @param {() => void} act
 * @param {"" | "primary" | "stop" | "plain"} [kind]
 */
export function button(id, text, act, kind = "") {
  return h("button", { id, type: "button", class: `button ${kind}`, onclick: () => act() }, text);
}

/**
 * The way back to the site that sent the person here: it hears that nobody signed in. In a frame of the site there is none.
 * @param {Asking | null} asking
 * @param {Actions} actions
 * @param {"" | "primary" | "plain"} [kind]
 */
export function backTo(asking, actions, kind) {
  return asking && !framed ? button("back", asking.name ? t("back.to", { name: asking.name }) : t("back"), actions.back, kind) : null;
}

/**
 * The quiet line under a view: what it waits for, and the time left.
 * @param {Text} waitsFor
 * @returns {{ node: HTMLElement, update(connection: Connection): void, tick(endsAt: Moment): void }}
 */
export function statusLine(waitsFor) {
  const words = h("span", { class: "words" });
  const left = h("span", { id: "left", class: "left" });
  const node = h("p", { class: "line" }, h("span", { class: "pulse", "aria-hidden": "true" }), words, left);
  return {
    node,
    update(connection) {
      node.classList.toggle("cut", connection === "cut");
      setText(words, t(connection === "cut" ? "line.cut" : waitsFor));
    },
    tick(endsAt) {
      setText(left, t("line.left", { left: minutes(secondsUntil(endsAt)) }));
    },
  };
}

/**
 * @param {Icon} name
 * @param {string} tone
 */
export function badge(name, tone) {
  return h("div", { class: `badge ${tone}` }, icon(name));
}

/**
 * Changes a text only when it differs, so that nothing is repainted or read out twice.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
