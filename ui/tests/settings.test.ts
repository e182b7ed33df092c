import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { fixture, open } from "./window";

const user = userEvent.setup();

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
