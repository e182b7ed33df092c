import type { Texts } from "./texts";

export const en: Texts = {
  tag: "en",
  common: {
    back: "Back",
    cancel: "Cancel",
    continue: "Continue",
    copied: "Copied",
    copyDetails: "Copy details",
    detailsCopied: "Details copied",
    retry: "Try again",
    loading: "Loading",
    dismiss: "Dismiss",
    now: "now",
    unknown: "unknown",
    timeLeft: (time) => `Time left: ${time}`,
    secondsLeft: (seconds) => `${seconds} seconds left`,
    account: "Account",
    showMore: (rest) => `Show more (${rest} left)`,
  },
  places: {
    scan: "Scan",
    sessions: "Signed in",
    activity: "Activity",
    accounts: "Accounts",
    settings: "Settings",
    navigation: "Places",
  },
  loading: { title: "Opening the keychain" },
  startTrouble: {
    heading: "Countersign cannot start yet",
    eraseBody: "The list of accounts, their keys and all settings are deleted from this computer. The servers are not told: remove this computer there, then add the accounts again.",
  },
  firstStart: {
    title: "Sign in by looking at a code",
    body: "A login page on another computer shows a QR code. Countersign reads it, says who is asking, and signs that page in when you approve.",
    add: "Add an account",
  },
  addAccount: {
    title: "Add an account",
    byLink: "Link or QR",
    byPassword: "Name and password",
    how: "How to add it",
    linkLabel: "Enrolment link",
    linkHelp: "You get it from the person who runs the server, or from “Add another computer” in Countersign. It works once, for ten minutes.",
    linkPlaceholder: "https://login.example.com/E/…",
    image: "Read it from an image",
    scan: "Scan it",
    scanHelp: "With the camera or from this screen",
    addressLabel: "Server address",
    addressPlaceholder: "login.example.com",
    usernameLabel: "Name",
    passwordLabel: "Password",
    passwordHelp: "Sent to that server only, once, and kept nowhere.",
  },
  confirmContact: {
    title: (host) => `Contact ${host}?`,
    body: "Countersign has contacted nobody so far. Go on only if you know this server and expected its link.",
    pinned: "This server uses its own certificate. Countersign will trust exactly the key that the link names.",
    yes: "Contact it",
    no: "Do not contact",
  },
  enrolling: {
    title: (host) => `Talking to ${host}`,
    body: "A key for this computer is being made and shown to the server. It never leaves the keychain.",
  },
  confirmAccount: {
    title: "Add this account?",
    body: "This computer will be able to sign you in to it.",
    server: "Server",
    account: "Account",
    address: "Address",
    yes: "Add account",
    no: "Do not add",
    working: "One moment",
  },
  chooseAccount: {
    title: "Which account?",
    body: (host) => `You have several accounts on ${host}. Choose the one to sign in with.`,
  },
  scan: {
    title: "Scan",
    preview: "Picture of the camera",
    found: "Code found",
    screen: "Scan my screen",
    image: "From image",
    imageHelp: "Choose a file, drop one here, or paste a picture or a link",
    type: "Type the code",
    typeHelp: "For a page that shows eight letters",
    drop: "Drop the picture to read it",
    start: "Start the camera",
    stop: "Stop the camera",
    off: "The camera is off.",
    starting: "Opening the camera",
    watching: "Countersign opens it by itself when it is back.",
    camera: "Camera",
    mirror: "Mirror picture",
    insteadOf: (chosen, shown) => `“${chosen}” is not plugged in. This is “${shown}”.`,
    notThere: (camera) => `${camera} (not plugged in)`,
    hints: {
      search: "Point the camera at the code",
      move_closer: "Move closer",
      too_dark: "Too dark. More light helps",
      hold_still: "Blurred. Hold still",
    },
    work: {
      reading_screen: "Looking at the screen",
      reading_picture: "Reading the picture",
      asking_server: "Code found. Asking the server",
    },
  },
  typeCode: {
    title: "Type the code",
    body: "On the login page choose “Type a code instead”. It then shows eight letters.",
    label: "Code on that page",
    account: "Account to sign in",
    submit: "Continue",
    working: "Asking the server",
  },
  foreign: {
    truncated: "Only the first part is shown.",
    textLabel: "What the code holds",
    copyText: "Copy text",
    addServer: "Add an account of this server",
    again: "Scan another",
    kinds: {
      login_code: "Login code",
      web_address: "Web address",
      wifi: "Wi-Fi network",
      contact: "Contact",
      email: "E-mail address",
      phone: "Telephone",
      place: "Place",
      one_time_password: "One-time password secret",
      other_scheme: "Address for another program",
      text: "Text",
      binary: "Bytes",
    },
    notes: {
      none: () => ({
        title: "This is not a login code of yours",
        next: "It is shown as text only. Nothing was opened and nobody was contacted.",
      }),
      unknown_server: ({ origin }) => ({
        title: "A login code of a server you have not added",
        next: `It belongs to ${origin}. To sign in there, first add an account of that server. Nobody was contacted.`,
      }),
      lookalike: ({ origin, resembles }) => ({
        title: "This only looks like a server of yours",
        next: `The code is from ${origin}. Your server is ${resembles}. Somebody may be trying to deceive you. Nobody was contacted.`,
      }),
    },
  },
  authorize: {
    signInTo: "Sign in to",
    through: (host) => `through ${host}`,
    as: (name) => `as ${name}`,
    scopes: "It asks for",
    told: "What is known about this sign-in",
    seen: "Seen by the server",
    address: "Address",
    started: "Started",
    browser: "Browser",
    network: "Network",
    sameNetwork: "same as yours",
    otherNetwork: "another than yours",
    networkUnknown: "cannot be told",
    seenBefore: "seen before",
    notSeenBefore: "not seen before",
    claimed: "Says of itself",
    claims: (browser, system, language) => {
      const what = [browser, system && (browser ? `on ${system}` : system)].filter(Boolean).join(" ");
      return [what, language].filter(Boolean).join(", ");
    },
    claimsNothing: "nothing",
    number: "Number on that screen",
    effect: "Approving signs that browser in as you.",
    digit: (place) => (place === 1 ? "First digit" : "Second digit"),
    triesLeft: (tries) => (tries === 1 ? "One try left." : `${tries} tries left.`),
    approve: "Approve",
    deny: "Deny",
    notMe: "This wasn’t me",
    deciding: { approve: "Approving", deny: "Denying", report: "Reporting" },
    warnings: {
      different_network: {
        title: "This browser is on another network than you",
        next: "If you are not sitting in front of it, deny.",
      },
      came_by_link: {
        title: "The code came by a link",
        next: "Whoever sent you the link would be signed in as you. Deny unless you opened the page yourself.",
      },
      came_by_image: {
        title: "The code came in a picture",
        next: "Whoever sent you the picture would be signed in as you. Deny unless you took it yourself.",
      },
      came_by_typing: {
        title: "The code was typed",
        next: "If somebody told or sent you the code, deny: they would be signed in as you.",
      },
      came_by_screen: {
        title: "The code was read from this screen",
        next: "If it is a shared screen or a call, it belongs to somebody else. Deny.",
      },
      network_unknown: {
        title: "The server cannot tell whether that browser is near you",
        next: "Approve only if you sit in front of it.",
      },
      browser_first_seen: {
        title: "This browser has never been signed in as you",
        next: "That is normal on a new computer. Otherwise look twice.",
      },
      old_frame: {
        title: "The code was shown a while ago",
        next: "A code on the page itself is only seconds old. Scan it there.",
      },
    },
  },
  waiting: {
    title: "Approved",
    body: (host) => `Waiting for the page to take up its sign-in at ${host}.`,
  },
  outcome: {
    signedIn: (host) => `Signed in to ${host}`,
    signedInBody: "That page is signed in. You can end it here at any time.",
    neverCame: "The page did not come back",
    neverCameBody: "You approved, but the page did not take up the sign-in in time. Nobody is signed in. Reload the page and scan its new code.",
    denied: "Denied",
    deniedBody: "That page is not signed in.",
    reported: "Denied and reported",
    reportedBody: "That page is not signed in. The attempt is marked in your activity. If a password of yours could be known to others, change it.",
    ended: {
      time_over: {
        title: "The time to decide is over",
        next: "Nobody is signed in. Renew the code on the page and scan it again.",
      },
      wrong_numbers: {
        title: "Three wrong numbers",
        next: "The login was denied to protect you. Start again on the page if it was you.",
      },
      by_server: {
        title: "The page ended this login",
        next: "Nobody is signed in. Renew the code on the page and scan it again.",
      },
      decided_before: {
        title: "This login was decided already",
        next: "An answer of this app got there first. See where you are signed in.",
      },
      no_answer: {
        title: "The server does not answer any more",
        next: "You approved, and the page may be signed in. See where you are signed in when the server is back.",
      },
    },
    scanAgain: "Scan again",
    seeSessions: "See where you are signed in",
  },
  sessions: {
    title: "Signed in",
    none: "No browser is signed in",
    noneBody: "Scan the code of a login page and it appears here.",
    on: (browser, system) => (browser && system ? `${browser} on ${system}` : browser || system),
    unknownBrowser: "A browser",
    approvedBy: (device) => `Approved by ${device}`,
    approvedHere: "Approved here",
    end: "End",
    endNamed: (what) => `End ${what}`,
    ending: "Ending",
    endAll: "End all",
    endAllAsk: "End all sessions?",
    endAllBody: (count) =>
      count === 1
        ? "One browser is signed out at its next step, and every login under way is stopped."
        : `All ${count} browsers are signed out at their next step, and every login under way is stopped.`,
    endAllYes: "End all",
    reload: "Refresh",
  },
  devices: {
    title: "Trusted devices",
    intro: "These can sign you in. Remove what you no longer use.",
    this: "This computer",
    lastSeen: (time) => `Last seen ${time}`,
    renameNamed: (name) => `Rename ${name}`,
    nameLabel: "Name of the device",
    save: "Save",
    remove: "Remove",
    removeNamed: (name) => `Remove ${name}`,
    removeAsk: (name) => `Remove ${name}?`,
    removeBody: "It can no longer sign you in, and the browsers that it signed in are signed out.",
    changing: "Changing",
    addComputer: "Add another computer",
    none: "No devices",
  },
  addComputer: {
    title: "Add another computer",
    body: "Scan this with Countersign on the other computer, or open the link there.",
    picture: "QR code that enrols another computer",
    warning: "Whoever has this code can sign in as you. It works once. Show it to nobody.",
    copyLink: "Copy link",
    over: "This code is over.",
    again: "Make a new code",
    added: (name) => `${name} was added`,
    addedBody: "It can sign you in from now on. If it is not yours, remove it now.",
    seeDevices: "See trusted devices",
  },
  activity: {
    title: "Activity",
    none: "Nothing happened so far",
    noneBody: "Logins, devices and sessions of this account appear here.",
    alarmTitle: "The server’s log was changed",
    alarmBody:
      "What the server shows as your past differs from what this app saw before. Entries may be missing. Ask the person who runs the server.",
    alarmAccept: "I have read this",
    kinds: {
      account_created: "The account was made",
      account_enabled: "The account was enabled",
      account_disabled: "The account was disabled",
      account_removed: "The account was removed",
      password_changed: "The password was changed",
      enrolment_created: "A link for another device was made",
      device_enrolled: "A device was added",
      device_renamed: "A device was renamed",
      device_removed: "A device was removed",
      sign_in_approved: "A sign-in was approved",
      sign_in_denied: "A sign-in was denied",
      sign_in_reported: "A sign-in was reported: not you",
      sign_in_refused: "The server refused a sign-in",
      signed_in: "A browser was signed in",
      signed_out: "A browser signed out",
      session_reported: "A browser said: not me",
      session_ended: "A session was ended",
      session_replaced: "The same browser signed in anew",
      session_expired: "A session ended by itself",
      sessions_ended: "All sessions were ended",
    },
    unknownKind: "Something that this version does not know",
  },
  accounts: {
    title: "Accounts",
    add: "Add an account",
    devices: "Trusted devices",
    signOut: "Sign out here",
    signOutAsk: (name) => `Sign out ${name}?`,
    signOutBody: (host) => `The key for ${host} is deleted from this computer, and the server forgets this device. Browsers that it signed in are signed out.`,
    signOutYes: "Sign out",
    working: "Signing out",
    pinned: "Trusted by its own key",
    signedOut: {
      title: "Signed out by the server",
      next: "The server no longer knows this computer. Add the account again, or remove it.",
    },
    keyMissing: {
      title: "The key is gone",
      next: "The keychain no longer holds the key of this account. Add the account again, or remove it.",
    },
    remove: "Remove",
    addAgain: "Add again",
    alarm: "The server’s log was changed. See activity.",
    none: "No account",
    group: (name, host) => `${name} on ${host}`,
  },
  settings: {
    title: "Settings",
    camera: "Camera",
    cameraFirst: "The first that works",
    cameraHelp: "Open the scan view once to list the cameras.",
    appearance: "Appearance",
    theme: "Theme",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    language: "Language",
    languageSystem: "As the system",
    background: "In the background",
    startAtLogin: "Start with the computer",
    startAtLoginHelp: "Hidden, in the tray",
    closeToTray: "Keep running when closed",
    closeToTrayHelp: "Closing the window leaves Countersign in the tray",
    notifications: "Notify about sign-ins",
    notificationsHelp: "Also about new devices",
    data: "Data",
    erase: "Erase this app’s data",
    eraseHelp: "All accounts, keys and settings on this computer",
    eraseAsk: "Erase everything?",
    eraseBody: "All accounts, keys and settings of this app are deleted from this computer. The servers are told if they can be reached.",
    eraseYes: "Erase everything",
    erasing: "Erasing",
    version: (version) => `Countersign ${version}`,
  },
  update: { heading: "An update is needed" },
  bridge: {
    lost: "The window lost its program",
    lostBody: "Close Countersign and start it again.",
    fault: {
      title: "This view cannot be shown",
      next: "Try again or go to another view. If it stays so, close Countersign and start it again.",
    },
  },
  errors: {
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
  },
  notices: {
    account_added: ({ host }) => `Account on ${host} added`,
    account_removed: ({ host }) => `Account on ${host} removed`,
    account_removed_here_only: ({ host }) =>
      `Account removed here. ${host} could not be told and still lists this computer. Remove it there.`,
    erased: ({ offline }) =>
      offline.length === 0
        ? "Everything was erased"
        : `Everything was erased here. Not reached, so still listing this computer: ${offline.join(", ")}`,
    session_ended: () => "Session ended",
    all_sessions_ended: () => "All sessions ended",
    device_removed: () => "Device removed",
    device_renamed: () => "Device renamed",
    link_not_opened: () => "A link came in between. Answer this first, then open the link again.",
    new_sign_in: ({ host, browser, system }) =>
      `New sign-in on ${host}: ${browser && system ? `${browser} on ${system}` : browser || system || "a browser"}`,
  },
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
