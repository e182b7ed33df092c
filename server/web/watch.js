// @ts-check
// Hears of changes of one login request: by WebSocket, and by asking whenever the socket has
// nothing to say. Polling runs exactly while the socket is not live, so nothing waits for ever.

import { call, Unreachable } from "./api.js";
import { backoffMs } from "./clock.js";

/** @import { Connection, RequestState } from "./types.d.ts" */

/** The server repeats the state every 15 s; a socket that is silent longer than this is dead. */
const SILENCE_MS = 40_000;
/** A socket that has said nothing by then gets polling beside it. */
const FIRST_WORD_MS = 3_000;
const POLL_MS = 2_000;
const POLL_MOST_MS = 15_000;
const RECONNECT_MS = 1_000;
const RECONNECT_MOST_MS = 30_000;
const DRAIN_JITTER_MS = 1_000;
/** One lost call is noise; after this many the person is told. */
const FAILURES_TOLD = 2;

const CLOSED_FINAL = 1000;
const CLOSED_DRAINING = 1001;
const CLOSED_REPLACED = 4000;

/**
 * @typedef {object} Listener
 * @property {(state: RequestState) => void} onState
 * @property {(connection: Connection) => void} onConnection
 * @property {() => void} onGone the server does not know the request, or not from this browser
 */

export class Watch {
  /** @type {WebSocket | null} */ #socket = null;
  #live = false;
  #stopped = false;
  #socketAllowed = true;
  #reconnects = 0;
  #pollFailures = 0;
  #polling = false;
  /** @type {number | undefined} */ #silence;
  /** @type {number | undefined} */ #pollTimer;
  /** @type {number | undefined} */ #reconnectTimer;
  #id;
  #listener;

  /**
   * @param {string} id
   * @param {Listener} listener
   */
  constructor(id, listener) {
    this.#id = id;
    this.#listener = listener;
    this.#connect();
    this.#pollIn(FIRST_WORD_MS);
  }

  /** Asks at once, for instance when the tab comes back or the network does. */
  check() {
    if (this.#stopped) return;
    this.#reconnects = 0;
    this.#pollIn(0);
    if (!this.#socket && this.#socketAllowed) this.#reconnectIn(0);
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#reconnectTimer);
    this.#dropSocket();
  }

  #connect() {
    if (this.#stopped || this.#socket || !this.#socketAllowed) return;
    /** @type {WebSocket} */
    let socket;
    try {
      socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/login-requests/${this.#id}/events`);
    } catch {
      this.#socketAllowed = false;
      return;
    }
    this.#socket = socket;
    this.#listenForSilence();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#closed(event.code);
    };
  }

  /** @param {string} data */
  #heard(data) {
    const state = parse(data);
    if (this.#stopped || !state) return;
    this.#live = true;
    this.#reconnects = 0;
    this.#pollFailures = 0;
    clearTimeout(this.#pollTimer);
    this.#listenForSilence();
    this.#listener.onConnection("live");
    this.#listener.onState(state);
  }

  /** @param {number} code */
  #closed(code) {
    this.#dropSocket();
    if (this.#stopped) return;
    if (code === CLOSED_REPLACED) this.#socketAllowed = false;
    else if (code === CLOSED_DRAINING) this.#reconnectIn(Math.random() * DRAIN_JITTER_MS);
    else if (code !== CLOSED_FINAL) this.#reconnectIn(backoffMs(++this.#reconnects, RECONNECT_MS, RECONNECT_MOST_MS));
    this.#pollIn(code === CLOSED_DRAINING ? POLL_MS : 0);
  }

  #listenForSilence() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(0), SILENCE_MS);
  }

  #dropSocket() {
    clearTimeout(this.#silence);
    this.#live = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** @param {number} ms */
  #reconnectIn(ms) {
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => this.#connect(), ms);
  }

  /** @param {number} ms */
  #pollIn(ms) {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => this.#poll(), ms);
  }

  async #poll() {
    if (this.#stopped || this.#polling) return;
    this.#polling = true;
    const wait = await this.#ask();
    this.#polling = false;
    if (!this.#stopped && !this.#live) this.#pollIn(wait);
  }

  /** @returns {Promise<number>} how long to wait before the next poll, in milliseconds */
  async #ask() {
    try {
      const answer = await call("GET", `/api/login-requests/${this.#id}`);
      if (this.#stopped) return 0;
      if (answer.ok) {
        this.#pollFailures = 0;
        if (!this.#live) this.#listener.onConnection("polling");
        this.#listener.onState(answer.body);
        return POLL_MS;
      }
      if (answer.status === 429) return Math.max(POLL_MS, (answer.retryAfterS ?? 0) * 1000);
      if (answer.status < 500) {
        this.#listener.onGone();
        return POLL_MOST_MS;
      }
    } catch (cause) {
      if (!(cause instanceof Unreachable)) throw cause;
    }
    if (++this.#pollFailures >= FAILURES_TOLD && !this.#stopped) this.#listener.onConnection("cut");
    return backoffMs(this.#pollFailures, POLL_MS, POLL_MOST_MS);
  }
}

/**
 * @param {unknown} data
 * @returns {RequestState | null}
 */
function parse(data) {
  try {
    const body = JSON.parse(String(data));
    return typeof body?.state === "string" ? body : null;
  } catch {
    return null;
  }
}
