import { render } from "@testing-library/svelte";
import { vi } from "vitest";

import App from "../src/App.svelte";
import { fixtures } from "../src/gallery/fixtures";
import type { Command, ViewState } from "../src/generated";
import { AppState } from "../src/lib/appState.svelte";
import type { Bridge } from "../src/lib/bridge";

/** A window on a program that records what it is told and pushes what the test wants. */
export class TestWindow {
  readonly sent: Command[] = [];
  readonly copied: string[] = [];
  readonly pictures: ArrayBuffer[] = [];
  readonly reports: string[] = [];
  pastes = 0;
  readonly app: AppState;
  #push: ((state: ViewState) => void) | undefined;
  #revision = 1;
  #view: ViewState;

  constructor(view: ViewState) {
    this.#view = view;
    const bridge: Bridge = {
      send: (command) => {
        this.sent.push(command);
        return Promise.resolve();
      },
      view: () => Promise.resolve(this.#view),
      onView: (listener) => {
        this.#push = listener;
        return Promise.resolve(() => undefined);
      },
      nextFrame: () => Promise.resolve(null),
      readPicture: (bytes) => {
        this.pictures.push(bytes);
        return Promise.resolve();
      },
      pastePicture: () => {
        this.pastes++;
        return Promise.resolve();
      },
      copyText: (text) => {
        this.copied.push(text);
        return Promise.resolve();
      },
      report: (message) => {
        this.reports.push(message);
        return Promise.resolve();
      },
    };
    this.app = new AppState(bridge);
  }

  /** Everything sent but the greeting. */
  get acts(): Command[] {
    return this.sent.filter((command) => command.command !== "window_ready");
  }

  push(view: ViewState): void {
    this.#view = { ...view, revision: ++this.#revision };
    this.#push?.(this.#view);
  }
}

/** Opens a window that shows the fixture called `name`. */
export async function open(name: keyof typeof fixtures, change: Partial<ViewState> = {}): Promise<TestWindow> {
  const window = new TestWindow({ ...fixture(name), ...change });
  render(App, { props: { app: window.app } });
  await window.app.start();
  await vi.waitFor(() => {
    if (!document.querySelector(`main[data-view="${window.app.view?.screen.view}"]`)) throw new Error("not drawn yet");
  });
  return window;
}

/** Waits until a question that has just appeared may be answered. */
export async function rested(): Promise<void> {
  await vi.waitFor(
    () => {
      if (document.querySelector("[data-resting]")) throw new Error("still resting");
    },
    { timeout: 10_000 },
  );
}

export function fixture(name: keyof typeof fixtures): ViewState {
  const found = fixtures[name];
  if (!found) throw new Error(`no fixture ${name}`);
  return structuredClone(found);
}
