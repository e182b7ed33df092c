// @ts-check
// Renews a stale session with a proof of the page key, then goes to the path that the server checked.

import { Unreachable } from "./api.js";
import { backoffMs, inSeconds } from "./clock.js";
import { applyLanguage } from "./i18n.js";
import { StorageRefused } from "./key.js";
import { meta } from "./proof.js";
import { addressOf, onwards } from "./return-to.js";
import { alone, renew } from "./session.js";
import { render } from "./view.js";

/** @import { Actions, View } from "./types.d.ts" */

const ROUNDS = "countersign.renewals";
const ROUNDS_MOST = 3;
const ROUNDS_WITHIN_MS = 20_000;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 20_000;

const path = meta("return-to") || "/";
let failures = 0;

/** @type {Actions} */
const actions = {
  restart: () => (shown.state === "offline" || shown.reason === "unavailable" ? void start() : toLogin()),
  typeCode() {},
  cancel() {},
  proceed() {},
  stay() {},
  notMe() {},
  signOut() {},
  back() {},
};

/** @type {View} */
let shown = { state: "renewing" };

applyLanguage();
if (!isSecureContext || !globalThis.crypto?.subtle) show({ state: "needs-https" });
else if (goesRound()) show({ state: "error", reason: "loop" });
else void start();

async function start() {
  show({ state: "renewing" });
  try {
    const refused = await alone(renew);
    if (refused === null) return location.replace(addressOf(path) ?? "/");
    if (refused.kind === "none" || (refused.kind !== "trouble" && resumes())) return toLogin();
    if (refused.kind === "key" || refused.kind === "refused") return show({ state: "signed-out", reason: refused.kind });
    retry({ state: "error", reason: "unavailable" });
  } catch (cause) {
    if (cause instanceof StorageRefused) return show({ state: "error", reason: "storage" });
    if (!(cause instanceof Unreachable)) throw cause;
    retry({ state: "offline", reason: navigator.onLine ? "server" : "browser" });
  }
}

/** @param {{ state: "error", reason: "unavailable" } | { state: "offline", reason: "server" | "browser" }} view */
function retry(view) {
  const ms = backoffMs(++failures, RETRY_MS, RETRY_MOST_MS);
  setTimeout(start, ms);
  show({ ...view, retryAt: inSeconds(ms / 1000) });
}

/** @param {View} view */
function show(view) {
  shown = view;
  render(view, actions, null);
}

/** Whether a site asked for something: then the server decides what to show, if anything. */
function resumes() {
  return path.startsWith("/oauth/");
}

function toLogin() {
  if (resumes()) return location.replace(addressOf(path) ?? "/");
  location.replace(onwards(path) === null ? (addressOf(path) ?? "/") : `/login?return_to=${encodeURIComponent(path)}`);
}

/** Whether this tab has come here again and again, as it would without cookies. */
function goesRound() {
  const before = (sessionStorage.getItem(ROUNDS) ?? "").split(" ").map(Number);
  const recent = [...before.filter((at) => at > Date.now() - ROUNDS_WITHIN_MS), Date.now()];
  sessionStorage.setItem(ROUNDS, recent.join(" "));
  return recent.length > ROUNDS_MOST;
}
