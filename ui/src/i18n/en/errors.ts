import type { ErrorTexts } from "../texts";

export const errors: ErrorTexts = {
  camera_none: () => ({
    title: "No camera was found",
    next: "Plug one in, or scan from your screen, from an image, or type the code.",
  }),
  camera_busy: () => ({
    title: "The camera is used by another program",
    next: "Close that program, or scan from your screen.",
  }),
  camera_refused: () => ({
    title: "The system does not allow the camera",
    next: "Allow it for Countersign in the system settings, or scan from your screen.",
  }),
  camera_unplugged: () => ({
    title: "The camera was unplugged",
    next: "Plug it in again, or scan from your screen.",
  }),
  camera_frozen: () => ({
    title: "The camera sends no picture",
    next: "Unplug it and plug it in again, or scan from your screen.",
  }),
  camera_unsupported: () => ({
    title: "This camera’s picture cannot be read",
    next: "Choose another camera in the settings, or scan from your screen.",
  }),
  camera_failed: () => ({
    title: "The camera does not work",
    next: "Try again, or scan from your screen.",
  }),
  screen_refused: () => ({
    title: "No picture of the screen was allowed",
    next: "Allow it when the system asks, or save a screenshot and choose “From image”.",
  }),
  screen_unsupported: () => ({
    title: "This system gives no picture of the screen",
    next: "Save a screenshot and choose “From image”, or type the code.",
  }),
  screen_failed: () => ({
    title: "The picture of the screen failed",
    next: "Try again, or save a screenshot and choose “From image”.",
  }),
  screen_no_code: () => ({
    title: "No code is on the screen",
    next: "Bring the page with the code to the front and beside this window, make it larger, and try again.",
  }),
  picture_unreadable: () => ({
    title: "This is not a picture that can be read",
    next: "Choose a PNG, JPEG, WebP, GIF or BMP picture.",
  }),
  picture_too_large: ({ limit_mb }) => ({
    title: "The picture is too large",
    next: `Choose one under ${limit_mb} MB, or cut it down to the code.`,
  }),
  picture_no_code: () => ({
    title: "No code is in this picture",
    next: "Choose a picture that shows the whole code with its white edge.",
  }),
  server_unreachable: ({ host }) => ({
    title: `${host} cannot be reached`,
    next: "Check the address and the connection of this computer, then try again.",
  }),
  server_timeout: ({ host }) => ({
    title: `${host} does not answer`,
    next: "Try again in a moment.",
  }),
  certificate_refused: ({ host }) => ({
    title: `The certificate of ${host} is not trusted`,
    next: "Nothing was sent. Ask the person who runs the server. In a network with a login page, log in to the network first.",
  }),
  pin_mismatch: ({ host }) => ({
    title: `${host} shows another key than agreed`,
    next: "Nothing was sent. If the server was set up anew, ask for a new enrolment link. Otherwise somebody is in between.",
  }),
  redirect_refused: ({ host }) => ({
    title: `${host} points elsewhere`,
    next: "Countersign does not follow. Check the address for a spelling mistake or ask the person who runs the server.",
  }),
  not_countersign: ({ host }) => ({
    title: `${host} is not a Countersign server`,
    next: "Check the address. It is the one that the login page shows.",
  }),
  needs_https: ({ host }) => ({
    title: `${host} has no secure address`,
    next: "Use its https address. Plain http works on this computer alone.",
  }),
  server_unavailable: ({ host }) => ({
    title: `${host} is having trouble`,
    next: "It is there but cannot work just now. Try again in a moment.",
  }),
  rate_limited: ({ retry_after_s }) => ({
    title: "Too many attempts",
    next: `Wait ${waitTime(retry_after_s)}, then try again.`,
  }),
  origin_differs: ({ contacted, claimed }) => ({
    title: "The server calls itself by another name",
    next: `Contacted: ${contacted}. It says: ${claimed}. Nothing was kept. Ask for a link with the right address.`,
  }),
  app_too_old: ({ host }) => ({
    title: "This app is too old",
    next: `${host} speaks a newer language. Update Countersign.`,
  }),
  server_too_old: ({ host }) => ({
    title: "The server is too old",
    next: `Ask the person who runs ${host} to update it.`,
  }),
  link_unreadable: () => ({
    title: "This is not an enrolment link",
    next: "It starts with https:// and has /E/ in it. Copy the whole link.",
  }),
  address_unreadable: () => ({
    title: "This is not a server address",
    next: "Type it like login.example.com.",
  }),
  link_used: () => ({
    title: "This link is used up",
    next: "It works once and for ten minutes. Ask for a new one.",
  }),
  enrolment_refused: () => ({
    title: "The server refused",
    next: "Check name and password. An account that already has a device needs a link from it instead.",
  }),
  field_missing: ({ field }) => ({
    title: "Something is missing",
    next: fieldNext[field] ?? "Fill in the empty field.",
  }),
  user_code_malformed: () => ({
    title: "The code has eight letters",
    next: "Type them as the page shows them. There are no vowels and no digits.",
  }),
  code_unknown: () => ({
    title: "The server does not know this code",
    next: "Check that you chose the right account, and look at the page again.",
  }),
  code_expired: () => ({
    title: "This code is no longer shown",
    next: "Scan the code that the page shows at this moment.",
  }),
  code_ended: () => ({
    title: "This login has ended",
    next: "Renew the code on the page and scan it again.",
  }),
  code_already_scanned: () => ({
    title: "This code was scanned already",
    next: "Another device holds this login. If that was not you, deny it there or renew the code on the page.",
  }),
  network_refused: () => ({
    title: "The server refused this login",
    next: "Its rule wants the browser on your network. Nobody is signed in.",
  }),
  recovery_code_malformed: () => ({
    title: "That is no recovery code",
    next: "A code has sixteen letters and digits. Compare it with your list.",
  }),
  recovery_refused: () => ({
    title: "The server refused this name and code",
    next: "Check both. Each code works once, and new codes void the older ones.",
  }),
  codes_unwritable: ({ path }) => ({
    title: "The text file could not be written",
    next: `Copy the codes instead, or make room in ${path}.`,
  }),
  pin_wrong: ({ tries_left }) => ({
    title: "That is not your PIN",
    next: tries_left === 1 ? "After one more wrong PIN this app waits a minute." : `You have ${tries_left} tries before this app waits a minute.`,
  }),
  pin_wait: ({ wait_s }) => ({
    title: "Too many wrong PINs",
    next: `Wait ${waitTime(wait_s)}, then try again.`,
  }),
  pin_blocked: () => ({
    title: "Too many wrong PINs, none is taken any more",
    next: "Remove your accounts from this app and add them again. The PIN goes with the last one.",
  }),
  pin_form: () => ({
    title: "A PIN has six digits or more",
    next: "Use digits alone, 32 at most.",
  }),
  pin_simple: () => ({
    title: "That PIN is among the first that anybody tries",
    next: "Choose digits that are neither all the same nor in a row.",
  }),
  pin_asked: () => ({
    title: "This takes your PIN",
    next: "Try again and enter it.",
  }),
  wrong_check: ({ tries_left }) => ({
    title: "That is not the number on the screen",
    next:
      tries_left === 1
        ? "Look at the page again. One try is left."
        : `Look at the page again. ${tries_left} tries are left.`,
  }),
  check_malformed: () => ({
    title: "The number has two digits",
    next: "Type it as the page shows it.",
  }),
  context_refused: () => ({
    title: "The server contradicts the code",
    next: "Nothing was approved. Ask the person who runs the server.",
  }),
  signed_out: () => ({
    title: "This computer is signed out",
    next: "The server no longer knows it. Add the account again.",
  }),
  proof_refused: () => ({
    title: "The server refused this computer’s key",
    next: "Try again. If it stays so, sign out and add the account again.",
  }),
  not_there: () => ({
    title: "It is no longer there",
    next: "Refresh the list.",
  }),
  keychain_none: () => ({
    title: "No keychain is running",
    next: "Countersign keeps keys in the keychain of the system only. Start it (on Linux: GNOME Keyring or KWallet), then try again.",
  }),
  keychain_locked: () => ({
    title: "The keychain is locked",
    next: "Unlock it, then try again.",
  }),
  keychain_refused: () => ({
    title: "The keychain refused",
    next: "Allow Countersign to use it, then try again.",
  }),
  keychain_timeout: () => ({
    title: "The keychain does not answer",
    next: "Look for a window of the system that asks for a password, then try again.",
  }),
  key_missing: () => ({
    title: "The key of this account is gone",
    next: "Add the account again, or remove it.",
  }),
  accounts_unreadable: ({ path }) => ({
    title: "The list of accounts cannot be read",
    next: `Look at the file ${path}, then try again. It was left as it is.`,
  }),
  accounts_unwritable: ({ path }) => ({
    title: "The list of accounts cannot be saved",
    next: `Make room or allow writing to ${path}, then try again.`,
  }),
  internal: () => ({
    title: "A fault in this program",
    next: "Try again. If it stays so, copy the details and report it.",
  }),
};

const fieldNext: Record<string, string> = {
  address: "Type the address of the server.",
  username: "Type your name on that server.",
  password: "Type your password.",
  name: "Type a name.",
  code: "Type the code.",
};

function waitTime(seconds: number): string {
  if (seconds < 90) return seconds <= 1 ? "one second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
