import type { Command } from "../generated";
import type { Bridge } from "./bridge";

/** Larger files are not even read: no screenshot or photo comes near it. The program has its own, smaller limit. */
const FILE_BYTES_MAX = 128 * 1024 * 1024;

/** Hands a chosen, dropped or pasted picture to the program, or says why it could not be opened. */
export async function handOver(file: File, bridge: Bridge, send: (command: Command) => void): Promise<void> {
  try {
    if (file.size > FILE_BYTES_MAX) throw new Error(`the file has ${file.size} bytes`);
    await bridge.readPicture(await file.arrayBuffer());
  } catch (error) {
    send({ command: "picture_failed", details: `open picture: ${String(error)}`.slice(0, 500) });
  }
}

/** The first file of a drop or paste. */
export function fileOf(data: DataTransfer | null): File | null {
  return data?.files[0] ?? null;
}
