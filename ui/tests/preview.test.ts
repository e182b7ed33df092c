import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Bridge, PreviewFrame } from "../src/lib/bridge";
import { drawPreview, shownSize } from "../src/lib/preview";

function canvasOf(clientWidth: number, clientHeight: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  Object.defineProperties(canvas, { clientWidth: { value: clientWidth }, clientHeight: { value: clientHeight } });
  return canvas;
}

describe("the size of a drawn picture", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("covers the box in its shape, in real pixels", () => {
    expect(shownSize(canvasOf(366, 360), { width: 1280, height: 720 })).toEqual([640, 360]);
    vi.stubGlobal("devicePixelRatio", 2);
    expect(shownSize(canvasOf(320, 100), { width: 1280, height: 720 })).toEqual([640, 360]);
  });

  it("never has more pixels than the picture, and never none", () => {
    vi.stubGlobal("devicePixelRatio", 3);
    expect(shownSize(canvasOf(900, 900), { width: 640, height: 480 })).toEqual([640, 480]);
    expect(shownSize(canvasOf(0, 0), { width: 640, height: 480 })).toEqual([640, 480]);
  });
});

describe("drawing the preview", () => {
  const drawn: number[] = [];
  let picture = 0;

  beforeEach(() => {
    drawn.length = 0;
    vi.stubGlobal("createImageBitmap", (blob: Blob) =>
      blob.size === 0 ? Promise.reject(new Error("damaged")) : Promise.resolve({ width: 4, height: 3, close: () => undefined }),
    );
  });

  afterEach(() => vi.unstubAllGlobals());

  /** Sends what it is given, then nothing more. */
  function play(frames: (PreviewFrame | null)[]): { canvas: HTMLCanvasElement; asked: number[]; stop: () => void } {
    const canvas = document.createElement("canvas");
    canvas.getContext = (() => ({ drawImage: () => drawn.push(++picture) })) as never;
    const asked: number[] = [];
    const bridge = {
      nextFrame: (after: number) => {
        asked.push(after);
        const frame = frames.shift();
        return frame === undefined ? new Promise(() => undefined) : Promise.resolve(frame);
      },
    } as unknown as Bridge;
    return { canvas, asked, stop: drawPreview(canvas, bridge, { width: 4, height: 3 }) };
  }

  it("asks for the picture after the last one, and counts", async () => {
    const { canvas, asked, stop } = play([{ seq: 3, jpeg: "a" }, { seq: 5, jpeg: "b" }]);
    await expect.poll(() => canvas.dataset.newest).toBe("5");
    expect(canvas.dataset.drawn).toBe("2");
    expect(asked).toEqual([0, 3, 5]);
    stop();
  });

  it("passes over a damaged picture", async () => {
    const { canvas, stop } = play([{ seq: 1, jpeg: "" }, { seq: 2, jpeg: "b" }]);
    await expect.poll(() => canvas.dataset.newest).toBe("2");
    expect(canvas.dataset.drawn).toBe("1");
    stop();
  });

  it("draws nothing once it was told to stop", async () => {
    const { canvas, stop } = play([{ seq: 1, jpeg: "a" }]);
    stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(drawn).toEqual([]);
    expect(canvas.dataset.newest).toBeUndefined();
  });
});
