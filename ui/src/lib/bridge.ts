import { createContext } from "svelte";

import type { Command, ViewState } from "../generated";

/** What the window can ask of the program. The tests and the gallery have their own. */
export interface Bridge {
  /** Hands one act of the person to the controller. */
  send(command: Command): Promise<void>;
  /** The whole view state with fresh countdowns. */
  view(): Promise<ViewState>;
  /** Calls back with each pushed view state; the result ends it. */
  onView(listener: (state: ViewState) => void): Promise<() => void>;
  /** The next preview picture as JPEG, after the one that was handed out last; empty when there is none. */
  nextFrame(): Promise<ArrayBuffer>;
  /** Hands the bytes of a picture file over to be read. */
  readPicture(bytes: ArrayBuffer): Promise<void>;
  /** Reads the picture on the clipboard, where the webview itself may not see it. */
  pastePicture(): Promise<void>;
  /** Puts text on the clipboard because the person asked for it. */
  copyText(text: string): Promise<void>;
  /** Writes a fault of the window to the log of the program. */
  report(message: string): Promise<void>;
}

export const [useBridge, provideBridge] = createContext<Bridge>();
