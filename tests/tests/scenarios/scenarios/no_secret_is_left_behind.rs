use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64URL_NOPAD;
use e2e::app::App;
use e2e::browser::Browser;
use e2e::desktop::Desktop;
use e2e::page::LoginPage;
use e2e::process::{output, signal};
use e2e::recorder::Recorder;
use e2e::server::{Server, Settings};
use e2e::stage::{Stage, play};
use e2e::traces::{self, Search, Secret};
use e2e::{patience, programs, script};
use serde_json::Value;

use super::scene::is_signed_in;

/// Where the 32 bytes of the private key lie in the PKCS #8 form of a P-256 key as the app stores it.
const PRIVATE_KEY: std::ops::Range<usize> = 36..68;

/// Long enough to stand nowhere by chance.
const PIN: &str = "471108392650";

/// After whole logins no secret of theirs is in a file, a log, an argument or an environment, neither after a crash; none was
/// in the memory of the window's page. A proxy has heard what crossed the wire, and the keychain gives the key.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_left_behind() -> Result<()> {
    play("no_secret_is_left_behind", async |stage| {
        let mut recorder = Recorder::new().await?;
        let origin = recorder.origin().to_owned();
        let settings = Settings { origin: Some(origin.clone()), ..Settings::default() }
            .with("COUNTERSIGN_POLICY_USER_VERIFICATION", "required");
        let server = Server::with_settings(stage, "server", settings).await?;
        recorder.lead_to(server.listen());
        let link = server.add_account("ada")?;
        let desktop = Desktop::start(stage, "ada").await?;
        let app = App::start(stage, &desktop).await?;
        app.enrol(&link).await?;
        let browser = Browser::start(stage, "browser").await?;
        let page = browser.open(&server.login_url()).await?;

        // One login by picture, one by typing.
        let picture = page.picture_of_code(&stage.folder("picture")?).await?;
        app.scan_picture(&picture).await?;
        app.approve(&page.number().await?).await?;
        app.fill("pin", PIN).await?;
        app.fill("pin-again", PIN).await?;
        app.click("pin-yes").await?;
        is_signed_in(&page, "ada").await?;
        ensure!(app.outcome().await? == "signed_in", "the app saw another end");
        type_a_code(&app, &page).await?;

        let home = desktop.home().await;
        let secrets = secrets(stage, &recorder, &desktop, &link).await?;
        let running = traces::running_in(&home)?;
        let named = |name: &str| running.iter().filter(|one| one.name.starts_with(name)).collect::<Vec<_>>();
        let page_process = named("WebKitWebProces");
        ensure!(page_process.len() == 1, "the window has {} page processes", page_process.len());
        ensure!(named("countersign").len() == 1, "the app does not run in {}", home.display());
        not_in_the_page(page_process[0].id, &secrets, &origin)?;
        not_in_what_a_script_sees(&app, &secrets).await?;
        not_in_words(&home, &server, &secrets)?;
        for running in &running {
            let of_the_app = ["countersign", "WebKitWebProces", "WebKitNetworkPr"];
            if of_the_app.contains(&running.name.as_str()) {
                keeps_no_core(running.id)?;
            }
        }
        // A crash writes nothing down either.
        let folders = core_folders(named("countersign")[0].id)?;
        let before = cores(&folders);
        signal("ABRT", &named("countersign")[0].id.to_string());
        patience::until("the app to be gone", async || {
            let left = traces::running_in(&home)?;
            Ok(left.iter().all(|running| running.name != "countersign").then_some(()))
        })
        .await?;
        ensure!(cores(&folders) == before, "a core file is among {:?}", cores(&folders));
        not_in_files(stage, &home, &secrets)?;
        is_no_copy(&home, &picture)
    })
    .await
}

async fn type_a_code(app: &App, page: &LoginPage) -> Result<()> {
    page.driver().window().delete_all_cookies().await?;
    page.reload().await?;
    let code = page.code_to_type().await?;
    app.go_to_scan().await?;
    app.click("type-code").await?;
    app.until("type_code").await?;
    app.fill("code-input", &code).await?;
    app.click("submit-code").await?;
    app.approve(&page.number().await?).await?;
    app.fill("pin", PIN).await?;
    app.click("pin-yes").await?;
    is_signed_in(page, "ada").await?;
    ensure!(app.outcome().await? == "signed_in", "the app saw another end");
    Ok(())
}

/// Everything secret in this story, from the wire and from the keychain.
async fn secrets(stage: &Stage, recorder: &Recorder, desktop: &Desktop, link: &str) -> Result<Vec<Secret>> {
    let mut secrets = Vec::new();
    hear(&mut secrets, recorder, ("device token", 1), &["\"token\":\"", "authorization: DPoP "])?;
    hear(&mut secrets, recorder, ("ticket", 2), &["\"ticket\":\""])?;
    hear(&mut secrets, recorder, ("statement", 2), &["\"statement\":\""])?;
    hear(&mut secrets, recorder, ("user code", 1), &["\"user_code\":\""])?;
    let cookies = recorder.values(&["set-cookie: "])?;
    ensure!(cookies.iter().all(|name| name.starts_with("countersign-")), "{cookies:?}");
    // The sid is public and authorises nothing.
    let secret =
        cookies.iter().filter(|name| !name.ends_with("-sid")).map(|name| format!("set-cookie: {name}="));
    let secret: Vec<String> = secret.collect();
    let secret: Vec<&str> = secret.iter().map(String::as_str).collect();
    // Page secrets of two logins, session tokens of two sessions.
    hear(&mut secrets, recorder, ("cookie", 4), &secret)?;
    secrets.push(Secret::bytes("PIN", PIN.as_bytes()));
    let code = link.rsplit('/').next().context("the link has a code")?;
    secrets.push(Secret::text("enrolment code", code));

    let accounts = desktop.home().await.join(".local/share/app.countersign.desktop/accounts.json");
    let accounts: Value = serde_json::from_slice(&fs::read(accounts)?)?;
    let id = accounts["accounts"][0]["id"].as_str().with_context(|| format!("no account in {accounts}"))?;
    let mut command = Command::new(programs::built("read-keychain")?);
    desktop.environment(&mut command).await;
    let kept: Value = serde_json::from_str(&output(command.arg(id))?)?;
    let key = kept["key"].as_str().context("the keychain has no key")?;
    secrets.push(Secret::text("device key", key));
    let pkcs8 = BASE64URL_NOPAD.decode(key.as_bytes())?;
    secrets.push(Secret::bytes("private number", pkcs8.get(PRIVATE_KEY).context("the key is short")?));
    secrets.push(Secret::text("kept token", kept["token"].as_str().context("the keychain has no token")?));
    let own = fs::read_to_string(stage.folder("server")?.join("server.key"))?;
    ensure!(own.trim().len() >= 32, "the server has no secret");
    secrets.push(Secret::text("server secret", own.trim()));
    Ok(secrets)
}

/// What followed one of `before` on the wire, so many at least.
fn hear(
    secrets: &mut Vec<Secret>,
    recorder: &Recorder,
    (name, least): (&str, usize),
    before: &[&str],
) -> Result<()> {
    let values = recorder.values(before)?;
    ensure!(values.len() >= least, "the wire carried {} of {name}", values.len());
    secrets.extend(values.iter().enumerate().map(|(n, value)| Secret::text(&format!("{name} {n}"), value)));
    Ok(())
}

/// The page's process holds what it shows, and no secret.
fn not_in_the_page(id: u32, secrets: &[Secret], origin: &str) -> Result<()> {
    let mut wanted = secrets.to_vec();
    let was_typed = |name: &str| name.starts_with("user code") || ["enrolment code", "PIN"].contains(&name);
    wanted.retain(|secret| !was_typed(&secret.name));
    // What a person types or sees is there, which shows that the look is a look.
    wanted.push(Secret::text("what is shown", origin));
    let Some(found) = traces::in_memory(id, &wanted)? else {
        use std::io::Write as _;
        // Past the test runner's capture: a look that did not happen has to be seen.
        let said = b"skipped: the memory of the window's page (this system lets nobody look)\n";
        return std::io::stdout().write_all(said).context("cannot say that it is skipped");
    };
    ensure!(found.contains("what is shown"), "the look at the page's memory sees nothing");
    let there: Vec<&String> = found.iter().filter(|name| *name != "what is shown").collect();
    ensure!(there.is_empty(), "in the memory of the window's page: {there:?}");
    Ok(())
}

/// Every text that a script can reach from the window's page: its globals, its storage, its document, its calls.
async fn not_in_what_a_script_sees(app: &App, secrets: &[Secret]) -> Result<()> {
    let body = "const texts = []; const seen = new Set(); const queue = [window, document]; \
        while (queue.length > 0 && seen.size < 200000) { \
          const at = queue.pop(); \
          if (typeof at === 'string') { texts.push(at); continue; } \
          if ((typeof at !== 'object' && typeof at !== 'function') || at === null || seen.has(at)) continue; \
          seen.add(at); \
          if (ArrayBuffer.isView(at)) { texts.push([...new Uint8Array(at.buffer).subarray(0, 65536)].map((b) => b.toString(16).padStart(2, '0')).join('')); continue; } \
          if (at instanceof Map || at instanceof Set) for (const one of at) queue.push(one); \
          let names = []; try { names = Reflect.ownKeys(at); } catch {} \
          for (const name of names) { if (typeof name === 'string') texts.push(name); try { queue.push(at[name]); } catch {} } \
          try { queue.push(Object.getPrototypeOf(at)); } catch {} \
          if (typeof at === 'function') { try { texts.push(Function.prototype.toString.call(at)); } catch {} } \
        } \
        for (const store of [localStorage, sessionStorage]) for (const name of Object.keys(store)) texts.push(name, store.getItem(name)); \
        const stores = await indexedDB.databases?.() ?? []; const cached = await self.caches?.keys?.().catch(() => []) ?? []; \
        texts.push(document.cookie, document.documentElement.outerHTML, JSON.stringify(performance.getEntries()), JSON.stringify(history.state)); \
        for (const field of document.querySelectorAll('input')) texts.push(field.value); \
        for (const [name, with_] of [['view', {}], ['next_frame', { after: 0 }]]) texts.push(JSON.stringify(await invoke(name, with_).catch(String))); \
        return [texts.join('\\n'), localStorage.length + sessionStorage.length + stores.length + cached.length + document.cookie.length];";
    let search = Search::new(secrets);
    for place in ["sessions", "devices", "activity", "accounts", "settings", "scan"] {
        let go = serde_json::json!({"command": "go", "to": place});
        script::acts(app.driver(), vec![go]).await?;
        patience::until("the view", async || Ok((app.view().await? == place).then_some(()))).await?;
        let (texts, stored): (String, usize) = script::run(app.driver(), body, Value::Null).await?;
        ensure!(texts.contains("ada"), "{place}: the look at the page sees nothing");
        ensure!(stored == 0, "{place}: the page stores something");
        let found = search.found_in(texts.as_bytes());
        ensure!(found.is_empty(), "{place}: a script finds {found:?}");
    }
    Ok(())
}

fn not_in_words(home: &Path, server: &Server, secrets: &[Secret]) -> Result<()> {
    let search = Search::new(secrets);
    for running in traces::running_in(home)? {
        let found = search.found_in(&running.words);
        ensure!(found.is_empty(), "in how {} was started: {found:?}", running.name);
    }
    let found = search.found_in(&traces::words_of(server.id().context("the server runs")?)?);
    ensure!(found.is_empty(), "in how the server was started: {found:?}");
    Ok(())
}

/// A crash leaves no picture of the memory, in which the key is: one byte at most, which is no core file. Where the system
/// allows none at all, that is what is there.
fn keeps_no_core(id: u32) -> Result<()> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits"))?;
    let core =
        limits.lines().find(|line| line.starts_with("Max core file size")).context("no limit is named")?;
    let both: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    ensure!(
        both.len() == 2 && both.iter().all(|limit| matches!(*limit, "0" | "1")),
        "a crash would leave a core file: {core}"
    );
    Ok(())
}

/// The folders in which the system would lay the core file of a process, and its page's: where it works, or where the
/// system's pattern says.
fn core_folders(id: u32) -> Result<Vec<PathBuf>> {
    let mut folders = vec![fs::read_link(format!("/proc/{id}/cwd"))?];
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    folders
        .extend(Path::new(pattern.trim()).parent().filter(|folder| folder.is_absolute()).map(Path::to_owned));
    Ok(folders)
}

/// What looks like a core file there.
fn cores(folders: &[PathBuf]) -> Vec<PathBuf> {
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let is_core = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && name.split(['.', '-', '_']).any(|part| part == "core")
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_core).collect();
    found.sort();
    found
}

/// Homes, data and logs. The server's own secret lies in its own file and nowhere else; a ticket is the name under which a
/// decision was made, and is in the server's store as the signed statement is.
fn not_in_files(stage: &Stage, home: &Path, secrets: &[Secret]) -> Result<()> {
    let data = stage.folder("server")?;
    let search = Search::new(secrets);
    let places = [home.to_owned(), data.clone(), stage.logs()];
    let mut looked_at = 0;
    for place in &places {
        for (path, bytes) in traces::files(place)? {
            looked_at += 1;
            let own = |name: &str| {
                (name == "server secret" && path == data.join("server.key"))
                    || ((name.starts_with("ticket") || name.starts_with("statement"))
                        && path.starts_with(&data))
            };
            let found: Vec<String> = search.found_in(&bytes).into_iter().filter(|name| !own(name)).collect();
            ensure!(found.is_empty(), "in {}: {found:?}", path.display());
        }
    }
    ensure!(looked_at >= 10, "only {looked_at} files were looked at");
    // The look is a look: the account's name is there.
    let known = Search::new(&[Secret::bytes("name", b"\"browser\"")]);
    ensure!(
        traces::files(&data)?.iter().any(|(_, bytes)| !known.found_in(bytes).is_empty()),
        "the store holds no log"
    );
    Ok(())
}

/// The picture that was scanned was not copied anywhere.
fn is_no_copy(home: &Path, picture: &Path) -> Result<()> {
    let bytes = fs::read(picture)?;
    let middle = bytes.len() / 2;
    let piece = bytes.get(middle..middle + 64).context("the picture is small")?;
    let piece = Search::new(&[Secret::bytes("the picture", piece)]);
    for (path, bytes) in traces::files(home)? {
        ensure!(piece.found_in(&bytes).is_empty(), "a copy of the picture is in {}", path.display());
    }
    Ok(())
}
