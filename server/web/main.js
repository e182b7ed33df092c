// @ts-check
// The login page and, once there is a session, the signed-in page. Decides which view is shown.

import { Unreachable } from "./api.js";
import { backoffMs, inSeconds, msUntil } from "./clock.js";
import * as frame from "./frame.js";
import { applyLanguage } from "./i18n.js";
import { StorageRefused } from "./key.js";
import { Login } from "./login.js";
import { origin } from "./proof.js";
import { onwards } from "./return-to.js";
import { Session } from "./session.js";
import * as tabs from "./tabs.js";
import { render } from "./view.js";

/** @import { Actions, Asking, Goal, Redeemed, SessionState, View } from "./types.d.ts" */
/** @import { Found } from "./session.js" */

const UNCONFIRMED = "countersign.unconfirmed";
const FOLLOW_S = 6;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 20_000;

/** @type {View} */
let shown = { state: "starting" };
/** @type {string | null} Where the person wanted to go; the server judges it at the start of a login. */
let returnTo = new URLSearchParams(location.search).get("return_to");
/** What a site that sent the person here asks for, sealed by the server: then this page does nothing but sign in. */
const transaction = new URLSearchParams(location.search).get("transaction");
/** Somebody is signed in who could go on at once; in a frame, this page asks first. */
let settled = new URLSearchParams(location.search).has("signed-in");
const resume = transaction === null ? null : `/oauth/resume?transaction=${encodeURIComponent(transaction)}`;
/** @type {Asking | null} */
const asking = transaction === null ? null : { name: null };
let failures = 0;
/** @type {number | undefined} */
let retryTimer;

const session = new Session(renewed);
const login = new Login({
  onView: show,
  onSignedIn: signedIn,
  onClient: (client) => void (asking !== null && (asking.name = client.name)),
  onMaybeSignedIn: () => void decide({ state: "lost", reason: "request" }),
});

/** @type {Actions} */
const actions = {
  restart() {
    if (shown.state === "offline" && login.active) return login.check();
    if (frame.framed && shown.state === "error" && shown.reason === "transaction") return frame.tellView(shown);
    if (shown.state === "error" && shown.reason === "origin") return location.assign(origin + location.pathname + location.search);
    if (shown.state === "error" && shown.reason === "return-to") {
      returnTo = null;
      history.replaceState(null, "", location.pathname);
    }
    if (login.active) void login.start(goal());
    else void decide();
  },
  typeCode: () => void login.typeCode(),
  cancel: () => void login.cancel(),
  proceed: () => proceed(true),
  stay() {
    if (shown.state === "confirm" && shown.followAt !== null) show({ ...shown, followAt: null });
  },
  notMe: () => void end(true),
  signOut: () => void end(false),
  back() {
    login.leave();
    if (transaction !== null) location.assign(`/oauth/cancel?transaction=${encodeURIComponent(transaction)}`);
  },
};

applyLanguage();
if (frame.framed) frame.settle();
if (!isSecureContext || !globalThis.crypto?.subtle) show({ state: "needs-https" });
else if (location.origin !== origin) show({ state: "error", reason: "origin" });
else if (!navigator.cookieEnabled || (frame.framed && !frame.keepsCookies())) show({ state: "error", reason: "cookies" });
else begin();

function begin() {
  tabs.listen(heard);
  addEventListener("online", look);
  addEventListener("pageshow", (event) => event.persisted && look());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, actions.stay);
  addEventListener("unhandledrejection", (event) => failed(event.reason));
  void decide();
}

/** @param {View} view */
function show(view) {
  shown = view;
  render(view, actions, asking);
  if (frame.framed) frame.tellView(view);
}

/** @returns {Goal} */
function goal() {
  if (transaction !== null) return { transaction };
  return returnTo === null ? {} : { return_to: returnTo };
}

/** The path that a person still has to confirm their name for, if it is this page's. */
function unconfirmed() {
  const path = sessionStorage.getItem(UNCONFIRMED);
  return resume === null || path === resume ? path : null;
}

/**
 * Asks whether this browser is signed in, and shows the one page or the other.
 * @param {View} [otherwise] what to show instead of a fresh login
 */
async function decide(otherwise) {
  clearTimeout(retryTimer);
  show({ state: "starting" });
  if (resume !== null && !otherwise && !settled && unconfirmed() === null) return login.begin(goal(), null);
  try {
    const found = await session.look();
    failures = 0;
    switch (found.kind) {
      case "signed-in":
        if (resume !== null && unconfirmed() === null) {
          return frame.framed ? welcome(found.session, resume) : location.replace(resume);
        }
        return welcome(found.session);
      case "trouble":
        return retryLater({ state: "error", reason: found.answer.status === 429 ? "busy" : "unavailable" }, found.answer.retryAfterS);
      case "none":
        return otherwise ? show(otherwise) : login.begin(goal(), null);
      case "key":
      case "refused":
        return login.begin(goal(), found.kind);
    }
  } catch (cause) {
    if (!(cause instanceof Unreachable)) return failed(cause);
    retryLater({ state: "offline", reason: navigator.onLine ? "server" : "browser" }, null);
  }
}

/**
 * @param {{ state: "offline", reason: "server" | "browser" } | { state: "error", reason: "busy" | "unavailable" }} view
 * @param {number | null} afterS
 */
function retryLater(view, afterS) {
  const ms = afterS === null ? backoffMs(++failures, RETRY_MS, RETRY_MOST_MS) : afterS * 1000;
  retryTimer = setTimeout(() => decide(), ms);
  show({ ...view, retryAt: inSeconds(ms / 1000) });
}

/**
 * @param {SessionState} state
 * @param {string | null} [path] where the person goes on to, once they say that this is their name
 */
function welcome(state, path = unconfirmed()) {
  session.keepFresh(state);
  if (path !== null) return show({ state: "confirm", account: state.account, returnTo: path, followAt: null, connection: "live" });
  show({
    state: "signed-in",
    account: state.account,
    device: state.device?.name ?? null,
    since: new Date(state.created_at * 1000),
    returnTo: onwards(returnTo),
    connection: "live",
  });
}

/**
 * The page is signed in: the name comes first, `return_to` after it.
 * @param {Redeemed} redeemed
 */
function signedIn(redeemed) {
  const goal = redeemed.return_to ?? "/";
  sessionStorage.setItem(UNCONFIRMED, goal);
  tabs.tell("signed-in");
  session.stop();
  show({ state: "confirm", account: redeemed.account, returnTo: goal, followAt: onwards(goal) === null ? null : inSeconds(FOLLOW_S), connection: "live" });
  session.check();
  followIfUntouched();
}

/** Follows by itself, but not unseen, not while "Not me" is aimed at, and never once the person has touched the page. */
function followIfUntouched() {
  if (shown.state !== "confirm" || shown.followAt === null) return;
  if (document.visibilityState === "hidden" || document.querySelector("#not-me:hover")) show({ ...shown, followAt: inSeconds(FOLLOW_S) });
  else if (msUntil(shown.followAt) === 0) return proceed(false);
  setTimeout(followIfUntouched, 250);
}

/** @param {boolean} clicked */
function proceed(clicked) {
  const goal = shown.state === "confirm" || shown.state === "signed-in" ? onwards(shown.returnTo) : null;
  sessionStorage.removeItem(UNCONFIRMED);
  if (goal !== null) return frame.framed ? frame.leave(goal, clicked) : location.replace(goal);
  returnTo = null;
  void decide();
}

/**
 * Signs out; with `report` as "Not me".
 * @param {boolean} report
 */
async function end(report) {
  try {
    const found = await session.end(report);
    if (found.kind === "trouble") session.check();
    if (found.kind !== "ended") return renewed(found);
    tabs.tell("signed-out");
    signedOut(report ? "reported" : "self");
  } catch (cause) {
    if (!(cause instanceof Unreachable)) throw cause;
    renewed(null);
    session.check();
  }
}

/** @param {Extract<View, { state: "signed-out" }>["reason"]} reason */
function signedOut(reason) {
  session.stop();
  sessionStorage.removeItem(UNCONFIRMED);
  show({ state: "signed-out", reason });
}

/**
 * What a look at the session found while the signed-in page is open.
 * @param {Found | null} found
 */
function renewed(found) {
  if (shown.state !== "signed-in" && shown.state !== "confirm") return;
  if (found === null || found.kind === "trouble") return show({ ...shown, connection: "cut" });
  if (found.kind === "signed-in") {
    session.keepFresh(found.session);
    return shown.state === "signed-in" ? welcome(found.session) : show({ ...shown, connection: "live" });
  }
  signedOut(found.kind === "none" ? "elsewhere" : found.kind);
}

/** @param {tabs.News} news */
function heard(news) {
  const here = shown.state === "signed-in" || shown.state === "confirm";
  if (news === "signed-out" && here) return session.check();
  if (news === "signed-in" && shown.state === "signed-in") return session.check();
  if (news === "signed-in" && shown.state !== "confirm" && shown.state !== "approved") {
    // A site's question that is being answered on the authenticator goes on there.
    if (resume !== null && shown.state === "scanned") return;
    login.leave();
    if (resume !== null && !frame.framed) return location.replace(resume);
    settled = true;
    void decide();
  }
}

/** The tab or the network is back. */
function look() {
  if (login.active) login.check();
  else if (shown.state === "signed-in" || shown.state === "confirm") session.check();
  else if (shown.state === "offline") void decide();
}

/** @param {unknown} cause */
function failed(cause) {
  if (cause instanceof StorageRefused) return show({ state: "error", reason: "storage" });
  console.error(cause);
  show({ state: "error", reason: "unexpected", detail: cause instanceof Error ? cause.message : String(cause) });
}
