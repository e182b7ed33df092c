import { fireEvent, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Prompt, ViewState } from "../src/generated";
import { fixture, open } from "./window";

const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTime(ms) });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("Approve", () => {
  it("rests until the second digit and for 700 ms after the view appeared", async () => {
    const before = performance.now();
    await open("authorize");
    const appeared = performance.now();
    await typeNumber("47");
    expect(approve()).toBeDisabled();

    await pass(before + 699 - performance.now());
    expect(approve()).toBeDisabled();
    await pass(appeared + 701 - performance.now());
    expect(approve()).toBeEnabled();
  });

  it("rests while a digit is missing", async () => {
    await open("authorize");
    await pass(1000);
    expect(approve()).toBeDisabled();
    await typeNumber("4");
    expect(approve()).toBeDisabled();
    await typeNumber("7", 2);
    expect(approve()).toBeEnabled();
  });

  it("sends the number of this prompt by one press", async () => {
    const window = await open("authorize");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    expect(window.acts).toEqual([{ command: "decide", prompt: 1, decision: { decision: "approve", check: "47", pin: null } }]);
  });

  it("is not reached by Enter on arrival or in the number field", async () => {
    const window = await open("authorize");
    await pass(1000);
    await user.keyboard("{Enter}{Enter} ");
    await typeNumber("47");
    await user.keyboard("{Enter}{Enter}");
    expect(window.acts).toEqual([]);
  });

  it("is not reached by the second half of a double click", async () => {
    const window = await open("authorize");
    await pass(1000);
    await typeNumber("47");
    await fireEvent.click(approve(), { detail: 2 });
    expect(window.acts).toEqual([]);
  });

  it("ignores a key that is held down", async () => {
    await open("authorize");
    await pass(1000);
    await typeNumber("47");
    approve().focus();
    const held = new KeyboardEvent("keydown", { key: "Enter", repeat: true, bubbles: true, cancelable: true });
    approve().dispatchEvent(held);
    expect(held.defaultPrevented).toBe(true);
  });

  it("rests anew for the next login", async () => {
    const window = await open("authorize");
    await pass(1000);
    await typeNumber("47");
    window.push(prompt({ id: 2 }));
    await pass(10);
    expect(digit(1)).toHaveValue("");
    await typeNumber("52");
    expect(approve()).toBeDisabled();
    await pass(800);
    expect(approve()).toBeEnabled();
  });

  it("needs no number when none is asked for", async () => {
    const window = await open("authorize");
    window.push(prompt({ id: 3, check_wanted: false }));
    await pass(800);
    expect(screen.queryByTestId("check-digit-1")).toBeNull();
    await user.click(approve());
    expect(window.acts).toEqual([{ command: "decide", prompt: 3, decision: { decision: "approve", check: null, pin: null } }]);
  });
});

describe("the PIN", () => {
  it("is asked for after the press, goes along once, and is not kept in the window", async () => {
    const window = await open("authorize-with-pin");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    expect(window.acts).toEqual([]);
    await user.type(screen.getByTestId("pin"), "471108");
    await user.click(screen.getByTestId("pin-yes"));
    expect(window.acts).toEqual([{ command: "decide", prompt: 1, decision: { decision: "approve", check: "47", pin: "471108" } }]);
    expect(screen.getByTestId("pin")).toHaveValue("");
  });

  it("says what is wrong with it and stays, and goes once it was taken", async () => {
    const window = await open("authorize-with-pin");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    expect(screen.queryByTestId("pin-problem")).toBeNull();
    const view = fixture("authorize-with-pin");
    window.push({ ...view, pin: { ...view.pin, judged: 1, problem: { error: { code: "pin_wrong", tries_left: 4 }, details: "" } } });
    await pass(10);
    expect(screen.getByTestId("pin-problem")).toHaveAttribute("data-code", "pin_wrong");
    window.push({ ...view, pin: { ...view.pin, judged: 2, passed: 1 } });
    await pass(10);
    expect(screen.queryByTestId("pin-sheet")).toBeNull();
  });

  it("takes none while there is a wait, and none at all once it is blocked", async () => {
    const window = await open("authorize-pin-waits");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    expect(screen.getByTestId("pin-problem")).toHaveAttribute("data-code", "pin_wait");
    expect(screen.getByTestId("pin-yes")).toBeDisabled();
    window.push(fixture("authorize-pin-blocked"));
    await pass(10);
    expect(screen.getByTestId("pin-problem")).toHaveAttribute("data-code", "pin_blocked");
    expect(screen.queryByTestId("pin-yes")).toBeNull();
    expect(window.acts).toEqual([]);
  });

  it("is chosen twice where the site wants one and there is none", async () => {
    const window = await open("authorize-site-wants-pin");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    await user.type(screen.getByTestId("pin"), "471108");
    await user.type(screen.getByTestId("pin-again"), "471109");
    await user.click(screen.getByTestId("pin-yes"));
    expect(screen.getByTestId("pin-differ")).toBeVisible();
    expect(window.acts).toEqual([]);
    await user.clear(screen.getByTestId("pin-again"));
    await user.type(screen.getByTestId("pin-again"), "471108");
    await user.click(screen.getByTestId("pin-yes"));
    expect(window.acts).toEqual([{ command: "decide", prompt: 1, decision: { decision: "approve", check: "47", pin: "471108" } }]);
  });

  it("is not asked for by a denial", async () => {
    const window = await open("authorize-with-pin");
    await pass(1000);
    await user.click(screen.getByTestId("deny"));
    expect(window.acts).toEqual([{ command: "decide", prompt: 1, decision: { decision: "deny" } }]);
  });
});

describe("the number field", () => {
  it("has no focus on arrival", async () => {
    await open("authorize");
    await pass(10);
    expect(document.activeElement).toBe(screen.getByRole("heading", { level: 1 }));
  });

  it("takes digits only, and both when pasted into the first", async () => {
    await open("authorize");
    await typeNumber("x");
    expect(digit(1)).toHaveValue("");
    await fireEvent.input(digit(1), { target: { value: " 4 7" } });
    expect(digit(1)).toHaveValue("4");
    expect(digit(2)).toHaveValue("7");
  });

  it("is wiped and says the tries left after a wrong number", async () => {
    const window = await open("authorize");
    await pass(1000);
    await typeNumber("47");
    await user.click(approve());
    window.push(fixture("authorize-wrong-number"));
    await pass(10);
    expect(digit(1)).toHaveValue("");
    expect(digit(1)).toHaveFocus();
    expect(screen.getByTestId("error")).toHaveAttribute("data-code", "wrong_check");
    expect(screen.getByText("2 tries left.")).toBeVisible();
  });
});

describe("the prompt", () => {
  it("of a device names client, scopes in words and the device's address, and asks for no number", async () => {
    await open("authorize-device");
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("Sign a device in to");
    expect(screen.getByTestId("client")).toHaveTextContent("Backup tool");
    expect(screen.getByTestId("origin")).toHaveTextContent("through login.example.com");
    expect(screen.getByTestId("scopes")).toHaveTextContent("It asks for: who you are, your name, backup:write");
    expect(screen.getByText("Address of the device")).toBeVisible();
    expect(screen.getByTestId("seen-address")).toHaveTextContent("203.0.113.7");
    expect(screen.getByTestId("warning")).toHaveClass("danger");
    expect(screen.getByTestId("warning")).toHaveTextContent("If somebody told or sent it to you, deny.");
    expect(screen.queryByTestId("check-digit-1")).toBeNull();
    expect(screen.queryByText("Browser")).toBeNull();
  });

  it("says who asks, from where, and puts warnings before facts", async () => {
    await open("authorize-other-network");
    expect(screen.getByTestId("origin")).toHaveTextContent("login.example.com");
    expect(screen.getByTestId("as")).toHaveTextContent("Ada Lovelace");
    expect(screen.getByTestId("seen-address")).toHaveTextContent("203.0.113.7");
    expect(screen.getByTestId("claimed")).toHaveTextContent("Firefox 153 on Windows 11, German");
    const warning = screen.getAllByTestId("warning")[0]!;
    expect(warning.compareDocumentPosition(screen.getByTestId("seen-address"))).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
  });

  it("counts its time down", async () => {
    await open("authorize");
    expect(screen.getByTestId("time-left")).toHaveTextContent("1:48");
    await pass(60_000);
    expect(screen.getByTestId("time-left")).toHaveTextContent("0:48");
  });

  it("denies and reports by one press, but not by a click that was meant for what was there before", async () => {
    const before = performance.now();
    const window = await open("authorize");
    const appeared = performance.now();
    await pass(before + 699 - performance.now());
    await user.click(screen.getByTestId("deny"));
    await user.click(screen.getByTestId("not-me"));
    expect(window.acts).toEqual([]);
    await pass(appeared + 701 - performance.now());
    await user.click(screen.getByTestId("deny"));
    await user.click(screen.getByTestId("not-me"));
    expect(window.acts).toEqual([
      { command: "decide", prompt: 1, decision: { decision: "deny" } },
      { command: "decide", prompt: 1, decision: { decision: "report" } },
    ]);
  });

  it("rests while a decision is on its way", async () => {
    await open("authorize-deciding");
    await pass(1000);
    for (const button of ["approve", "deny", "not-me"]) expect(screen.getByTestId(button)).toBeDisabled();
  });
});

function approve(): HTMLElement {
  return screen.getByTestId("approve");
}

function digit(place: 1 | 2): HTMLElement {
  return screen.getByTestId(`check-digit-${place}`);
}

async function typeNumber(number: string, place: 1 | 2 = 1): Promise<void> {
  digit(place).focus();
  await user.keyboard(number);
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await tick();
}

function prompt(part: Partial<Prompt>): ViewState {
  const view = fixture("authorize");
  if (view.screen.view === "authorize") view.screen.prompt = { ...view.screen.prompt, ...part };
  return view;
}
