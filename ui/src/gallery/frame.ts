import type { PreviewFrame } from "../lib/bridge";

/** A picture such as a webcam might send: a desk, a screen, a code on it. */
export async function drawFrame(after: number): Promise<PreviewFrame | null> {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d");
  if (!context) return null;
  const wall = context.createLinearGradient(0, 0, 640, 480);
  wall.addColorStop(0, "#8d97a6");
  wall.addColorStop(1, "#4c5563");
  context.fillStyle = wall;
  context.fillRect(0, 0, 640, 480);
  context.fillStyle = "#3a2f28";
  context.fillRect(0, 400, 640, 80);
  context.setTransform(1, 0.02, -0.04, 1, 20, 0);
  context.fillStyle = "#15181d";
  context.fillRect(120, 60, 400, 310);
  context.fillStyle = "#f3f5f8";
  context.fillRect(134, 74, 372, 282);
  context.fillStyle = "#ffffff";
  context.fillRect(220, 130, 190, 190);
  context.fillStyle = "#111111";
  const cell = 150 / 29;
  for (let y = 0; y < 29; y++) {
    for (let x = 0; x < 29; x++) {
      const corner = (x < 7 && y < 7) || (x > 21 && y < 7) || (x < 7 && y > 21);
      const nearCorner = (x < 8 && y < 8) || (x > 20 && y < 8) || (x < 8 && y > 20);
      const finder = corner && ring(x > 21 ? x - 22 : x, y > 21 ? y - 22 : y);
      const data = !nearCorner && (x * 7 + y * 13 + ((x * y) % 5) * 3) % 3 === 0;
      if (finder || data) context.fillRect(240 + x * cell, 150 + y * cell, cell + 0.3, cell + 0.3);
    }
  }
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  return { seq: after + 1, jpeg: blob };
}

function ring(x: number, y: number): boolean {
  const edge = Math.max(Math.abs(x - 3), Math.abs(y - 3));
  return edge === 3 || edge <= 1;
}
