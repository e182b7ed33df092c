//! Every way that a page has to somewhere else, as a script in the window would try it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::gate::Trap;
use crate::script;

/// What the ways are made of; `there` is where nobody should ever knock.
const MEANS: &str = "const [address] = given; const there = 'http://' + address + '/'; \
    const made = (name, set) => Object.assign(document.createElement(name), set); \
    const loads = (element) => new Promise((done, refused) => { \
      element.onload = done; element.onerror = refused; document.body.append(element); }); \
    const opens = (make) => new Promise((done, refused) => { \
      const one = make(); one.onopen = done; one.onmessage = done; one.onerror = refused; }); \
    const unseen = () => { throw 'no way to tell'; }; ";

/// Name, and the body of an asynchronous function that ends well when it got through. Where a page cannot tell, it ends
/// with `unseen`, and the trap tells.
const WAYS: &[(&str, &str)] = &[
    ("fetch", "await fetch(there)"),
    ("fetch without reading", "await fetch(there, { mode: 'no-cors' })"),
    ("fetch that outlives the page", "await fetch(there, { method: 'POST', body: 'x', keepalive: true })"),
    ("fetch of another name", "await fetch('http://tauri.localhost:' + address.split(':')[1])"),
    (
        "XMLHttpRequest",
        "await new Promise((done, refused) => { const call = new XMLHttpRequest(); call.onload = done; \
          call.onerror = refused; call.open('GET', there); call.send(); })",
    ),
    ("WebSocket", "await opens(() => new WebSocket('ws://' + address))"),
    ("EventSource", "await opens(() => new EventSource(there))"),
    ("WebTransport", "await new WebTransport('https://' + address).ready"),
    ("beacon", "navigator.sendBeacon(there, 'x'); unseen()"),
    (
        "peer connection",
        "const peer = new RTCPeerConnection({ iceServers: [{ urls: 'turn:' + address + '?transport=tcp', \
          username: 'x', credential: 'x' }] }); peer.createDataChannel('x'); \
          await peer.setLocalDescription(await peer.createOffer())",
    ),
    ("image", "await loads(made('img', { src: there }))"),
    ("set of images", "await loads(made('img', { srcset: there + ' 1x' }))"),
    ("poster", "document.body.append(made('video', { poster: there })); unseen()"),
    ("sound", "await loads(made('audio', { src: there }))"),
    ("script", "await loads(made('script', { src: there }))"),
    ("module", "await loads(made('script', { type: 'module', src: there }))"),
    ("import", "await import(there)"),
    ("style sheet", "await loads(made('link', { rel: 'stylesheet', href: there }))"),
    ("font", "await new FontFace('x', 'url(' + there + ')').load()"),
    (
        "style of a rule",
        "const sheet = new CSSStyleSheet(); sheet.replaceSync('body { background: url(' + there + ') }'); \
          document.adoptedStyleSheets = [sheet]; unseen()",
    ),
    ("style of an element", "document.body.style.backgroundImage = 'url(' + there + ')'; unseen()"),
    ("frame", "document.body.append(made('iframe', { src: there })); unseen()"),
    ("object", "await loads(made('object', { data: there }))"),
    ("embedded object", "await loads(made('embed', { src: there }))"),
    (
        "worker",
        "await new Promise((done, refused) => { const worker = new Worker(URL.createObjectURL( \
          new Blob(['postMessage(1)']))); worker.onmessage = done; worker.onerror = refused; })",
    ),
    ("service worker", "await navigator.serviceWorker.register(there)"),
    ("icon", "document.head.append(made('link', { rel: 'icon', href: there })); unseen()"),
    ("manifest", "document.head.append(made('link', { rel: 'manifest', href: there })); unseen()"),
    ("prefetch", "document.head.append(made('link', { rel: 'prefetch', href: there })); unseen()"),
    (
        "preload",
        "document.head.append(made('link', { rel: 'preload', href: there, as: 'script' })); unseen()",
    ),
    (
        "preload of a module",
        "document.head.append(made('link', { rel: 'modulepreload', href: there })); unseen()",
    ),
    (
        "look-up of a name",
        "document.head.append(made('link', { rel: 'dns-prefetch', href: there })); unseen()",
    ),
    ("preconnect", "document.head.append(made('link', { rel: 'preconnect', href: there })); unseen()"),
    ("another window", "if (window.open(there) === null) throw 'no window'"),
    (
        "ping",
        "const link = made('a', { href: '#', ping: there }); document.body.append(link); link.click(); \
          link.remove(); unseen()",
    ),
    (
        "refresh",
        "document.head.append(made('meta', { httpEquiv: 'refresh', content: '0;url=' + there })); unseen()",
    ),
    ("eval", "(0, eval)('1')"),
    (
        "inline script",
        "window.ranInline = false; document.body.append(made('script', { textContent: 'window.ranInline = true' })); \
          document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,x\" onerror=\"window.ranInline = true\">'); \
          await new Promise(requestAnimationFrame); if (!window.ranInline) throw 'it did not run'",
    ),
];

/// Leads the window to another page by every means of a page but the keyboard.
const LEAD_AWAY: &str = "const [to, target] = given; \
    const link = Object.assign(document.createElement('a'), { href: to, target }); \
    document.body.append(link); link.click(); link.remove(); \
    const form = Object.assign(document.createElement('form'), { action: to, method: 'post' }); \
    document.body.append(form); try { form.submit(); } catch {} form.remove(); \
    const file = Object.assign(document.createElement('a'), { href: to, download: 'left-behind' }); \
    document.body.append(file); file.click(); file.remove(); \
    try { location.assign(to); } catch {} return null;";

/// Tries all of them from the window's page; every one is refused, and nobody came to the trap.
///
/// # Errors
/// Names the way that led out.
pub async fn lead_nowhere(window: &Driver, trap: &Trap) -> Result<()> {
    let own: String = script::run(window, "return location.protocol + location.host", Value::Null).await?;
    for (name, way) in WAYS {
        let body = format!(
            "{MEANS} return await within((async () => {{ {way} }})().then(() => 'done', () => 'refused'), 3000, 'silent').then((ended) => [ended, location.protocol + location.host])"
        );
        let (ended, at): (String, String) = script::run(window, &body, json!([trap.address()])).await?;
        ensure!(at == own, "the window is at {at} at the time of {name}");
        ensure!(ended != "done", "{name} leads out of the window");
        ensure!(trap.visits() == 0, "{name} reached the network");
    }
    Ok(())
}

/// Leads the window to other pages, files and names; it stays where it is, and nobody came to the trap.
///
/// # Errors
/// Names where it went.
pub async fn stays_in_place(window: &Driver, trap: &Trap) -> Result<()> {
    let own = window.window().current_url().await?;
    let address = trap.address();
    let port = address.rsplit(':').next().unwrap_or_default();
    let elsewhere = [
        format!("http://{address}/"),
        format!("http://tauri.localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("tauri://{address}/"),
        "https://example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:text/html,<title>other</title>".to_owned(),
    ];
    for to in elsewhere {
        for target in ["_self", "_blank"] {
            script::run::<Value>(window, LEAD_AWAY, json!([to, target])).await?;
        }
        ensure!(trap.visits() == 0, "{to} was asked for");
    }
    let now = window.window().current_url().await?;
    ensure!(now == own, "the window is at {now}");
    ensure!(window.window().windows().await?.len() == 1, "there is another window");
    Ok(())
}
