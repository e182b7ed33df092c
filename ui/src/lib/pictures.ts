import type { Command } from "../generated";
import type { Bridge } from "./bridge";

/** No more of a file is read: one byte above what the program takes, so that it says itself that the file is too large. */
const FILE_BYTES_MAX = 64 * 1024 * 1024 + 1;

/** Hands a chosen or pasted picture to the program, or says why it could not be opened. */
export async function handOver(file: File, bridge: Bridge, send: (command: Command) => void): Promise<void> {
  try {
    const part = file.size > FILE_BYTES_MAX ? file.slice(0, FILE_BYTES_MAX) : file;
    await bridge.readPicture(await part.arrayBuffer());
  } catch (error) {
    send({ command: "picture_failed", details: `open picture: ${String(error)}`.slice(0, 500) });
  }
}

/** The first file of a paste. */
export function fileOf(data: DataTransfer | null): File | null {
  return data?.files[0] ?? null;
}
