/** Makes a forgotten case a compile error, and a fault with a name if it ever runs. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
