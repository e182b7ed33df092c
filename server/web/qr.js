// @ts-check
// The picture that is scanned: at least 264 px wide, each module a whole number of device pixels.

const LEAST_PX = 264;

/**
 * Shows `png` (a data URI, one pixel a module) in `image` as large as the rule above and `roomPx` allow.
 * @param {HTMLImageElement} image
 * @param {string} png
 * @param {() => number} roomPx
 */
export function showPicture(image, png, roomPx) {
  if (image.src === png) return;
  image.onload = () => fit(image, roomPx());
  image.src = png;
}

/**
 * @param {HTMLImageElement} image
 * @param {number} roomPx
 */
export function fit(image, roomPx) {
  const size = sizePx(image.naturalWidth, roomPx, devicePixelRatio);
  image.style.width = image.style.height = `${size}px`;
}

/**
 * @param {number} modules
 * @param {number} roomPx
 * @param {number} ratio device pixels per CSS pixel
 */
function sizePx(modules, roomPx, ratio) {
  if (modules < 21 || modules > 120) return Math.min(LEAST_PX, roomPx);
  const wanted = Math.ceil((LEAST_PX * ratio) / modules);
  const most = Math.max(1, Math.floor((roomPx * ratio) / modules));
  return (Math.min(wanted, most) * modules) / ratio;
}
