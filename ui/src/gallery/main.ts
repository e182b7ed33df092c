import "../styles/tokens.css";
import "../styles/base.css";

import { mount } from "svelte";

import App from "../App.svelte";
import type { Language, Theme, ViewState } from "../generated";
import { AppState } from "../lib/appState.svelte";
import type { Bridge } from "../lib/bridge";
import Index from "./Index.svelte";
import { FIXTURE_NOW_S, fixtures, presses } from "./fixtures";
import { drawFrame } from "./frame";

// gallery.html lists the fixtures; ?fixture=NAME&theme=light|dark&language=en|de draws one as the window would.
const target = document.getElementById("app");
if (!target) throw new Error("gallery.html has no #app");
const asked = new URLSearchParams(location.search);
const name = asked.get("fixture");
const fixture = name === null ? undefined : fixtures[name];

if (!fixture) {
  mount(Index, { target, props: { names: Object.keys(fixtures), presses } });
} else {
  const view = atPresent(fixture);
  view.settings = {
    ...view.settings,
    theme: (asked.get("theme") as Theme | null) ?? view.settings.theme,
    language: (asked.get("language") as Language | null) ?? view.settings.language,
  };
  const bridge: Bridge = {
    send: (command) => {
      console.info(JSON.stringify(command));
      return Promise.resolve();
    },
    view: () => Promise.resolve(view),
    onView: () => Promise.resolve(() => undefined),
    nextFrame: drawFrame,
    readPicture: () => Promise.resolve(),
    pastePicture: () => Promise.resolve(),
    copyText: () => Promise.resolve(),
    report: () => Promise.resolve(),
  };
  const app = new AppState(bridge);
  mount(App, { target, props: { app } });
  void app.start();
}

/** The same state, with its moments moved to the present. */
function atPresent(state: ViewState): ViewState {
  const shift = Math.floor(Date.now() / 1000) - FIXTURE_NOW_S;
  return JSON.parse(JSON.stringify(state), (key, value: unknown) =>
    typeof value === "number" && (key === "at" || key.endsWith("_at")) ? value + shift : value,
  ) as ViewState;
}
