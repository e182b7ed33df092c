import type { ErrorTexts } from "../texts";

export const errors: ErrorTexts = {
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
  recovery_code_malformed: () => ({
    title: "Das ist kein Wiederherstellungscode",
    next: "Ein Code hat sechzehn Buchstaben und Ziffern. Mit der Liste vergleichen.",
  }),
  recovery_refused: () => ({
    title: "Der Server lehnt diesen Namen und Code ab",
    next: "Beides prüfen. Jeder Code gilt einmal, und neue Codes ersetzen die älteren.",
  }),
  codes_unwritable: ({ path }) => ({
    title: "Die Textdatei konnte nicht geschrieben werden",
    next: `Die Codes stattdessen kopieren oder in ${path} Platz schaffen.`,
  }),
  pin_wrong: ({ tries_left }) => ({
    title: "Das ist nicht die PIN",
    next: tries_left === 1 ? "Nach einer weiteren falschen PIN wartet die App eine Minute." : `Noch ${tries_left} Versuche, dann wartet die App eine Minute.`,
  }),
  pin_wait: ({ wait_s }) => ({
    title: "Zu viele falsche PINs",
    next: `${waitTime(wait_s)} warten, dann erneut versuchen.`,
  }),
  pin_blocked: () => ({
    title: "Zu viele falsche PINs, es wird keine mehr angenommen",
    next: "Die Konten aus dieser App entfernen und neu hinzufügen. Mit dem letzten geht auch die PIN.",
  }),
  pin_form: () => ({
    title: "Eine PIN hat sechs Ziffern oder mehr",
    next: "Nur Ziffern benutzen, höchstens 32.",
  }),
  pin_simple: () => ({
    title: "Diese PIN wird von jedem zuerst versucht",
    next: "Ziffern wählen, die weder alle gleich sind noch aufeinander folgen.",
  }),
  pin_asked: () => ({
    title: "Hierfür ist die PIN nötig",
    next: "Noch einmal versuchen und sie eingeben.",
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
