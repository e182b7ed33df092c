// @ts-check
// Link, enrolment and error pages: their texts stand in the HTML; this hands the address to the app.

import { applyLanguage, language } from "./i18n.js";

applyLanguage();
const heading = [...document.querySelectorAll("h1")].find((one) => one.checkVisibility?.() ?? true);
if (heading) document.title = `${heading.textContent} · ${document.title}`;

const open = document.getElementById("open-app");
if (open instanceof HTMLAnchorElement) {
  open.href = `countersign:${location.href}`;
  open.hidden = false;
}

const copy = document.getElementById("copy-link");
const copied = document.getElementById("copied");
if (copy && copied && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    copied.textContent = language === "de" ? "Kopiert. In der App einfügen." : "Copied. Paste it in the app.";
  });
}
