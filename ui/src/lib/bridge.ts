import { createContext } from "svelte";

import type { Command, ViewState } from "../generated";

/** One picture of the camera. */
export interface PreviewFrame {
  /** Counts the camera's frames, shown or not. */
  seq: number;
  jpeg: BlobPart;
}

/** What the window can ask of the program. The tests and the gallery have their own. */
export interface Bridge {
  /** Hands one act of the person to the controller. */
  send(command: Command): Promise<void>;
  /** The whole view state with fresh countdowns. */
  view(): Promise<ViewState>;
  /** Calls back with each pushed view state; the result ends it. */
  onView(listener: (state: ViewState) => void): Promise<() => void>;
  /** The newest preview picture after the one numbered `after` (0: any), waiting for it up to a second. */
  nextFrame(after: number): Promise<PreviewFrame | null>;
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
