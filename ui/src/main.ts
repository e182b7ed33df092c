import "./styles/tokens.css";
import "./styles/base.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { AppState } from "./lib/appState.svelte";
import { tauriBridge } from "./lib/tauriBridge";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");

addEventListener("error", (event) => {
  void tauriBridge.report(`${event.message} (${event.filename}:${event.lineno})`).catch(() => undefined);
});
addEventListener("unhandledrejection", (event) => {
  void tauriBridge.report(`unhandled: ${String(event.reason)}`).catch(() => undefined);
});

// The webview's own menu offers what a page has and a window has not. Fields and texts keep theirs.
addEventListener("contextmenu", (event) => {
  if (!(event.target instanceof Element && event.target.closest("input, .selectable"))) event.preventDefault();
});

const app = new AppState(tauriBridge);
mount(App, { target, props: { app } });
void app.start();
