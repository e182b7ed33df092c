import type { Bridge } from "./bridge";

/**
 * Draws the newest camera picture again and again until it is told to stop. Each picture is asked for when the last
 * one is on the canvas, so a slow window never piles up pictures.
 */
export function drawPreview(canvas: HTMLCanvasElement, bridge: Bridge): () => void {
  let stopped = false;
  const context = canvas.getContext("2d", { alpha: false });

  async function loop(): Promise<void> {
    while (!stopped && context) {
      try {
        const jpeg = await bridge.nextFrame();
        if (stopped) return;
        if (jpeg.byteLength === 0) {
          await pause(100);
          continue;
        }
        const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
        if (canvas.width !== picture.width) canvas.width = picture.width;
        if (canvas.height !== picture.height) canvas.height = picture.height;
        context.drawImage(picture, 0, 0);
        picture.close();
      } catch {
        // A damaged picture or a camera on its way out: the view state says what is wrong.
        await pause(250);
      }
    }
  }

  void loop();
  return () => {
    stopped = true;
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
