import { screen } from "@testing-library/svelte";
import axe from "axe-core";
import { describe, expect, it } from "vitest";

import { fixtures } from "../src/gallery/fixtures";
import { en } from "../src/i18n/en";
import { de } from "../src/i18n/de";
import { open } from "./window";

describe.each(Object.keys(fixtures))("%s", (name) => {
  it("is drawn with one heading, in both languages, and axe finds nothing", async () => {
    const view = fixtures[name]!;
    const window = await open(name);
    expect(document.querySelector("main")).toHaveAttribute("data-view", view.screen.view);
    expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1);
    expect(document.documentElement.lang).toBe("en");

    // Colours are judged in a real browser: jsdom computes none.
    const found = await axe.run(document, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([]);

    window.push({ ...view, settings: { ...view.settings, language: "de" } });
    await expect.poll(() => document.documentElement.lang).toBe("de");
    expect(screen.getAllByRole("heading", { level: 1 })).toHaveLength(1);
    expect(document.body.textContent).not.toMatch(/undefined|NaN|\[object/);
  });
});

describe("texts", () => {
  it("have the same codes in both languages", () => {
    expect(keys(de)).toEqual(keys(en));
  });

  it("say a title and a next step for each failure, without an exclamation mark", () => {
    for (const texts of [en, de]) {
      for (const [code, sentence] of Object.entries(texts.errors)) {
        const any = { code, host: "a.example", origin: "b", contacted: "c", claimed: "d", path: "/p", field: "name", tries_left: 2, retry_after_s: 30, wait_s: 60, limit_mb: 64 };
        const told = (sentence as (error: typeof any) => { title: string; next: string })(any);
        expect(told.title.length, code).toBeGreaterThan(5);
        expect(told.next, code).toMatch(/\.$/);
        expect(told.title + told.next, code).not.toMatch(/!|undefined/);
      }
    }
  });
});

function keys(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, `${path}.${key}`)).sort();
}
