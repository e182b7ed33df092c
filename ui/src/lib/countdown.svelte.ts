/** Counts whole seconds down from a number that was true when it arrived, by the window's monotonic clock. */
export class Countdown {
  leftS = $state(0);
  readonly #endMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(leftS: number) {
    this.#endMs = performance.now() + leftS * 1000;
    this.leftS = leftS;
    this.#timer = setInterval(() => this.#tick(), 250);
  }

  #tick(): void {
    this.leftS = Math.max(0, Math.ceil((this.#endMs - performance.now()) / 1000));
    if (this.leftS === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
