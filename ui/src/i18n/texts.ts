import type {
  Deciding,
  EndReason,
  ErrorCode,
  ForeignKind,
  ForeignNote,
  Hint,
  NoticeMessage,
  ScanWork,
  WarningCode,
} from "../generated";

/** What happened, then what to do. */
export interface Sentence {
  title: string;
  next: string;
}

/** One text per code, each with the data of its own code: a missing or unknown code does not compile. */
export type ErrorTexts = {
  [Code in ErrorCode["code"]]: (error: Extract<ErrorCode, { code: Code }>) => Sentence;
};

export type NoticeTexts = {
  [Name in Exclude<NoticeMessage["notice"], "failed" | "new_sign_in">]: (message: Extract<NoticeMessage, { notice: Name }>) => string;
};

export type ForeignNoteTexts = {
  [Name in ForeignNote["note"]]: (note: Extract<ForeignNote, { note: Name }>) => Sentence;
};

/** Kinds of activity that the window knows; others show the sentence of the server. */
export type ActivityKind =
  | "account_created"
  | "account_enabled"
  | "account_disabled"
  | "account_removed"
  | "password_changed"
  | "account_changed"
  | "enrolment_created"
  | "device_enrolled"
  | "recovery_codes_made"
  | "device_renamed"
  | "device_removed"
  | "sign_in_approved"
  | "sign_in_denied"
  | "sign_in_reported"
  | "sign_in_refused"
  | "signed_in"
  | "signed_out"
  | "session_reported"
  | "session_ended"
  | "session_replaced"
  | "session_expired"
  | "sessions_ended"
  | "client_authorized"
  | "grant_ended";

/** Every text of the window. Each language is one object of this type. */
export interface Texts {
  tag: "en" | "de";
  common: {
    back: string;
    cancel: string;
    continue: string;
    copied: string;
    copyDetails: string;
    detailsCopied: string;
    retry: string;
    loading: string;
    dismiss: string;
    now: string;
    unknown: string;
    timeLeft: (time: string) => string;
    secondsLeft: (seconds: number) => string;
    account: string;
    showMore: (rest: number) => string;
  };
  places: {
    scan: string;
    sessions: string;
    activity: string;
    accounts: string;
    settings: string;
    navigation: string;
  };
  loading: { title: string };
  startTrouble: { heading: string; eraseBody: string };
  firstStart: { title: string; body: string; add: string };
  addAccount: {
    title: string;
    byLink: string;
    byPassword: string;
    how: string;
    linkLabel: string;
    linkHelp: string;
    linkPlaceholder: string;
    image: string;
    scan: string;
    scanHelp: string;
    addressLabel: string;
    addressPlaceholder: string;
    usernameLabel: string;
    passwordLabel: string;
    passwordHelp: string;
    lost: string;
    lostBody: string;
    codeLabel: string;
    codeHelp: string;
  };
  confirmContact: { title: (host: string) => string; body: string; pinned: string; yes: string; no: string };
  enrolling: { title: (host: string) => string; body: string };
  confirmAccount: {
    title: string;
    body: string;
    server: string;
    account: string;
    address: string;
    yes: string;
    no: string;
    working: string;
  };
  chooseAccount: { title: string; body: (host: string) => string };
  scan: {
    title: string;
    preview: string;
    found: string;
    screen: string;
    image: string;
    imageHelp: string;
    type: string;
    typeHelp: string;
    drop: string;
    start: string;
    stop: string;
    off: string;
    starting: string;
    watching: string;
    camera: string;
    mirror: string;
    insteadOf: (chosen: string, shown: string) => string;
    notThere: (camera: string) => string;
    hints: Record<Hint, string>;
    work: Record<Exclude<ScanWork, "idle">, string>;
  };
  typeCode: { title: string; body: string; label: string; account: string; submit: string; working: string };
  foreign: {
    truncated: string;
    textLabel: string;
    copyText: string;
    addServer: string;
    again: string;
    kinds: Record<ForeignKind, string>;
    notes: ForeignNoteTexts;
  };
  authorize: {
    signInTo: string;
    through: (host: string) => string;
    as: (name: string) => string;
    scopes: string;
    scopeWords: Record<string, string>;
    told: string;
    seen: string;
    address: string;
    started: string;
    browser: string;
    network: string;
    sameNetwork: string;
    otherNetwork: string;
    networkUnknown: string;
    seenBefore: string;
    notSeenBefore: string;
    claimed: string;
    claims: (browser: string, system: string, language: string) => string;
    claimsNothing: string;
    number: string;
    effect: string;
    digit: (place: number) => string;
    triesLeft: (tries: number) => string;
    approve: string;
    deny: string;
    notMe: string;
    deciding: Record<Deciding, string>;
    warnings: Record<WarningCode, Sentence>;
    /** Where a device or program without a browser asks (RFC 8628). */
    device: { signInTo: string; address: string; effect: string; warnings: Partial<Record<WarningCode, Sentence>> };
  };
  waiting: { title: string; body: (host: string) => string; deviceBody: (host: string) => string };
  outcome: {
    signedIn: (host: string) => string;
    signedInBody: string;
    neverCame: string;
    neverCameBody: string;
    denied: string;
    deniedBody: string;
    reported: string;
    reportedBody: string;
    ended: Record<EndReason, Sentence>;
    scanAgain: string;
    seeSessions: string;
    device: {
      signedInBody: string;
      neverCame: string;
      neverCameBody: string;
      deniedBody: string;
      reportedBody: string;
      ended: Partial<Record<EndReason, Sentence>>;
    };
  };
  sessions: {
    title: string;
    none: string;
    noneBody: string;
    on: (browser: string, system: string) => string;
    unknownBrowser: string;
    approvedBy: (device: string) => string;
    approvedHere: string;
    usedAt: (sites: string) => string;
    end: string;
    endNamed: (what: string) => string;
    ending: string;
    endAll: string;
    endAllAsk: string;
    endAllBody: (count: number) => string;
    endAllYes: string;
    reload: string;
  };
  devices: {
    title: string;
    intro: string;
    this: string;
    lastSeen: (time: string) => string;
    renameNamed: (name: string) => string;
    nameLabel: string;
    save: string;
    remove: string;
    removeNamed: (name: string) => string;
    removeAsk: (name: string) => string;
    removeBody: string;
    changing: string;
    addComputer: string;
    none: string;
  };
  addComputer: {
    title: string;
    body: string;
    picture: string;
    warning: string;
    copyLink: string;
    over: string;
    again: string;
    added: (name: string) => string;
    addedBody: string;
    seeDevices: string;
  };
  activity: {
    title: string;
    none: string;
    noneBody: string;
    alarmTitle: string;
    alarmBody: string;
    alarmAccept: string;
    kinds: Record<ActivityKind, string>;
    unknownKind: string;
  };
  accounts: {
    title: string;
    add: string;
    devices: string;
    recovery: string;
    signOut: string;
    signOutAsk: (name: string) => string;
    signOutBody: (host: string) => string;
    signOutYes: string;
    working: string;
    pinned: string;
    signedOut: Sentence;
    keyMissing: Sentence;
    remove: string;
    addAgain: string;
    alarm: string;
    none: string;
    /** Accessible name of the group of one account. */
    group: (name: string, host: string) => string;
  };
  settings: {
    title: string;
    camera: string;
    cameraFirst: string;
    cameraHelp: string;
    appearance: string;
    theme: string;
    themes: { system: string; light: string; dark: string };
    language: string;
    languageSystem: string;
    background: string;
    startAtLogin: string;
    startAtLoginHelp: string;
    closeToTray: string;
    closeToTrayHelp: string;
    notifications: string;
    notificationsHelp: string;
    data: string;
    erase: string;
    eraseHelp: string;
    eraseAsk: string;
    eraseBody: string;
    eraseYes: string;
    erasing: string;
    version: (version: string) => string;
  };
  recovery: {
    title: string;
    heading: string;
    offer: string;
    offerBody: (host: string) => string;
    make: string;
    makeAnew: string;
    working: string;
    later: string;
    voids: string;
    left: (left: number) => string;
    keep: string;
    copy: string;
    save: string;
    saved: (path: string) => string;
    kept: string;
    pin: string;
  };
  disowned: {
    told: (browser: string, host: string, time: string) => string;
    ask: (device: string) => string;
    yes: string;
    no: string;
    ending: (browser: string) => string;
    ended: (browser: string) => string;
    endedBody: (device: string) => string;
    failed: (browser: string) => string;
    devices: string;
    devicesHelp: string;
    sessions: string;
    sessionsHelp: string;
    codes: string;
    codesHelp: string;
    done: string;
  };
  pin: {
    section: string;
    setting: string;
    settingHelp: string;
    ask: string;
    askToApprove: (host: string) => string;
    askToAdd: string;
    set: string;
    setBody: string;
    setForSite: (host: string) => string;
    change: string;
    save: string;
    remove: string;
    removeBody: string;
    pin: string;
    current: string;
    fresh: string;
    again: string;
    differ: string;
    checking: string;
    forgotten: string;
  };
  update: { heading: string };
  bridge: { lost: string; lostBody: string; fault: Sentence };
  errors: ErrorTexts;
  notices: NoticeTexts;
}
