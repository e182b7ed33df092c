// @ts-check
// Where to go after signing in. The server has checked the path; the page checks it once more,
// because it is the page that follows it.

const OWN_PATHS = ["/", "/login", "/renew"];

/**
 * @param {string | null} path
 * @returns {string | null} the whole address (a path alone could turn into another host), null when it is not on this origin
 */
export function addressOf(path) {
  if (path === null || /[\\\p{Cc}]/u.test(path) || !URL.canParse(path, location.origin)) return null;
  const address = new URL(path, location.origin);
  return address.origin === location.origin ? address.href : null;
}

/**
 * The address to follow after signing in, null when that would be this page again.
 * @param {string | null} path
 */
export function onwards(path) {
  const address = addressOf(path);
  return address === null || OWN_PATHS.includes(new URL(address).pathname) ? null : address;
}
