// @ts-check
// One login request from start to end: made, watched, redeemed, or over with a reason.

import { call, quietly, Unreachable } from "./api.js";
import { backoffMs, endOf, inSeconds, msUntil } from "./clock.js";
import { StorageRefused } from "./key.js";
import { redeem } from "./redeem.js";
import { forget, recall, remember } from "./remember.js";
import { Watch } from "./watch.js";

/** @import { Answer, Client, Connection, Goal, Notice, Redeemed, RequestState, View } from "./types.d.ts" */

const BUSY_WAIT_S = 60;
const RETRY_MS = 2_000;
const RETRY_MOST_MS = 20_000;
/** The server alone says that a request is over; this long after its deadline the page asks. */
const DEADLINE_GRACE_MS = 700;

/** The order in which a request passes its states; it never goes back. */
const RANK = { waiting: 0, scanned: 1, approved: 2, redeemed: 3, denied: 3, expired: 3, cancelled: 3 };

/**
 * @typedef {object} Listener
 * @property {(view: View) => void} onView
 * @property {(redeemed: Redeemed) => void} onSignedIn
 * @property {(client: Client) => void} onClient the site that the person signs in to
 * @property {() => void} onMaybeSignedIn the request is over, but this browser may hold its session already
 */

export class Login {
  /** @type {Watch | null} */ #watch = null;
  /** @type {RequestState | null} The newest state of the request that is shown. */ #state = null;
  /** @type {Connection} */ #connection = "live";
  /** @type {Notice | null} */ #notice = null;
  /** @type {string | null} */ #id = null;
  /** Each start, end and leave makes a new run; what an older run still waits for is dropped. */
  #run = 0;
  #redeeming = false;
  #tries = 0;
  /** @type {number | undefined} */ #retryTimer;
  /** @type {number | undefined} */ #deadlineTimer;
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Whether a request is shown and watched. */
  get active() {
    return this.#watch !== null;
  }

  /**
   * Goes on with the request that this tab had before a reload, else makes one.
   * @param {Goal} goal
   * @param {Notice | null} notice
   */
  begin(goal, notice) {
    const before = recall(goal);
    if (before === null) return void this.start(goal, notice);
    this.#notice = notice;
    this.#open(before, null, () => void this.start(goal, notice));
  }

  /**
   * Makes a fresh request, whatever was shown before.
   * @param {Goal} goal
   * @param {Notice | null} [notice]
   */
  async start(goal, notice = null) {
    this.leave();
    const run = this.#run;
    this.#notice = notice;
    this.#listener.onView({ state: "starting" });
    try {
      const answer = await call("POST", "/api/login-requests", { body: goal, proof: true });
      if (run !== this.#run) return;
      if (!answer.ok) return this.#refused(answer, goal, notice);
      this.#tries = 0;
      remember(answer.body.id, goal);
      const noCookie = () => this.#over({ state: "error", reason: "cookies" });
      this.#open(answer.body.id, answer.body, noCookie);
    } catch (cause) {
      if (run !== this.#run) return;
      if (cause instanceof StorageRefused) return this.#listener.onView({ state: "error", reason: "storage" });
      if (!(cause instanceof Unreachable)) throw cause;
      const retryAt = this.#retry(goal, notice);
      this.#listener.onView({ state: "offline", reason: navigator.onLine ? "server" : "browser", retryAt });
    }
  }

  /** Turns the request to a typed code. */
  async typeCode() {
    const id = this.#id;
    if (!id) return;
    const answer = await quietly(call("POST", `/api/login-requests/${id}/user-code`, { body: {} }));
    if (id !== this.#id) return;
    if (answer?.ok) this.#adopt(answer.body);
    else this.#watch?.check();
  }

  /** Cancels the request on the person's word. */
  async cancel() {
    const id = this.#id;
    if (!id) return;
    const answer = await quietly(call("DELETE", `/api/login-requests/${id}`));
    if (id !== this.#id) return;
    if (answer?.ok) this.#over({ state: "cancelled", reason: "page" });
    else this.#watch?.check();
  }

  /** Asks the server at once: the tab or the network is back. */
  check() {
    this.#watch?.check();
  }

  /** Stops showing the request and tells the server that nobody waits for it. */
  leave() {
    if (this.#id) void quietly(call("DELETE", `/api/login-requests/${this.#id}`));
    this.#close();
  }

  /**
   * Shows and watches a request.
   * @param {string} id
   * @param {RequestState | null} state null: a reload, not known yet
   * @param {() => void} neverSeen the server will not show it to this browser, or it ran out before a reload
   */
  #open(id, state, neverSeen) {
    this.#close(true);
    const run = this.#run;
    let seen = false;
    this.#id = id;
    this.#connection = "live";
    if (state) this.#adopt(state);
    if (run !== this.#run) return;
    this.#watch = new Watch(id, {
      onState: (next) => {
        if (run !== this.#run) return;
        if (!seen && !state && next.state === "expired") return neverSeen();
        seen = true;
        this.#adopt(next);
      },
      onConnection: (connection) => {
        if (run === this.#run) this.#connected(connection);
      },
      onGone: () => {
        if (run !== this.#run) return;
        if (seen) this.#gone();
        else neverSeen();
      },
    });
    if (!state) this.#watch.check();
  }

  /** @param {boolean} [keep] keeps the request for a reload */
  #close(keep = false) {
    this.#run++;
    this.#watch?.stop();
    this.#watch = null;
    this.#state = null;
    this.#id = null;
    this.#redeeming = false;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#deadlineTimer);
    if (!keep) forget();
  }

  /** @param {View} view */
  #over(view) {
    this.#close();
    this.#listener.onView(view);
  }

  /** @param {RequestState} next */
  #adopt(next) {
    const known = this.#state;
    if (known && (RANK[next.state] < RANK[known.state] || next.now < known.now)) return;
    this.#state = next;
    if (next.client) this.#listener.onClient(next.client);
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimer = setTimeout(() => this.check(), msUntil(endOf(next)) + DEADLINE_GRACE_MS);
    switch (next.state) {
      case "waiting":
      case "scanned":
        return this.#draw();
      case "approved":
      case "redeemed":
        if (!this.#redeeming) void this.#redeem(next);
        return;
      case "denied":
      case "expired":
      case "cancelled":
        return this.#over(overView(next));
      default:
        return this.#over({ state: "error", reason: "unexpected", detail: String(next.state) });
    }
  }

  /** @param {Connection} connection */
  #connected(connection) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#draw();
  }

  /** Draws the newest state. What has to be renewed (the picture) goes when the network does; what holds on stays. */
  #draw() {
    const state = this.#state;
    const connection = this.#connection;
    const onView = this.#listener.onView;
    if (connection === "cut" && (!state || (state.state === "waiting" && !state.user_code))) {
      return onView({ state: "offline", reason: navigator.onLine ? "server" : "browser", retryAt: inSeconds(0) });
    }
    if (!state) return;
    if (state.state === "waiting" && state.user_code) return onView({ state: "code", code: state.user_code, endsAt: endOf(state), connection });
    if (state.state === "waiting" && state.frame) return onView({ state: "waiting", png: state.frame.png, endsAt: endOf(state), connection, notice: this.#notice });
    if (state.state === "scanned") return onView({ state: "scanned", check: state.check, endsAt: endOf(state), connection });
    if (state.state === "approved" || state.state === "redeemed") return onView({ state: "approved", connection });
  }

  /** The server lost the request. While redeeming, the answer to that call says more. */
  #gone() {
    if (!this.#redeeming) this.#over({ state: "lost", reason: "request" });
  }

  /** @param {RequestState} approved */
  async #redeem(approved) {
    const run = this.#run;
    this.#redeeming = true;
    this.#draw();
    const end = await redeem(approved, () => run === this.#run, (connection) => this.#connected(connection));
    if (run !== this.#run || end.kind === "dropped") return;
    switch (end.kind) {
      case "signed-in":
        this.#close();
        return this.#listener.onSignedIn(end.redeemed);
      case "over":
        return this.#over(overView(end.state));
      case "refused":
        return this.#over({ state: "error", reason: end.reason });
      case "too-late":
        return this.#over({ state: "expired", reason: "approved" });
      case "unclear":
        this.#close();
        return this.#listener.onMaybeSignedIn();
    }
  }

  /**
   * The server would not make a request.
   * @param {Answer} answer
   * @param {Goal} goal
   * @param {Notice | null} notice
   */
  #refused(answer, goal, notice) {
    const onView = this.#listener.onView;
    if (answer.status === 429) {
      const retryAt = this.#retry(goal, notice, (answer.retryAfterS ?? BUSY_WAIT_S) * 1000);
      return onView({ state: "error", reason: "busy", retryAt });
    }
    if (answer.status >= 500) return onView({ state: "error", reason: "unavailable", retryAt: this.#retry(goal, notice) });
    if (answer.status === 400 && goal.return_to !== undefined) return onView({ state: "error", reason: "return-to" });
    if ((answer.status === 400 || answer.status === 410) && goal.transaction !== undefined) return onView({ state: "error", reason: "transaction" });
    if (answer.problem === "wrong_origin") return onView({ state: "error", reason: "origin" });
    if (answer.problem === "invalid_proof" || answer.problem === "use_dpop_nonce") return onView({ state: "error", reason: "refused" });
    onView({ state: "error", reason: "unexpected", detail: `${answer.status} ${answer.problem}` });
  }

  /**
   * @param {Goal} goal
   * @param {Notice | null} notice
   * @param {number} [ms]
   */
  #retry(goal, notice, ms = backoffMs(++this.#tries, RETRY_MS, RETRY_MOST_MS)) {
    this.#retryTimer = setTimeout(() => this.start(goal, notice), ms);
    return inSeconds(ms / 1000);
  }
}

/**
 * @param {RequestState} state
 * @returns {View}
 */
function overView(state) {
  return /** @type {View} */ ({ state: state.state, reason: state.reason });
}
