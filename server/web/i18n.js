// @ts-check
// Texts in the person's language: the first of navigator.languages that is there, else English.

import { de } from "./texts-de.js";
import { en } from "./texts-en.js";

/** @typedef {keyof typeof en} Text */

const languages = { en, de };

/** @type {keyof typeof languages} */
export const language = chosen();

/** Makes the page, and with it the static sentences, follow the chosen language. */
export function applyLanguage() {
  document.documentElement.lang = language;
}

/**
 * @param {Text} text
 * @param {Record<string, string | number>} [words]
 */
export function t(text, words = {}) {
  return languages[language][text].replaceAll(/\{(\w+)\}/g, (hole, word) => String(words[word] ?? hole));
}

/**
 * Date and time in the person's zone; the date is left out today.
 * @param {Date} date
 */
export function when(date) {
  const today = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, { ...(!today && { dateStyle: "long" }), timeStyle: "short" }).format(date);
}

/**
 * Seconds as "4:07".
 * @param {number} seconds
 */
export function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function chosen() {
  for (const wanted of navigator.languages ?? []) {
    const found = wanted.toLowerCase().split("-")[0];
    if (found === "en" || found === "de") return found;
  }
  return "en";
}
