import type { CameraChoice, Command, Screen, Settings, ViewState } from "../generated";
import type { Bridge } from "./bridge";

/** What was typed to add an account, without password and recovery code. */
export interface AddDraft {
  way: "link" | "password" | "recovery";
  link: string;
  address: string;
  username: string;
}

/** Views that a try to add an account passes through; after a failure the form is there again as it was. */
const ADDING: Screen["view"][] = ["add_account", "confirm_contact", "enrolling", "update_needed"];

/** Holds the newest view state that the program pushed. Everything else that the window knows lives in its components. */
export class AppState {
  view = $state.raw<ViewState | null>(null);
  /** The program did not take a command or a question. */
  lost = $state(false);
  /** Cameras as the scan view last listed them, for the settings. */
  cameras = $state.raw<CameraChoice[]>([]);
  draft = $state<AddDraft>(empty());
  readonly bridge: Bridge;
  /** Settings that were sent and not pushed back so far: the next change builds on them, not on older ones. */
  #sentSettings: Settings | null = null;

  constructor(bridge: Bridge) {
    this.bridge = bridge;
  }

  /** Starts to listen, then asks for the state, so that no push falls between the two. */
  async start(): Promise<() => void> {
    try {
      const end = await this.bridge.onView((state) => this.accept(state));
      this.accept(await this.bridge.view());
      this.send({ command: "window_ready" });
      return end;
    } catch (error) {
      this.#lose(error);
      return () => undefined;
    }
  }

  /** Takes a state unless a newer one is here. */
  accept(state: ViewState): void {
    if (this.view && state.revision < this.view.revision) return;
    this.view = state;
    if (!ADDING.includes(state.screen.view)) this.draft = empty();
    if (same(state.settings, this.#sentSettings)) this.#sentSettings = null;
    if (state.screen.view === "scan" && state.screen.cameras.length > 0) this.cameras = state.screen.cameras;
  }

  /** Hands one act to the controller. The answer comes as a new view state. */
  send(command: Command): void {
    this.bridge.send(command).catch((error: unknown) => this.#lose(error));
  }

  /** Changes some settings and keeps the others. */
  changeSettings(part: Partial<Settings>): void {
    const now = this.#sentSettings ?? this.view?.settings;
    if (!now) return;
    this.#sentSettings = { ...now, ...part };
    this.send({ command: "change_settings", settings: this.#sentSettings });
    // Should they be refused, the pushed ones count again.
    setTimeout(() => (this.#sentSettings = null), 2000);
  }

  #lose(error: unknown): void {
    this.lost = true;
    void this.bridge.report(`window lost its program: ${String(error)}`).catch(() => undefined);
  }
}

function empty(): AddDraft {
  return { way: "link", link: "", address: "", username: "" };
}

function same(a: Settings, b: Settings | null): boolean {
  const names = b === null ? [] : (Object.keys(b) as (keyof Settings)[]);
  return b !== null && names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]));
}
