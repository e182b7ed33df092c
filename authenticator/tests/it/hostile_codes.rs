//! Every code of `tests/data/hostile-codes.json`, by every way a code comes in. The window shows it as text of its kind; a
//! trap at the addresses in the codes proves that nobody was contacted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authenticator::command::Command;
use authenticator::view::{ForeignNote, Place, Screen};
use scanner::picture;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::app::App;
use crate::server::Server;

const CODES: &str = include_str!("../../../tests/data/hostile-codes.json");
/// Most bytes that a picture of one code can hold.
const PICTURE_BYTES_MAX: usize = 2_900;

/// One entry; its text has places for addresses that a test knows only when it runs.
#[derive(Deserialize)]
struct Code {
    name: String,
    /// What the window calls it.
    kind: String,
    /// The view it leads to, when it is no foreign text.
    #[serde(default)]
    view: Option<String>,
    #[serde(default)]
    text: String,
    /// Put behind the text that many times.
    #[serde(default)]
    repeat: String,
    #[serde(default)]
    times: usize,
    /// Hexadecimal: what is no text.
    #[serde(default)]
    bytes: Option<String>,
}

impl Code {
    fn bytes(&self, server: &Server, trap: &Trap, canary: &Path) -> Vec<u8> {
        if let Some(hex) = &self.bytes {
            return (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
        }
        let here = server.origin.host_and_port();
        let there = format!("127.0.0.1:{}", trap.port);
        let text = format!("{}{}", self.text, self.repeat.repeat(self.times));
        text.replace("{here_host}", server.origin.host())
            .replace("{here_port}", &server.origin.port().to_string())
            .replace("{here}", here)
            .replace("{there}", &there)
            .replace("{THERE}", &there)
            .replace("{canary}", &canary.display().to_string())
            .replace("{code}", server.login_link().rsplit('/').next().unwrap())
            .into_bytes()
    }
}

#[tokio::test]
async fn no_hostile_code_contacts_anybody_or_starts_anything() {
    let codes: Vec<Code> = serde_json::from_str(CODES).unwrap();
    assert!(codes.len() > 150, "the corpus is there");
    let trap = Trap::set().await;
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let canary = app.folder.path().join("canary");
    let before = files(app.folder.path());
    let mut wrong = Vec::new();
    for code in &codes {
        let bytes = code.bytes(&server, &trap, &canary);
        if let Ok(text) = String::from_utf8(bytes.clone()) {
            wrong.extend(
                shown(&app, code, "pasted", app.send(Command::ScanText { text: text.clone() })).await,
            );
            wrong.extend(shown(&app, code, "as an argument", app.handle.link(text)).await);
        }
        if bytes.len() <= PICTURE_BYTES_MAX {
            let picture = picture_of(&bytes);
            told_inert(&code.name, &picture);
            wrong.extend(shown(&app, code, "in a picture", app.handle.picture(picture)).await);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Whatever was begun for the last one has had the time of a whole scan.
    app.send(Command::Go { to: Place::Scan }).await;
    app.scan(&server).await;
    assert_eq!(trap.visits(), 0, "somebody was contacted");
    assert_eq!(server.count("POST /api/scans"), 1, "the one real code alone was asked about");
    let calls = server.calls();
    let known = [
        "GET /.well-known/countersign",
        "POST /api/devices",
        "GET /api/recovery-codes",
        "GET /api/activity",
        "POST /api/scans",
    ];
    assert!(calls.iter().all(|call| known.contains(&call.as_str())), "{calls:?}");
    assert_eq!(files(app.folder.path()), before, "a file was made");
    // The trap does catch who comes.
    tokio::net::TcpStream::connect(("127.0.0.1", trap.port)).await.unwrap();
    crate::enrolling::eventually(|| trap.visits() == 1).await;
}

/// Lets it in and waits for the view that it leads to; the text there is inert. What differs is told.
async fn shown(app: &App, code: &Code, way: &str, comes: impl Future<Output = ()>) -> Option<String> {
    let what = format!("{} ({way})", code.name);
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(|screen| matches!(screen, Screen::Scan { problem: None, .. })).await;
    comes.await;
    // A picture is read in the view that it was given to.
    let screen = app.until(|screen| !matches!(screen, Screen::Scan { problem: None, .. })).await;
    let seen = serde_json::to_value(&screen).unwrap();
    if seen["view"] != code.view.as_deref().unwrap_or("foreign_text") {
        return Some(format!("{what} leads to {seen}"));
    }
    let Screen::ForeignText { text, note, .. } = &screen else { return None };
    assert!(text.len() <= 4 * 4_096 + 16 * 4_096, "{what}: {} bytes are shown", text.len());
    let hidden = |c: char| protocol::text::is_unsafe(c) && !matches!(c, '\n' | '\t');
    assert!(!text.chars().any(hidden), "{what}: {text:?}");
    if let ForeignNote::UnknownServer { origin } | ForeignNote::Lookalike { origin, .. } = note {
        assert!(origin.is_ascii() && !origin.contains('@'), "{what}: {origin}");
    }
    (seen["kind"] != code.kind.as_str()).then(|| format!("{what} is called {}", seen["kind"]))
}

/// `countersign scan FILE` prints it without anything that a terminal would act upon.
fn told_inert(name: &str, file: &[u8]) {
    for read in picture::read(file).unwrap() {
        let told = authenticator::describe::describe(&read).to_string();
        assert!(!told.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{name}: {told:?}");
    }
}

/// A port where nobody should ever knock, in both families.
struct Trap {
    port: u16,
    visits: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Trap {
    async fn set() -> Self {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let visits = Arc::<AtomicUsize>::default();
        // A machine may have no IPv6.
        let listeners = [Some(first), TcpListener::bind(("::1", port)).await.ok()];
        let tasks = listeners.into_iter().flatten().map(|listener| {
            let visits = Arc::clone(&visits);
            tokio::spawn(async move {
                while listener.accept().await.is_ok() {
                    visits.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        Self { port, tasks: tasks.collect(), visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn files(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// The QR code of these bytes as a PNG, four pixels a module.
fn picture_of(bytes: &[u8]) -> Vec<u8> {
    const MODULE: u32 = 4;
    const QUIET: u32 = 4;
    let code = fast_qr::QRBuilder::new(bytes.to_vec()).ecl(fast_qr::ECL::L).build().unwrap();
    let modules = u32::try_from(code.size).unwrap();
    let size = (modules + 2 * QUIET) * MODULE;
    let picture = image::GrayImage::from_fn(size, size, |x, y| {
        let inside = |pixel: u32| (pixel / MODULE).checked_sub(QUIET).filter(|module| *module < modules);
        let dark = inside(x).zip(inside(y)).is_some_and(|(x, y)| code[y as usize][x as usize].value());
        image::Luma([if dark { 0 } else { 255 }])
    });
    let mut file = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    file
}
