import type { Bridge, PreviewFrame } from "./bridge";

/** Pixels. */
interface Size {
  width: number;
  height: number;
}

/**
 * Draws the newest camera picture again and again until it is told to stop. The next picture is asked for while one is
 * decoded, and no further one before that is drawn, so a slow window never piles up pictures.
 *
 * The canvas counts: `data-drawn` pictures drawn, `data-newest` the camera's own number of the last of them.
 */
export function drawPreview(canvas: HTMLCanvasElement, bridge: Bridge, size: Size): () => void {
  let stopped = false;
  let drawn = 0;
  // Kept in main memory ("read frequently"): where a webview draws without a graphics card, handing each picture to the
  // emulated one takes longer than a frame lasts, and with a real one the copy is small.
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });

  async function loop(): Promise<void> {
    let next = ask(0);
    while (!stopped && context) {
      const frame = await next;
      if (stopped) return;
      next = ask(frame?.seq ?? 0, frame ? 0 : 100);
      if (frame) await draw(frame, context);
    }
  }

  /** A picture, or none after trouble: the camera is on its way out, and the view state says what is wrong. */
  async function ask(after: number, restMs = 0): Promise<PreviewFrame | null> {
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    return stopped ? null : bridge.nextFrame(after).catch(() => null);
  }

  async function draw(frame: PreviewFrame, context: CanvasRenderingContext2D): Promise<void> {
    const [resizeWidth, resizeHeight] = shownSize(canvas, size);
    const jpeg = new Blob([frame.jpeg], { type: "image/jpeg" });
    const picture = await createImageBitmap(jpeg, { resizeWidth, resizeHeight, resizeQuality: "medium" }).catch(() => null);
    // A damaged picture leaves the one before.
    if (!picture) return;
    if (!stopped) {
      if (canvas.width !== picture.width) canvas.width = picture.width;
      if (canvas.height !== picture.height) canvas.height = picture.height;
      context.drawImage(picture, 0, 0);
      canvas.dataset.drawn = String(++drawn);
      canvas.dataset.newest = String(frame.seq);
    }
    picture.close();
  }

  void loop();
  return () => {
    stopped = true;
  };
}

/** As many pixels as the canvas shows of a picture that covers it, and never more than the picture has. */
export function shownSize(canvas: HTMLCanvasElement, { width, height }: Size): [number, number] {
  const box = Math.max(canvas.clientWidth / width, canvas.clientHeight / height) * devicePixelRatio;
  const scale = box > 0 ? Math.min(1, box) : 1;
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
