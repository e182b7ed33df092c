/** Whole seconds since it was made, by the window's monotonic clock. */
export class Elapsed {
  s = $state(0);
  readonly #startMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#timer = setInterval(() => (this.s = Math.floor((performance.now() - this.#startMs) / 1000)), 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
