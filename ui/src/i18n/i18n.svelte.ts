import { createContext } from "svelte";

import type { ErrorCode, ForeignNote, Language, NoticeMessage, SignIn } from "../generated";
import { de } from "./de";
import { en } from "./en";
import type { Sentence, Texts } from "./texts";

/** The texts of the chosen language and the dates and times that go with it. */
export class I18n {
  readonly #language: () => Language;

  constructor(language: () => Language) {
    this.#language = language;
  }

  get texts(): Texts {
    return languageOf(this.#language()) === "de" ? de : en;
  }

  /** The sentence of an error code. */
  error(error: ErrorCode): Sentence {
    // The table has one function per code that takes exactly that code's data; TypeScript cannot follow the pairing.
    const sentence = this.texts.errors[error.code] as (error: ErrorCode) => Sentence;
    return sentence(error);
  }

  /** What a notice says. */
  notice(message: NoticeMessage): string {
    if (message.notice === "failed") return this.error(message.problem.error).title;
    if (message.notice === "new_sign_in") return this.newSignIn(message.sign_in);
    const sentence = this.texts.notices[message.notice] as (message: NoticeMessage) => string;
    return sentence(message);
  }

  /** A sign-in that another device approved: which browser, where, when. */
  newSignIn(signIn: SignIn): string {
    const browser = this.texts.sessions.on(signIn.browser, signIn.system) || this.texts.sessions.unknownBrowser;
    return this.texts.disowned.told(browser, signIn.host, this.moment(signIn.at));
  }

  /** A moment in Unix seconds: the time of day within a day, else the date, both in the person's zone. */
  moment(atS: number, nowMs = Date.now()): string {
    const within = nowMs / 1000 - atS < 86_400;
    const style: Intl.DateTimeFormatOptions = within ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
    return unbroken(new Intl.DateTimeFormat(this.texts.tag, style).format(atS * 1000));
  }

  /** What to tell about a foreign text. */
  foreign(note: ForeignNote): Sentence {
    const sentence = this.texts.foreign.notes[note.note] as (note: ForeignNote) => Sentence;
    return sentence(note);
  }

  /** A moment in Unix seconds: relative up to a day, else the date in the person's zone. */
  when(atS: number, nowMs = Date.now()): string {
    const agoS = Math.max(0, Math.round(nowMs / 1000 - atS));
    if (agoS < 86_400) return this.ago(agoS);
    return new Intl.DateTimeFormat(this.texts.tag, { dateStyle: "medium" }).format(atS * 1000);
  }

  /** A length of time that ends at this moment, in seconds. */
  ago(seconds: number): string {
    const format = new Intl.RelativeTimeFormat(this.texts.tag, { numeric: "always", style: "short" });
    if (seconds < 60) return this.texts.common.now;
    if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
    return format.format(-Math.floor(seconds / 3600), "hour");
  }

  /** The same, to the second, for something that has just begun. */
  agoToTheSecond(seconds: number): string {
    if (seconds >= 60) return this.ago(seconds);
    return new Intl.RelativeTimeFormat(this.texts.tag, { numeric: "always" }).format(-Math.floor(seconds), "second");
  }

  /** Date and time in the person's zone. */
  date(atS: number): string {
    return new Intl.DateTimeFormat(this.texts.tag, { dateStyle: "medium", timeStyle: "short" }).format(atS * 1000);
  }

  /** The day alone, in the person's zone. */
  day(atS: number): string {
    return new Intl.DateTimeFormat(this.texts.tag, { weekday: "long", day: "numeric", month: "long" }).format(
      atS * 1000,
    );
  }

  /** The time of day alone, in the person's zone. */
  time(atS: number): string {
    return unbroken(new Intl.DateTimeFormat(this.texts.tag, { timeStyle: "short" }).format(atS * 1000));
  }

  /** A language tag as a word, for example `de-DE` as "German (Germany)"; an unknown one as it is. */
  languageName(tag: string): string {
    try {
      return new Intl.DisplayNames(this.texts.tag, { type: "language" }).of(tag) ?? tag;
    } catch {
      return tag;
    }
  }
}

/** Seconds as `1:48`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function languageOf(language: Language): "en" | "de" {
  if (language !== "system") return language;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

/** The i18n of the window, for every component under `App`. */
export const [useI18n, provideI18n] = createContext<I18n>();

/** "8:01 PM" stays on one line. */
function unbroken(time: string): string {
  return time.replace(/\s(?=[AP]M$)/u, "\u00a0");
}
