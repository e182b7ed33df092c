/** How long a question rests after it appeared, so that a click or key meant for what was there before decides nothing. */
const REST_MS = 700;

/** Whether the buttons of a question may be pressed yet: not as soon as it comes into sight, also when the window does. */
export class Armed {
  ready = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onSight = (): void => {
    if (document.visibilityState === "visible") this.rest();
  };

  constructor() {
    document.addEventListener("visibilitychange", this.#onSight);
    this.rest();
  }

  /** The question has just come into sight (again). */
  rest(): void {
    clearTimeout(this.#timer);
    this.ready = false;
    this.#timer = setTimeout(() => (this.ready = true), REST_MS);
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#onSight);
    clearTimeout(this.#timer);
  }
}
