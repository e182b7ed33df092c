// @ts-check
// Where to go after signing in. The server has checked the path; the page checks it once more,
// because it is the page that follows it.

const LOGIN_PATHS = ["/", "/login", "/renew"];

/**
 * @param {string | null} path
 * @returns {string | null} the whole address (a path alone could turn into another host), null when there is nowhere to go
 */
export function onThisOrigin(path) {
  if (path === null || /[\\\p{Cc}]/u.test(path) || !URL.canParse(path, location.origin)) return null;
  const address = new URL(path, location.origin);
  return address.origin === location.origin && !LOGIN_PATHS.includes(address.pathname) ? address.href : null;
}

/** @param {string} path */
export function atHome(path) {
  return onThisOrigin(path) === null;
}
