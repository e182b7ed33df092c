// @ts-check
// Line icons on a 24 grid, drawn here so that no asset has to be fetched.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  check: "M5 12.5 10 17.5 19.5 7",
  cross: "M6.5 6.5 17.5 17.5 M17.5 6.5 6.5 17.5",
  clock: "M12 6.5 V12 L15.5 14 M21 12 a9 9 0 1 1 -18 0 a9 9 0 0 1 18 0",
  flag: "M6 21 V4 M6 4.5 H17.5 L15 8.5 L17.5 12.5 H6",
  network: "M3 9.5 a14 14 0 0 1 18 0 M6.5 13.5 a9 9 0 0 1 11 0 M10 17.3 a4 4 0 0 1 4 0 M4 3.5 20 20.5",
  server: "M4 5 h16 v6 H4 Z M4 13.5 h16 v6 H4 Z M7.5 8 h.01 M7.5 16.5 h.01",
  lock: "M6 11 h12 v9 H6 Z M8.5 11 V8 a3.5 3.5 0 0 1 7 0 V11",
  leave: "M14 4.5 H6 V19.5 H14 M10.5 12 H20.5 M17 8.5 20.5 12 17 15.5",
  warning: "M12 4 21 19.5 H3 Z M12 10 V14 M12 16.8 h.01",
  device: "M5 5 h14 v10 H5 Z M3 19 h18",
};

/** @typedef {keyof typeof PATHS} Icon */

/**
 * @param {Icon} name
 * @returns {SVGSVGElement} hidden from screen readers: a word always stands beside it
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const attributes = { viewBox: "0 0 24 24", width: "24", height: "24", fill: "none", stroke: "currentColor", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("stroke-width", "1.75");
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}
