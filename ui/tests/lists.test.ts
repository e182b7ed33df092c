import { screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { fixture, open } from "./window";

const user = userEvent.setup();

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

  it("names the sites that a session is used at", async () => {
    await open("sessions");
    const sites = screen.getAllByTestId("session-sites");
    expect(sites.map((one) => one.textContent)).toEqual(["Signed in to Grafana, Wiki"]);
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
