import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { fixture, open, rested } from "./window";

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
    await rested();
    await user.click(screen.getByTestId("refuse-contact"));
    await user.click(screen.getByTestId("confirm-contact"));
    expect(window.acts).toEqual([
      { command: "contact_server", yes: false },
      { command: "contact_server", yes: true },
    ]);
  });

  it("keeps the account after a yes, not after the second half of the double click before", async () => {
    const window = await open("confirm-contact");
    await rested();
    window.push(fixture("confirm-account"));
    await user.dblClick(await screen.findByTestId("confirm-account"));
    await user.dblClick(screen.getByTestId("refuse-account"));
    expect(window.acts).toEqual([]);
    await rested();
    await user.click(screen.getByTestId("confirm-account"));
    expect(window.acts).toEqual([{ command: "keep_account", yes: true }]);
  });
});
