import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { fixture, open, rested } from "./window";

const user = userEvent.setup();

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

describe("a new sign-in", () => {
  it("says which browser, where and when, and is disowned by one press", async () => {
    const window = await open("notice-new-sign-in");
    const notice = screen.getByTestId("notice");
    expect(notice).toHaveTextContent(/New sign-in: Chromium 148 on Linux, at login\.example\.com, .*\d/);
    expect(notice).toHaveTextContent("Ada’s laptop approved it.");
    await user.click(screen.getByTestId("not-mine"));
    expect(window.acts, "it came under the pointer").toEqual([]);
    await rested();
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
