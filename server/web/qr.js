// @ts-check
// The picture that is scanned: at least 264 px wide (more where the page's text is larger), each
// module a whole number of device pixels.

const LEAST_PX = 264;
const MOST_PX = 296;
const TEXT_PX = 16;

/**
 * Shows `png` (a data URI, one pixel a module) in `image` as large as the rule above and `room` allow.
 * @param {HTMLImageElement} image
 * @param {string} png
 * @param {HTMLElement} room
 */
export function showPicture(image, png, room) {
  if (image.src === png) return;
  image.onload = () => fit(image, room);
  image.src = png;
}

/**
 * @param {HTMLImageElement} image
 * @param {HTMLElement} room
 */
export function fit(image, room) {
  const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / TEXT_PX;
  const most = Math.min(MOST_PX * scale, room.clientWidth);
  const size = sizePx(image.naturalWidth, Math.min(LEAST_PX * scale, most), most, devicePixelRatio);
  image.style.width = image.style.height = `${size}px`;
}

/**
 * @param {number} modules
 * @param {number} leastPx
 * @param {number} mostPx
 * @param {number} ratio device pixels per CSS pixel
 */
function sizePx(modules, leastPx, mostPx, ratio) {
  if (modules < 21 || modules > 120) return leastPx;
  const wanted = Math.ceil((leastPx * ratio) / modules);
  const fitting = Math.max(1, Math.floor((mostPx * ratio) / modules));
  return (Math.min(wanted, fitting) * modules) / ratio;
}
