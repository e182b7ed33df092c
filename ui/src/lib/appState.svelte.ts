import type { CameraChoice, Command, ViewState } from "../generated";
import type { Bridge } from "./bridge";

/** Holds the newest view state that the program pushed. Everything else that the window knows lives in its components. */
export class AppState {
  view = $state.raw<ViewState | null>(null);
  /** The program did not take a command or a question. */
  lost = $state(false);
  /** Cameras as the scan view last listed them, for the settings. */
  cameras = $state.raw<CameraChoice[]>([]);
  readonly bridge: Bridge;

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
    if (state.screen.view === "scan" && state.screen.cameras.length > 0) this.cameras = state.screen.cameras;
  }

  /** Hands one act to the controller. The answer comes as a new view state. */
  send(command: Command): void {
    this.bridge.send(command).catch((error: unknown) => this.#lose(error));
  }

  #lose(error: unknown): void {
    this.lost = true;
    void this.bridge.report(`window lost its program: ${String(error)}`).catch(() => undefined);
  }
}
