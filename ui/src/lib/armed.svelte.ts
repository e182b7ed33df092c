/** How long a prompt rests after it appeared, so that a click or key meant for what was there before decides nothing. */
const REST_MS = 700;

/** Whether the deciding button may be pressed yet. */
export class Armed {
  ready = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.rest();
  }

  /** The prompt has just come into sight (again). */
  rest(): void {
    this.stop();
    this.ready = false;
    this.#timer = setTimeout(() => (this.ready = true), REST_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
