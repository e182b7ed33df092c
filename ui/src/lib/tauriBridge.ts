import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

import type { ViewState } from "../generated";
import type { Bridge } from "./bridge";

/** The commands and the one event of the program; `src-tauri/src/commands.rs` is the other end. */
export const tauriBridge: Bridge = {
  send: (command) => invoke("send", { command }),
  view: () => invoke<ViewState>("view"),
  onView: (listener) => listen<ViewState>("view", (event) => listener(event.payload)),
  nextFrame: async (after) => {
    const bytes = await invoke<ArrayBuffer>("next_frame", { after });
    if (bytes.byteLength === 0) return null;
    return { seq: Number(new DataView(bytes).getBigUint64(0, true)), jpeg: new Uint8Array(bytes, 8) };
  },
  readPicture: (bytes) => invoke("read_picture", new Uint8Array(bytes)),
  pastePicture: () => invoke("paste_picture"),
  copyText: (text) => invoke("copy_text", { text }),
  report: (message) => invoke("log_ui", { message }),
};
