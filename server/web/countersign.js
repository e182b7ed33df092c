// @ts-check
// Shows the sign-in inside a page of a site. The site writes its ordinary link, and this script beside it:
//
//   <script src="https://login.example.com/countersign.js" async></script>
//   <a data-countersign href="/sign-in">Sign in</a>
//
// The link's address begins a sign-in as ever: the site's OpenID Connect library makes state, nonce and PKCE and redirects
// to /oauth/authorize. Here that happens in a frame, which takes the link's place once the login page in it can be used.
// Where it cannot (a browser that keeps no cookies in frames, a site that is not allowed to, a server out of reach), the
// link stays as it is. Approved, the whole page goes on to /oauth/resume, and the rest is the ordinary way.
//
// docs/sites.md, "Inside your own page", says what the site's policies have to allow.
(() => {
  "use strict";
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  // A frame of this very script came back to the site: the site's page in it has nothing to embed.
  if (!script || window.frameElement?.classList.contains("countersign")) return;
  const server = new URL(script.src).origin;
  const HIGHEST = 2_000;

  /** @param {HTMLAnchorElement} link */
  function embed(link) {
    link.dataset.countersign = "framed";
    // Whoever may write links may not run scripts by them.
    if (link.protocol !== "https:" && link.protocol !== "http:") return;

    const frame = document.createElement("iframe");
    frame.className = "countersign";
    // A screen reader says what the site calls it, in the site's language.
    frame.title = link.textContent?.trim() ?? "";
    frame.width = "100%";
    frame.height = "0";
    Object.assign(frame.style, { display: "block", border: "0", visibility: "hidden" });
    let usable = false;

    function show() {
      if (usable) return;
      usable = true;
      const focused = document.activeElement === link;
      frame.style.visibility = "";
      link.style.setProperty("display", "none", "important");
      if (focused) frame.focus();
    }

    function hide() {
      usable = false;
      frame.style.visibility = "hidden";
      link.style.removeProperty("display");
    }

    function withdraw() {
      const focused = document.activeElement === frame;
      removeEventListener("message", hear);
      hide();
      frame.remove();
      if (focused) link.focus();
    }

    /** @param {MessageEvent} event */
    function hear(event) {
      if (event.origin !== server || event.source === null || event.source !== frame.contentWindow) return;
      const { countersign: news, height, to } = Object(event.data);
      if (news === "shown" && Number.isFinite(height)) {
        frame.height = String(Math.min(Math.max(Math.ceil(height), 0), HIGHEST));
        show();
      } else if (news === "unusable") {
        withdraw();
      } else if (news === "again") {
        // The sign-in took too long: the site begins another one. One that was never shown would not be better.
        if (!usable) return withdraw();
        hide();
        frame.src = link.href;
      } else if (news === "go") {
        const target = new URL(String(to), server);
        if (target.origin === server && target.pathname === "/oauth/resume") location.assign(target.href);
      }
    }

    frame.addEventListener("load", () => {
      // Readable means that it came back to the site itself: somebody signed in long ago, say. That is no sign-in to show.
      let here = null;
      try {
        here = frame.contentWindow?.location.href ?? null;
      } catch {
        return;
      }
      if (here !== null && here !== "about:blank") withdraw();
    });
    addEventListener("message", hear);
    frame.src = link.href;
    link.before(frame);
  }

  function look() {
    for (const link of document.querySelectorAll('a[data-countersign][href]:not([data-countersign="framed"])')) {
      embed(/** @type {HTMLAnchorElement} */ (link));
    }
  }

  // Also links that the site's own scripts put there later.
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
})();
