import type { Texts } from "./texts";

export const de: Texts = {
  tag: "de",
  common: {
    back: "Zurück",
    cancel: "Abbrechen",
    continue: "Weiter",
    copied: "Kopiert",
    copyDetails: "Details kopieren",
    detailsCopied: "Details kopiert",
    retry: "Erneut versuchen",
    loading: "Wird geladen",
    dismiss: "Ausblenden",
    now: "jetzt",
    unknown: "unbekannt",
    timeLeft: (time) => `Verbleibende Zeit: ${time}`,
    secondsLeft: (seconds) => `Noch ${seconds} Sekunden`,
    account: "Konto",
    showMore: (rest) => `Mehr zeigen (noch ${rest})`,
  },
  places: {
    scan: "Scannen",
    sessions: "Angemeldet",
    activity: "Verlauf",
    accounts: "Konten",
    settings: "Einstellungen",
    navigation: "Bereiche",
  },
  loading: { title: "Schlüsselbund wird geöffnet" },
  startTrouble: {
    heading: "Countersign kann noch nicht starten",
    eraseBody: "Die Liste der Konten, ihre Schlüssel und alle Einstellungen werden auf diesem Computer gelöscht. Die Server erfahren nichts davon: diesen Computer dort entfernen, dann die Konten neu hinzufügen.",
  },
  firstStart: {
    title: "Anmelden mit einem Blick",
    body: "Eine Anmeldeseite auf einem anderen Computer zeigt einen QR-Code. Countersign liest ihn, sagt, wer fragt, und meldet die Seite nach Zustimmung an.",
    add: "Konto hinzufügen",
  },
  addAccount: {
    title: "Konto hinzufügen",
    byLink: "Link oder QR",
    byPassword: "Name und Passwort",
    how: "Art des Hinzufügens",
    linkLabel: "Einladungslink",
    linkHelp: "Er kommt von der Person, die den Server betreibt, oder aus „Weiteren Computer hinzufügen“ in Countersign. Er gilt einmal, zehn Minuten lang.",
    linkPlaceholder: "https://login.example.com/E/…",
    image: "Aus einem Bild lesen",
    scan: "Scannen",
    scanHelp: "Mit der Kamera oder von diesem Bildschirm",
    addressLabel: "Adresse des Servers",
    addressPlaceholder: "login.example.com",
    usernameLabel: "Name",
    passwordLabel: "Passwort",
    passwordHelp: "Geht einmal und nur an diesen Server und wird nirgends aufbewahrt.",
  },
  confirmContact: {
    title: (host) => `${host} kontaktieren?`,
    body: "Countersign hat bisher niemanden kontaktiert. Nur fortfahren, wenn der Server bekannt und sein Link erwartet ist.",
    pinned: "Dieser Server benutzt ein eigenes Zertifikat. Countersign vertraut dann genau dem Schlüssel, den der Link nennt.",
    yes: "Kontaktieren",
    no: "Nicht kontaktieren",
  },
  enrolling: {
    title: (host) => `Verbindung mit ${host}`,
    body: "Ein Schlüssel für diesen Computer entsteht und wird dem Server vorgestellt. Er verlässt den Schlüsselbund nie.",
  },
  confirmAccount: {
    title: "Dieses Konto hinzufügen?",
    body: "Dieser Computer kann dann dort anmelden.",
    server: "Server",
    account: "Konto",
    address: "Adresse",
    yes: "Konto hinzufügen",
    no: "Nicht hinzufügen",
    working: "Einen Moment",
  },
  chooseAccount: {
    title: "Welches Konto?",
    body: (host) => `Auf ${host} gibt es mehrere Konten. Das Konto für diese Anmeldung wählen.`,
  },
  scan: {
    title: "Scannen",
    preview: "Bild der Kamera",
    found: "Code gefunden",
    screen: "Bildschirm scannen",
    image: "Aus einem Bild",
    imageHelp: "Datei wählen, hierher ziehen, oder Bild oder Link einfügen",
    type: "Code eintippen",
    typeHelp: "Für eine Seite, die acht Buchstaben zeigt",
    drop: "Loslassen, um das Bild zu lesen",
    start: "Kamera einschalten",
    stop: "Kamera ausschalten",
    off: "Die Kamera ist aus.",
    starting: "Kamera wird geöffnet",
    watching: "Countersign öffnet sie von selbst, sobald sie wieder da ist.",
    camera: "Kamera",
    mirror: "Bild spiegeln",
    insteadOf: (chosen, shown) => `„${chosen}“ ist nicht angeschlossen. Zu sehen ist „${shown}“.`,
    notThere: (camera) => `${camera} (nicht angeschlossen)`,
    hints: {
      search: "Die Kamera auf den Code richten",
      move_closer: "Näher heran",
      too_dark: "Zu dunkel. Mehr Licht hilft",
      hold_still: "Unscharf. Ruhig halten",
    },
    work: {
      reading_screen: "Der Bildschirm wird gelesen",
      reading_picture: "Das Bild wird gelesen",
      asking_server: "Code gefunden. Der Server wird gefragt",
    },
  },
  typeCode: {
    title: "Code eintippen",
    body: "Auf der Anmeldeseite „Stattdessen einen Code eintippen“ wählen. Sie zeigt dann acht Buchstaben.",
    label: "Code auf der Seite",
    account: "Konto für die Anmeldung",
    submit: "Weiter",
    working: "Der Server wird gefragt",
  },
  foreign: {
    truncated: "Nur der erste Teil wird gezeigt.",
    textLabel: "Inhalt des Codes",
    copyText: "Text kopieren",
    addServer: "Konto dieses Servers hinzufügen",
    again: "Anderen Code scannen",
    kinds: {
      login_code: "Anmeldecode",
      web_address: "Webadresse",
      wifi: "WLAN",
      contact: "Kontakt",
      email: "E-Mail-Adresse",
      phone: "Telefon",
      place: "Ort",
      one_time_password: "Geheimnis für Einmalpasswörter",
      other_scheme: "Adresse für ein anderes Programm",
      text: "Text",
      binary: "Bytes",
    },
    notes: {
      none: () => ({
        title: "Kein eigener Anmeldecode",
        next: "Der Inhalt wird nur als Text gezeigt. Nichts wurde geöffnet, niemand kontaktiert.",
      }),
      unknown_server: ({ origin }) => ({
        title: "Anmeldecode eines fremden Servers",
        next: `Er gehört zu ${origin}. Für eine Anmeldung dort zuerst ein Konto dieses Servers hinzufügen. Niemand wurde kontaktiert.`,
      }),
      lookalike: ({ origin, resembles }) => ({
        title: "Sieht nur aus wie ein eigener Server",
        next: `Der Code ist von ${origin}. Der eigene Server ist ${resembles}. Das kann eine Täuschung sein. Niemand wurde kontaktiert.`,
      }),
    },
  },
  authorize: {
    signInTo: "Anmelden bei",
    through: (host) => `über ${host}`,
    as: (name) => `als ${name}`,
    scopes: "Es verlangt",
    told: "Was über diese Anmeldung bekannt ist",
    seen: "Vom Server gesehen",
    address: "Adresse",
    started: "Begonnen",
    browser: "Browser",
    network: "Netz",
    sameNetwork: "dasselbe wie hier",
    otherNetwork: "ein anderes als hier",
    networkUnknown: "nicht feststellbar",
    seenBefore: "schon bekannt",
    notSeenBefore: "noch nicht bekannt",
    claimed: "Sagt von sich selbst",
    claims: (browser, system, language) => {
      const what = [browser, system && (browser ? `unter ${system}` : system)].filter(Boolean).join(" ");
      return [what, language].filter(Boolean).join(", ");
    },
    claimsNothing: "nichts",
    number: "Zahl auf der Anmeldeseite",
    effect: "Zustimmen meldet jenen Browser mit diesem Konto an.",
    digit: (place) => (place === 1 ? "Erste Ziffer" : "Zweite Ziffer"),
    triesLeft: (tries) => (tries === 1 ? "Noch ein Versuch." : `Noch ${tries} Versuche.`),
    approve: "Zustimmen",
    deny: "Ablehnen",
    notMe: "Das war ich nicht",
    deciding: { approve: "Wird gesendet", deny: "Wird abgelehnt", report: "Wird gemeldet" },
    warnings: {
      different_network: {
        title: "Dieser Browser ist in einem anderen Netz",
        next: "Wer nicht selbst davor sitzt, sollte ablehnen.",
      },
      came_by_link: {
        title: "Der Code kam durch einen Link",
        next: "Wer den Link geschickt hat, würde mit diesem Konto angemeldet. Ablehnen, wenn die Seite nicht selbst geöffnet wurde.",
      },
      came_by_image: {
        title: "Der Code kam in einem Bild",
        next: "Wer das Bild geschickt hat, würde mit diesem Konto angemeldet. Ablehnen, wenn das Bild nicht selbst gemacht wurde.",
      },
      came_by_typing: {
        title: "Der Code wurde eingetippt",
        next: "Hat jemand den Code gesagt oder geschickt: ablehnen, sonst wird diese Person mit diesem Konto angemeldet.",
      },
      came_by_screen: {
        title: "Der Code wurde von diesem Bildschirm gelesen",
        next: "Ist es ein geteilter Bildschirm oder ein Anruf, gehört er jemand anderem: ablehnen.",
      },
      network_unknown: {
        title: "Der Server kann nicht sagen, ob der Browser in der Nähe ist",
        next: "Zustimmen sollte nur, wer selbst davor sitzt.",
      },
      browser_first_seen: {
        title: "Dieser Browser war mit diesem Konto noch nie angemeldet",
        next: "Auf einem neuen Computer ist das normal. Sonst genau hinsehen.",
      },
      old_frame: {
        title: "Der Code wurde schon vor einer Weile gezeigt",
        next: "Auf der Seite selbst ist ein Code nur Sekunden alt. Dort scannen.",
      },
    },
  },
  waiting: {
    title: "Zugestimmt",
    body: (host) => `Die Seite übernimmt jetzt ihre Anmeldung bei ${host}.`,
  },
  outcome: {
    signedIn: (host) => `Angemeldet bei ${host}`,
    signedInBody: "Die Seite ist angemeldet. Das lässt sich hier jederzeit beenden.",
    neverCame: "Die Seite kam nicht zurück",
    neverCameBody: "Die Zustimmung kam an, aber die Seite hat die Anmeldung nicht rechtzeitig übernommen. Niemand ist angemeldet. Die Seite neu laden und ihren neuen Code scannen.",
    denied: "Abgelehnt",
    deniedBody: "Die Seite ist nicht angemeldet.",
    reported: "Abgelehnt und gemeldet",
    reportedBody: "Die Seite ist nicht angemeldet. Der Versuch ist im Verlauf vermerkt. Könnte ein Passwort anderen bekannt sein, sollte es geändert werden.",
    ended: {
      time_over: {
        title: "Die Zeit zum Entscheiden ist um",
        next: "Niemand ist angemeldet. Den Code auf der Seite erneuern und wieder scannen.",
      },
      wrong_numbers: {
        title: "Dreimal die falsche Zahl",
        next: "Die Anmeldung wurde zum Schutz abgelehnt. Auf der Seite neu beginnen, falls sie gewollt war.",
      },
      by_server: {
        title: "Die Seite hat diese Anmeldung beendet",
        next: "Niemand ist angemeldet. Den Code auf der Seite erneuern und wieder scannen.",
      },
      decided_before: {
        title: "Über diese Anmeldung wurde schon entschieden",
        next: "Eine Antwort dieser App kam vorher an. Nachsehen, wo dieses Konto angemeldet ist.",
      },
      no_answer: {
        title: "Der Server antwortet nicht mehr",
        next: "Die Zustimmung ist erteilt, die Seite kann angemeldet sein. Nachsehen, wo dieses Konto angemeldet ist, sobald der Server wieder da ist.",
      },
    },
    scanAgain: "Wieder scannen",
    seeSessions: "Zeigen, wo angemeldet",
  },
  sessions: {
    title: "Angemeldet",
    none: "Kein Browser ist angemeldet",
    noneBody: "Den Code einer Anmeldeseite scannen, dann erscheint sie hier.",
    on: (browser, system) => (browser && system ? `${browser} unter ${system}` : browser || system),
    unknownBrowser: "Ein Browser",
    approvedBy: (device) => `Zugestimmt mit ${device}`,
    approvedHere: "Hier zugestimmt",
    end: "Beenden",
    endNamed: (what) => `${what} beenden`,
    ending: "Wird beendet",
    endAll: "Alle beenden",
    endAllAsk: "Alle Sitzungen beenden?",
    endAllBody: (count) =>
      count === 1
        ? "Ein Browser ist beim nächsten Schritt abgemeldet, und jede laufende Anmeldung wird gestoppt."
        : `Alle ${count} Browser sind beim nächsten Schritt abgemeldet, und jede laufende Anmeldung wird gestoppt.`,
    endAllYes: "Alle beenden",
    reload: "Aktualisieren",
  },
  devices: {
    title: "Vertrauenswürdige Geräte",
    intro: "Diese können anmelden. Nicht mehr benutzte am besten entfernen.",
    this: "Dieser Computer",
    lastSeen: (time) => `Zuletzt gesehen ${time}`,
    renameNamed: (name) => `${name} umbenennen`,
    nameLabel: "Name des Geräts",
    save: "Speichern",
    remove: "Entfernen",
    removeNamed: (name) => `${name} entfernen`,
    removeAsk: (name) => `${name} entfernen?`,
    removeBody: "Das Gerät kann dann nicht mehr anmelden, und die von ihm angemeldeten Browser werden abgemeldet.",
    changing: "Wird geändert",
    addComputer: "Weiteren Computer hinzufügen",
    none: "Keine Geräte",
  },
  addComputer: {
    title: "Weiteren Computer hinzufügen",
    body: "Mit Countersign auf dem anderen Computer scannen oder dort den Link öffnen.",
    picture: "QR-Code, der einen weiteren Computer hinzufügt",
    warning: "Wer diesen Code hat, kann mit diesem Konto anmelden. Er gilt einmal. Niemandem zeigen.",
    copyLink: "Link kopieren",
    over: "Dieser Code ist abgelaufen.",
    again: "Neuen Code erzeugen",
    added: (name) => `${name} wurde hinzugefügt`,
    addedBody: "Dieser Computer kann ab jetzt für Sie anmelden. Gehört er Ihnen nicht, entfernen Sie ihn sofort.",
    seeDevices: "Vertraute Geräte ansehen",
  },
  activity: {
    title: "Verlauf",
    none: "Bisher ist nichts geschehen",
    noneBody: "Anmeldungen, Geräte und Sitzungen dieses Kontos erscheinen hier.",
    alarmTitle: "Das Protokoll des Servers wurde geändert",
    alarmBody:
      "Was der Server als Vergangenheit zeigt, passt nicht zu dem, was diese App vorher sah. Einträge können fehlen. Am besten die Person fragen, die den Server betreibt.",
    alarmAccept: "Gelesen",
    kinds: {
      account_created: "Das Konto wurde angelegt",
      account_enabled: "Das Konto wurde freigegeben",
      account_disabled: "Das Konto wurde gesperrt",
      account_removed: "Das Konto wurde entfernt",
      password_changed: "Das Passwort wurde geändert",
      enrolment_created: "Ein Link für ein weiteres Gerät wurde erzeugt",
      device_enrolled: "Ein Gerät wurde hinzugefügt",
      device_renamed: "Ein Gerät wurde umbenannt",
      device_removed: "Ein Gerät wurde entfernt",
      sign_in_approved: "Einer Anmeldung wurde zugestimmt",
      sign_in_denied: "Eine Anmeldung wurde abgelehnt",
      sign_in_reported: "Eine Anmeldung wurde gemeldet: nicht gewollt",
      sign_in_refused: "Der Server lehnte eine Anmeldung ab",
      signed_in: "Ein Browser wurde angemeldet",
      signed_out: "Ein Browser meldete sich ab",
      session_reported: "Ein Browser meldete: nicht ich",
      session_ended: "Eine Sitzung wurde beendet",
      session_replaced: "Derselbe Browser meldete sich neu an",
      session_expired: "Eine Sitzung endete von selbst",
      sessions_ended: "Alle Sitzungen wurden beendet",
    },
    unknownKind: "Etwas, das diese Version nicht kennt",
  },
  accounts: {
    title: "Konten",
    add: "Konto hinzufügen",
    devices: "Vertrauenswürdige Geräte",
    signOut: "Hier abmelden",
    signOutAsk: (name) => `${name} abmelden?`,
    signOutBody: (host) => `Der Schlüssel für ${host} wird auf diesem Computer gelöscht, und der Server vergisst dieses Gerät. Von ihm angemeldete Browser werden abgemeldet.`,
    signOutYes: "Abmelden",
    working: "Wird abgemeldet",
    pinned: "Erkannt an seinem eigenen Schlüssel",
    signedOut: {
      title: "Vom Server abgemeldet",
      next: "Der Server kennt diesen Computer nicht mehr. Das Konto neu hinzufügen oder entfernen.",
    },
    keyMissing: {
      title: "Der Schlüssel fehlt",
      next: "Der Schlüsselbund enthält den Schlüssel dieses Kontos nicht mehr. Das Konto neu hinzufügen oder entfernen.",
    },
    remove: "Entfernen",
    addAgain: "Neu hinzufügen",
    alarm: "Das Protokoll des Servers wurde geändert. Siehe Verlauf.",
    none: "Kein Konto",
    group: (name, host) => `${name} auf ${host}`,
  },
  settings: {
    title: "Einstellungen",
    camera: "Kamera",
    cameraFirst: "Die erste, die funktioniert",
    cameraHelp: "Einmal die Scan-Ansicht öffnen, um die Kameras aufzulisten.",
    appearance: "Aussehen",
    theme: "Farben",
    themes: { system: "Wie das System", light: "Hell", dark: "Dunkel" },
    language: "Sprache",
    languageSystem: "Wie das System",
    background: "Im Hintergrund",
    startAtLogin: "Mit dem Computer starten",
    startAtLoginHelp: "Verborgen, im Infobereich",
    closeToTray: "Nach dem Schließen weiterlaufen",
    closeToTrayHelp: "Countersign bleibt im Infobereich, wenn das Fenster schließt",
    notifications: "Anmeldungen mitteilen",
    notificationsHelp: "Auch neue Geräte",
    data: "Daten",
    erase: "Daten dieser App löschen",
    eraseHelp: "Alle Konten, Schlüssel und Einstellungen auf diesem Computer",
    eraseAsk: "Alles löschen?",
    eraseBody: "Alle Konten, Schlüssel und Einstellungen dieser App werden auf diesem Computer gelöscht. Erreichbare Server erfahren davon.",
    eraseYes: "Alles löschen",
    erasing: "Wird gelöscht",
    version: (version) => `Countersign ${version}`,
  },
  update: { heading: "Eine Aktualisierung ist nötig" },
  bridge: {
    lost: "Das Fenster hat sein Programm verloren",
    lostBody: "Countersign schließen und neu starten.",
    fault: {
      title: "Diese Ansicht lässt sich nicht zeigen",
      next: "Erneut versuchen oder zu einer anderen Ansicht wechseln. Bleibt es so, Countersign schließen und neu starten.",
    },
  },
  errors: {
    camera_none: () => ({
      title: "Keine Kamera gefunden",
      next: "Eine anschließen, oder vom Bildschirm oder aus einem Bild lesen, oder den Code eintippen.",
    }),
    camera_busy: () => ({
      title: "Ein anderes Programm benutzt die Kamera",
      next: "Dieses Programm schließen oder vom Bildschirm lesen.",
    }),
    camera_refused: () => ({
      title: "Das System erlaubt die Kamera nicht",
      next: "Sie in den Systemeinstellungen für Countersign erlauben oder vom Bildschirm lesen.",
    }),
    camera_unplugged: () => ({
      title: "Die Kamera wurde abgezogen",
      next: "Sie wieder anschließen oder vom Bildschirm lesen.",
    }),
    camera_frozen: () => ({
      title: "Die Kamera liefert kein Bild",
      next: "Sie abziehen und wieder anschließen oder vom Bildschirm lesen.",
    }),
    camera_unsupported: () => ({
      title: "Das Bild dieser Kamera ist nicht lesbar",
      next: "In den Einstellungen eine andere wählen oder vom Bildschirm lesen.",
    }),
    camera_failed: () => ({
      title: "Die Kamera funktioniert nicht",
      next: "Erneut versuchen oder vom Bildschirm lesen.",
    }),
    screen_refused: () => ({
      title: "Ein Bild vom Bildschirm wurde nicht erlaubt",
      next: "Es erlauben, wenn das System fragt, oder ein Bildschirmfoto speichern und „Aus einem Bild“ wählen.",
    }),
    screen_unsupported: () => ({
      title: "Dieses System gibt kein Bild vom Bildschirm",
      next: "Ein Bildschirmfoto speichern und „Aus einem Bild“ wählen, oder den Code eintippen.",
    }),
    screen_failed: () => ({
      title: "Das Bild vom Bildschirm ist misslungen",
      next: "Erneut versuchen, oder ein Bildschirmfoto speichern und „Aus einem Bild“ wählen.",
    }),
    screen_no_code: () => ({
      title: "Auf dem Bildschirm ist kein Code",
      next: "Die Seite mit dem Code nach vorn und neben dieses Fenster holen, größer machen und erneut versuchen.",
    }),
    picture_unreadable: () => ({
      title: "Das ist kein lesbares Bild",
      next: "Ein Bild als PNG, JPEG, WebP, GIF oder BMP wählen.",
    }),
    picture_too_large: ({ limit_mb }) => ({
      title: "Das Bild ist zu groß",
      next: `Eines unter ${limit_mb} MB wählen oder auf den Code zuschneiden.`,
    }),
    picture_no_code: () => ({
      title: "In diesem Bild ist kein Code",
      next: "Ein Bild wählen, das den ganzen Code mit weißem Rand zeigt.",
    }),
    server_unreachable: ({ host }) => ({
      title: `${host} ist nicht erreichbar`,
      next: "Adresse und Verbindung dieses Computers prüfen, dann erneut versuchen.",
    }),
    server_timeout: ({ host }) => ({
      title: `${host} antwortet nicht`,
      next: "Gleich noch einmal versuchen.",
    }),
    certificate_refused: ({ host }) => ({
      title: `Dem Zertifikat von ${host} wird nicht vertraut`,
      next: "Nichts wurde gesendet. Die Person fragen, die den Server betreibt. In einem Netz mit eigener Anmeldeseite zuerst dort anmelden.",
    }),
    pin_mismatch: ({ host }) => ({
      title: `${host} zeigt einen anderen Schlüssel als vereinbart`,
      next: "Nichts wurde gesendet. Wurde der Server neu aufgesetzt, einen neuen Einladungslink anfordern. Sonst ist jemand dazwischen.",
    }),
    redirect_refused: ({ host }) => ({
      title: `${host} verweist anderswohin`,
      next: "Countersign folgt nicht. Die Adresse auf Tippfehler prüfen oder die Person fragen, die den Server betreibt.",
    }),
    not_countersign: ({ host }) => ({
      title: `${host} ist kein Countersign-Server`,
      next: "Die Adresse prüfen. Es ist die, welche die Anmeldeseite zeigt.",
    }),
    needs_https: ({ host }) => ({
      title: `${host} hat keine sichere Adresse`,
      next: "Seine https-Adresse benutzen. Einfaches http geht nur auf diesem Computer selbst.",
    }),
    server_unavailable: ({ host }) => ({
      title: `${host} hat eine Störung`,
      next: "Der Server ist da, kann aber gerade nicht arbeiten. Gleich noch einmal versuchen.",
    }),
    rate_limited: ({ retry_after_s }) => ({
      title: "Zu viele Versuche",
      next: `${waitTime(retry_after_s)} warten, dann erneut versuchen.`,
    }),
    origin_differs: ({ contacted, claimed }) => ({
      title: "Der Server nennt sich anders",
      next: `Kontaktiert: ${contacted}. Er sagt: ${claimed}. Nichts wurde behalten. Einen Link mit der richtigen Adresse anfordern.`,
    }),
    app_too_old: ({ host }) => ({
      title: "Diese App ist zu alt",
      next: `${host} spricht eine neuere Sprache. Countersign aktualisieren.`,
    }),
    server_too_old: ({ host }) => ({
      title: "Der Server ist zu alt",
      next: `Die Person, die ${host} betreibt, um eine Aktualisierung bitten.`,
    }),
    link_unreadable: () => ({
      title: "Das ist kein Einladungslink",
      next: "Er beginnt mit https:// und enthält /E/. Den ganzen Link kopieren.",
    }),
    address_unreadable: () => ({
      title: "Das ist keine Serveradresse",
      next: "Sie sieht aus wie login.example.com.",
    }),
    link_used: () => ({
      title: "Dieser Link ist verbraucht",
      next: "Er gilt einmal und zehn Minuten lang. Einen neuen anfordern.",
    }),
    enrolment_refused: () => ({
      title: "Der Server lehnt ab",
      next: "Name und Passwort prüfen. Ein Konto, das schon ein Gerät hat, braucht stattdessen einen Link von diesem.",
    }),
    field_missing: ({ field }) => ({
      title: "Etwas fehlt",
      next: fieldNext[field] ?? "Das leere Feld ausfüllen.",
    }),
    user_code_malformed: () => ({
      title: "Der Code hat acht Buchstaben",
      next: "So eintippen, wie die Seite sie zeigt. Vokale und Ziffern kommen nicht vor.",
    }),
    code_unknown: () => ({
      title: "Der Server kennt diesen Code nicht",
      next: "Prüfen, ob das richtige Konto gewählt ist, und noch einmal auf die Seite sehen.",
    }),
    code_expired: () => ({
      title: "Dieser Code wird nicht mehr gezeigt",
      next: "Den Code scannen, den die Seite in diesem Moment zeigt.",
    }),
    code_ended: () => ({
      title: "Diese Anmeldung ist beendet",
      next: "Den Code auf der Seite erneuern und wieder scannen.",
    }),
    code_already_scanned: () => ({
      title: "Dieser Code wurde schon gescannt",
      next: "Ein anderes Gerät hält diese Anmeldung. War das nicht gewollt, dort ablehnen oder den Code auf der Seite erneuern.",
    }),
    network_refused: () => ({
      title: "Der Server lehnt diese Anmeldung ab",
      next: "Seine Regel verlangt den Browser im selben Netz. Niemand ist angemeldet.",
    }),
    wrong_check: ({ tries_left }) => ({
      title: "Das ist nicht die Zahl auf dem Bildschirm",
      next:
        tries_left === 1
          ? "Noch einmal auf die Seite sehen. Ein Versuch bleibt."
          : `Noch einmal auf die Seite sehen. ${tries_left} Versuche bleiben.`,
    }),
    check_malformed: () => ({
      title: "Die Zahl hat zwei Ziffern",
      next: "So eintippen, wie die Seite sie zeigt.",
    }),
    context_refused: () => ({
      title: "Der Server widerspricht dem Code",
      next: "Keiner Anmeldung wurde zugestimmt. Die Person fragen, die den Server betreibt.",
    }),
    signed_out: () => ({
      title: "Dieser Computer ist abgemeldet",
      next: "Der Server kennt ihn nicht mehr. Das Konto neu hinzufügen.",
    }),
    proof_refused: () => ({
      title: "Der Server lehnt den Schlüssel dieses Computers ab",
      next: "Erneut versuchen. Bleibt es so, abmelden und das Konto neu hinzufügen.",
    }),
    not_there: () => ({
      title: "Das gibt es nicht mehr",
      next: "Die Liste aktualisieren.",
    }),
    keychain_none: () => ({
      title: "Kein Schlüsselbund läuft",
      next: "Countersign bewahrt Schlüssel nur im Schlüsselbund des Systems auf. Ihn starten (unter Linux: GNOME-Schlüsselbund oder KWallet), dann erneut versuchen.",
    }),
    keychain_locked: () => ({
      title: "Der Schlüsselbund ist gesperrt",
      next: "Ihn entsperren, dann erneut versuchen.",
    }),
    keychain_refused: () => ({
      title: "Der Schlüsselbund lehnt ab",
      next: "Countersign den Zugriff erlauben, dann erneut versuchen.",
    }),
    keychain_timeout: () => ({
      title: "Der Schlüsselbund antwortet nicht",
      next: "Nach einem Fenster des Systems sehen, das ein Passwort verlangt, dann erneut versuchen.",
    }),
    key_missing: () => ({
      title: "Der Schlüssel dieses Kontos fehlt",
      next: "Das Konto neu hinzufügen oder entfernen.",
    }),
    accounts_unreadable: ({ path }) => ({
      title: "Die Liste der Konten ist nicht lesbar",
      next: `Die Datei ${path} ansehen, dann erneut versuchen. Sie blieb unverändert.`,
    }),
    accounts_unwritable: ({ path }) => ({
      title: "Die Liste der Konten lässt sich nicht speichern",
      next: `Platz schaffen oder das Schreiben nach ${path} erlauben, dann erneut versuchen.`,
    }),
    internal: () => ({
      title: "Ein Fehler in diesem Programm",
      next: "Erneut versuchen. Bleibt es so, die Details kopieren und melden.",
    }),
  },
  notices: {
    account_added: ({ host }) => `Konto auf ${host} hinzugefügt`,
    account_removed: ({ host }) => `Konto auf ${host} entfernt`,
    account_removed_here_only: ({ host }) =>
      `Konto hier entfernt. ${host} war nicht erreichbar und führt diesen Computer noch. Dort entfernen.`,
    erased: ({ offline }) =>
      offline.length === 0
        ? "Alles wurde gelöscht"
        : `Hier wurde alles gelöscht. Nicht erreicht, dort noch geführt: ${offline.join(", ")}`,
    session_ended: () => "Sitzung beendet",
    all_sessions_ended: () => "Alle Sitzungen beendet",
    device_removed: () => "Gerät entfernt",
    device_renamed: () => "Gerät umbenannt",
    link_not_opened: () => "Ein Link kam dazwischen. Erst hier antworten, dann den Link noch einmal öffnen.",
    new_sign_in: ({ host, browser, system }) =>
      `Neue Anmeldung auf ${host}: ${browser && system ? `${browser} unter ${system}` : browser || system || "ein Browser"}`,
  },
};

const fieldNext: Record<string, string> = {
  address: "Die Adresse des Servers eintippen.",
  username: "Den Namen auf diesem Server eintippen.",
  password: "Das Passwort eintippen.",
  name: "Einen Namen eintippen.",
  code: "Den Code eintippen.",
};

function waitTime(seconds: number): string {
  if (seconds < 90) return seconds <= 1 ? "Eine Sekunde" : `${seconds} Sekunden`;
  return `${Math.ceil(seconds / 60)} Minuten`;
}
