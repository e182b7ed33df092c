import { createContext } from "svelte";

import type { AppState } from "./appState.svelte";

/** The state of the window, for every component under `App`. */
export const [useApp, provideApp] = createContext<AppState>();
