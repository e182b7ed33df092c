//! Somebody has the data folder, the log or an export of the audit chain.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use e2e::patience;
use serde_json::Value;

use super::{Attack, Held, attacks};
use crate::client::{Device, Jar, Key, Page, base64url, from_base64url};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["storage", OwnServer;
        dump_holds_no_secret,
        dump_signs_nobody_in,
        log_holds_no_secret,
        files_are_the_servers_alone,
        key_that_others_may_read_is_refused,
        restart_keeps_who_is_trusted,
        restart_forgets_what_was_under_way,
        kill_in_the_middle_signs_in_once,
        locked_store_is_503_and_nothing_else,
        audit_export_verifies,
        audit_entry_changed,
        audit_entry_cut,
        audit_entry_added,
        audit_entries_swapped,
        audit_tail_cut,
        audit_chain_rewritten,
        audit_is_anchored,
        rolled_back_head_is_visible,
    ]
}

/// All secrets of a whole login, in every spelling that a store could have used.
struct Secrets {
    named: Vec<(&'static str, String)>,
    page: Page,
    device: Device,
}

impl Secrets {
    async fn make(ground: &Ground) -> Result<Self> {
        let name = fresh_name();
        let link = ground.server()?.add_account_with_password(&name, "correct horse battery staple").await?;
        let device = Device::enrol(ground.http(), &link).await?;
        let typed = ground.page().await?;
        let user_code =
            typed.type_instead().await?.is(200)?.json()?["user_code"].as_str().unwrap_or_default().to_owned();
        let mut page = ground.page().await?;
        let code = page.code().await?;
        let scan = device.take(&page).await?;
        let check = page.check().await?;
        let statement = device.statement(&scan, "approve", Some(&check))?.sign(&device.key);
        crate::client::send_statement(ground.http(), &statement).await?.is(204)?;
        page.sign_in().await?;
        page.refresh().await?.is(204)?;
        let cookie =
            |name: &str| page.jar.get(name).map(str::to_owned).with_context(|| format!("no cookie {name}"));
        let named = vec![
            ("page secret", cookie(&page.secret_name())?),
            ("session token", cookie(&page.http.cookie_name("session"))?),
            ("device token", device.token.clone()),
            ("password", "correct horse battery staple".to_owned()),
            ("enrolment code", crate::client::enrolment_in(&link)?.to_owned()),
            ("frame", code),
            ("typed code", user_code.clone()),
            ("typed code without its dash", user_code.replace('-', "")),
        ];
        Ok(Self { named, page, device })
    }

    /// The secrets as bytes: as text, decoded and in hexadecimal digits.
    fn spellings(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut all = Vec::new();
        for (name, text) in &self.named {
            all.push((*name, text.as_bytes().to_vec()));
            if let Ok(bytes) = from_base64url(text)
                && bytes.len() >= 16
            {
                all.push((*name, data_encoding::HEXLOWER.encode(&bytes).into_bytes()));
                all.push((*name, bytes));
            }
        }
        all
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// All files of the data folder with their bytes, but the server's own key.
fn dump(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, std::fs::read(&path)?));
        }
    }
    ensure!(
        files.iter().any(|(name, bytes)| name.contains("sqlite") && !bytes.is_empty()),
        "no database in the dump"
    );
    Ok(files)
}

/// Guard: only hashes of tokens, codes and passwords are kept.
async fn dump_holds_no_secret(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let secrets = Secrets::make(&ground).await?;
    let files = dump(&ground.server()?.data())?;
    let mut searched = 0;
    for (file, bytes) in &files {
        for (name, secret) in secrets.spellings() {
            ensure!(!contains(bytes, &secret), "the {name} is in {file}");
        }
        searched += bytes.len();
    }
    // The search finds what is there: the device's id.
    ensure!(
        files.iter().any(|(_, bytes)| contains(bytes, secrets.device.id.as_bytes())),
        "the dump is not searched"
    );
    Ok(format!("{} secrets, {searched} bytes: none", secrets.named.len()))
}

/// Every text and blob of 16 to 64 bytes in the database, used as token, cookie, id and code.
async fn dump_signs_nobody_in(_: Ground) -> Held {
    let ground = Ground::with(&[("LIMITS_FAILED_PROOFS_PER_ADDRESS", "100000")]).await?;
    let secrets = Secrets::make(&ground).await?;
    let values = values_of(&ground.server()?.data().join("countersign.sqlite")).await?;
    ensure!(values.len() >= 10, "only {} values in the dump", values.len());
    let thief = Key::fresh();
    let http = ground.http();
    for value in &values {
        http.call("GET", "/api/devices").token(&thief, value).await?.send().await?.is(401)?;
        let mut jar = Jar::default();
        jar.put(&http.cookie_name("session"), value);
        jar.put(&http.cookie_name("sid"), value);
        jar.put(&secrets.page.secret_name(), value);
        let forged = Page { jar, key: thief.clone(), ..secrets.page.clone() };
        forged.whoami().await?.is(401)?;
        forged.refreshing().proof(&thief).await?.send().await?.is(401)?;
        forged.poll().await?.is(404)?;
        forged.redeem().await?.is(404)?;
    }
    Ok(format!("{} values as token, session, sid and page secret: refused", values.len()))
}

/// Texts and blobs of the database, as a thief would paste them.
async fn values_of(database: &Path) -> Result<Vec<String>> {
    use sqlx::{Column as _, Row as _, ValueRef as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database).read_only(true);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&pool).await?;
    let mut values = std::collections::BTreeSet::new();
    for table in tables {
        let table: String = table.try_get(0)?;
        let select = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        for row in sqlx::query(select).fetch_all(&pool).await? {
            for at in 0..row.columns().len() {
                if row.try_get_raw(row.columns()[at].ordinal())?.is_null() {
                    continue;
                }
                if let Ok(bytes) = row.try_get_unchecked::<Vec<u8>, _>(at)
                    && (16..=64).contains(&bytes.len())
                {
                    let text = String::from_utf8(bytes.clone()).unwrap_or_else(|_| base64url(&bytes));
                    if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b'"') {
                        values.insert(text);
                    }
                }
            }
        }
    }
    pool.close().await;
    Ok(values.into_iter().collect())
}

async fn log_holds_no_secret(_: Ground) -> Held {
    let ground = Ground::with(&[("LOG", "trace")]).await?;
    let secrets = Secrets::make(&ground).await?;
    let log = ground.server()?.log().await?;
    ensure!(log.len() > 1000, "the log has only {} bytes", log.len());
    for (name, secret) in secrets.spellings() {
        ensure!(!contains(log.as_bytes(), &secret), "the {name} is in the log");
    }
    ensure!(!log.contains("user-") || !log.contains("correct horse"), "a password is in the log");
    Ok(format!("{} secrets, {} bytes of log at the finest filter: none", secrets.named.len(), log.len()))
}

async fn files_are_the_servers_alone(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    ground.signed_in().await?;
    let data = ground.server()?.data();
    let mode = |path: &Path| std::fs::metadata(path).map(|data| data.permissions().mode() & 0o777);
    ensure!(mode(&data)? == 0o700, "the folder has mode {:o}", mode(&data)?);
    let mut seen = 0;
    for entry in std::fs::read_dir(&data)? {
        let path = entry?.path();
        // Origin and pin, for the operator's commands; both are on the login page as well.
        if path.ends_with("published.json") {
            continue;
        }
        ensure!(mode(&path)? & 0o077 == 0, "{} has mode {:o}", path.display(), mode(&path)?);
        seen += 1;
    }
    Ok(format!("{seen} files for the owner alone, folder 0700"))
}

async fn key_that_others_may_read_is_refused(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let server = ground.server()?;
    server.kill().await?;
    let key = server.data().join("server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644))?;
    let error = server.start_again().await.err().context("it starts with a key that others may read")?;
    let mode = std::fs::metadata(&key)?.permissions().mode() & 0o777;
    ensure!(mode == 0o644, "it repaired the mode in silence");
    let text = format!("{error:#}");
    ensure!(text.contains("server.key"), "{text}");
    Ok("refused, not repaired".to_owned())
}

async fn restart_keeps_who_is_trusted(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (mut page, device) = ground.signed_in().await?;
    let ended = ground.second_device(&device).await?;
    device.delete(&format!("/api/devices/{}", ended.id)).await?.is(204)?;
    ground.server()?.kill().await?;
    ground.server()?.start_again().await?;
    ground.http().forget_nonce();
    page.whoami().await?.is(200)?;
    page.refresh().await?.is(204)?;
    device.get("/api/devices").await?.is(200)?;
    ended.get("/api/devices").await?.is(401)?;
    Ok("session and device live, the removed device does not".to_owned())
}

/// "Losing it means 404 and a fresh code, never a second session."
async fn restart_forgets_what_was_under_way(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (waiting, device) = (ground.page().await?, ground.device().await?);
    let code = waiting.code().await?;
    let approved = ground.page().await?;
    let scan = device.approve(&approved).await?;
    ground.server()?.kill().await?;
    ground.server()?.start_again().await?;
    ground.http().forget_nonce();
    waiting.poll().await?.is(404)?;
    device.scan(&code).await?.is(404)?;
    let redeemed = approved.redeem().await?;
    ensure!([404, 410].contains(&redeemed.status), "{redeemed}");
    device.decide(&scan, "approve", Some("11")).await?.is_one_of(&[404, 409, 410, 204])?;
    let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
    ensure!(sessions["sessions"].as_array().is_some_and(Vec::is_empty), "{sessions}");
    Ok("404; no session".to_owned())
}

async fn kill_in_the_middle_signs_in_once(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let device = ground.device().await?;
    for _ in 0..5 {
        let page = ground.page().await?;
        device.approve(&page).await?;
        let redeems = futures_util::future::join_all((0..10).map(|_| page.redeem()));
        let (answers, killed) = tokio::join!(redeems, ground.server()?.kill());
        killed?;
        ground.server()?.start_again().await?;
        ground.http().forget_nonce();
        let sessions = device.get("/api/sessions").await?.is(200)?.json()?;
        let all = sessions["sessions"].as_array().cloned().unwrap_or_default();
        let count = all.iter().filter(|one| one["request"] == page.id.as_str()).count();
        let told = answers.iter().flatten().filter(|answer| answer.status == 201).count();
        ensure!(count <= 1, "{count} sessions of one request");
        ensure!(told == 0 || count == 1, "{told} redeems were told 201, and there is no session");
        page.redeem().await?.is_one_of(&[201, 404, 410])?;
    }
    Ok("five kills among ten redeems: never two sessions, never a 201 without one".to_owned())
}

/// Guard: a store that does not answer is 503, never "expired", and nothing is half done.
async fn locked_store_is_503_and_nothing_else(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (approved, device, _) = ground.approved().await?;
    let (scanned, scan) = (ground.page().await?, ground.device().await?);
    let taken = scan.take(&scanned).await?;
    let check = scanned.check().await?;
    let database = ground.server()?.data().join("countersign.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let mut connection = pool.acquire().await?;
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *connection).await?;
    let (redeemed, decided) = tokio::join!(approved.redeem(), scan.decide(&taken, "approve", Some(&check)));
    let (redeemed, decided) = (redeemed?, decided?);
    sqlx::query("ROLLBACK").execute(&mut *connection).await?;
    drop(connection);
    pool.close().await;
    redeemed.refuses(503, "store_unavailable")?;
    decided.refuses(503, "store_unavailable")?;
    approved.redeem().await?.is(201).context("after the store is back")?;
    scan.decide(&taken, "approve", Some(&check)).await?.is(204).context("after the store is back")?;
    device.get("/api/devices").await?.is(200)?;
    Ok("503 store_unavailable; both steps succeed once it is back".to_owned())
}

/// An export with a login in it, as lines.
async fn exported(ground: &Ground) -> Result<Vec<String>> {
    ground.signed_in().await?;
    let file = ground.server()?.scratch().join("audit.jsonl");
    let _older = std::fs::remove_file(&file);
    ground.server()?.operate(&["audit", "export", "--out", &file.to_string_lossy()]).await?;
    let lines: Vec<String> = std::fs::read_to_string(&file)?.lines().map(str::to_owned).collect();
    ensure!(lines.len() >= 5, "only {} lines", lines.len());
    Ok(lines)
}

/// Verifies these lines; exit code and all that it says.
async fn verify(ground: &Ground, lines: &[String]) -> Result<(i32, String)> {
    let file = ground.server()?.scratch().join(format!("{}.jsonl", crate::client::random_name()));
    std::fs::write(&file, lines.join("\n") + "\n")?;
    let (code, out, error) =
        ground.server()?.operate_freely(&["audit", "verify", &file.to_string_lossy()]).await?;
    Ok((code, format!("{out}{error}")))
}

/// Must be found, and at this line (counted from 1).
async fn found(ground: &Ground, lines: &[String], at: usize) -> Result<()> {
    let (code, said) = verify(ground, lines).await?;
    ensure!(code == 5, "verify ended with {code}: {said}");
    let numbers: Vec<usize> =
        said.split(|sign: char| !sign.is_ascii_digit()).filter_map(|text| text.parse().ok()).collect();
    ensure!(numbers.contains(&at), "line {at} was changed; verify said: {said}");
    Ok(())
}

async fn audit_export_verifies(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let lines = exported(&ground).await?;
    let (code, said) = verify(&ground, &lines).await?;
    ensure!(code == 0, "verify ended with {code}: {said}");
    Ok(format!("{} lines verify", lines.len()))
}

/// Every member of an entry in the middle, changed.
async fn audit_entry_changed(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let lines = exported(&ground).await?;
    let at = lines.len() / 2;
    let entry: Value = serde_json::from_str(&lines[at])?;
    let mut changed = Vec::new();
    for name in ["chain", "seq", "at", "kind", "body", "hash"] {
        let Some(value) = entry.get(name) else { continue };
        let mut bent = entry.clone();
        bent[name] = match value {
            Value::Number(number) => Value::from(number.as_u64().unwrap_or(0) + 1),
            Value::String(text) => Value::from(format!("{text}x")),
            _ => Value::from("x"),
        };
        let mut tampered = lines.clone();
        tampered[at] = bent.to_string();
        found(&ground, &tampered, at + 1).await.with_context(|| name.to_owned())?;
        changed.push(name);
    }
    ensure!(changed.len() >= 5, "an entry has only {changed:?}");
    Ok(format!("{changed:?}, each found at its line"))
}

async fn audit_entry_cut(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.remove(at);
    // What follows does not fit any more.
    found(&ground, &lines, at + 1).await?;
    Ok("found at the line that follows".to_owned())
}

/// An entry that has a predecessor and a successor of its own chain beside it.
fn second_of_a_chain(lines: &[String]) -> Result<usize> {
    let chain = |at: usize| -> Option<Value> {
        let entry: Value = serde_json::from_str(lines.get(at)?).ok()?;
        entry.get("chain").cloned()
    };
    (1..lines.len() - 1)
        .find(|at| chain(*at).is_some() && chain(*at - 1) == chain(*at) && chain(*at + 1) == chain(*at))
        .context("no three entries of one chain in a row")
}

async fn audit_entry_added(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.insert(at, lines[at].clone());
    found(&ground, &lines, at + 2).await?;
    Ok("a copy is found at its line".to_owned())
}

async fn audit_entries_swapped(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.swap(at, at + 1);
    found(&ground, &lines, at + 1).await?;
    Ok("found at the first of the two".to_owned())
}

/// Guard: the export says how it ends, or a tail could go unnoticed.
async fn audit_tail_cut(_: Ground) -> Held {
    let ground = Ground::with(&[("RETENTION_SWEEP_S", "1")]).await?;
    exported(&ground).await?;
    // Once the anchor covers the heads, a chain without its tail does not match it.
    let lines = patience::until("an anchor", async || {
        let lines = exported_now(&ground).await?;
        Ok(lines.iter().any(|line| line.contains("\"anchor\"")).then_some(lines))
    })
    .await?;
    let anchored = anchored_tail(&lines)?;
    let mut cut = lines.clone();
    cut.remove(anchored);
    let (code, said) = verify(&ground, &cut).await?;
    ensure!(code == 5, "an anchored chain lost its last entry and verify ended with {code}: {said}");
    Ok(format!("exit code 5: {}", said.trim()))
}

/// The last entry of the first chain that is not the anchor's.
fn anchored_tail(lines: &[String]) -> Result<usize> {
    let chain = |line: &String| {
        serde_json::from_str::<Value>(line).ok().and_then(|entry| entry["chain"].as_str().map(str::to_owned))
    };
    let first =
        lines.iter().filter_map(chain).find(|chain| chain != "anchor").context("no account's chain")?;
    lines.iter().rposition(|line| chain(line).as_deref() == Some(&first)).context("no last entry")
}

async fn exported_now(ground: &Ground) -> Result<Vec<String>> {
    let file = ground.server()?.scratch().join(format!("{}.jsonl", crate::client::random_name()));
    ground.server()?.operate(&["audit", "export", "--out", &file.to_string_lossy()]).await?;
    Ok(std::fs::read_to_string(&file)?.lines().map(str::to_owned).collect())
}

/// A whole chain computed anew, with right hashes all along, after an entry was changed: the anchor tells.
async fn audit_chain_rewritten(_: Ground) -> Held {
    let ground = Ground::with(&[("RETENTION_SWEEP_S", "1")]).await?;
    ground.signed_in().await?;
    let lines = patience::until("an anchor", async || {
        let lines = exported_now(&ground).await?;
        Ok(lines.iter().any(|line| line.contains("\"anchor\"")).then_some(lines))
    })
    .await?;
    let tail = anchored_tail(&lines)?;
    let rewritten = super::conformance::rewrite(&lines, tail)?;
    let (code, said) = verify(&ground, &rewritten).await?;
    ensure!(code == 5, "a rewritten chain verifies ({code}): {said}");
    Ok(format!("exit code 5: {}", said.trim()))
}

async fn audit_is_anchored(_: Ground) -> Held {
    let ground = Ground::with(&[("RETENTION_SWEEP_S", "1")]).await?;
    ground.signed_in().await?;
    patience::until("an anchor", async || {
        let lines = exported_now(&ground).await?;
        Ok(lines.iter().any(|line| line.contains("\"anchor\"")).then_some(()))
    })
    .await?;
    Ok("the heads are written into the chain anchor".to_owned())
}

/// What the authenticator remembers: after the operator puts an older database back, the head does not extend it.
async fn rolled_back_head_is_visible(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (_, device) = ground.signed_in().await?;
    let server = ground.server()?;
    server.drain().await?;
    patience::until("the end", async || Ok(ground.http().get("/health/live").await.is_err().then_some(())))
        .await?;
    server.kill().await?;
    let backup = dump(&server.data())?;
    server.start_again().await?;
    ground.http().forget_nonce();
    let page = ground.page().await?;
    device.approve(&page).await?;
    let head = device.get("/api/activity?after=0").await?.is(200)?.json()?["head"].clone();
    server.kill().await?;
    for (name, _) in dump(&server.data())?.iter().filter(|(name, _)| name.contains("sqlite")) {
        std::fs::remove_file(server.data().join(name))?;
    }
    for (name, bytes) in backup.iter().filter(|(name, _)| name.contains("sqlite")) {
        std::fs::write(server.data().join(name), bytes)?;
        std::fs::set_permissions(server.data().join(name), std::fs::Permissions::from_mode(0o600))?;
    }
    server.start_again().await?;
    ground.http().forget_nonce();
    let seq = head["seq"].as_u64().context("no head")?;
    let later = device.get(&format!("/api/activity?after={}", seq - 1)).await?.is(200)?.json()?;
    let extends = later["entries"].as_array().is_some_and(|all| {
        all.first().is_some_and(|entry| entry["seq"] == seq && entry["hash"] == head["hash"])
    });
    ensure!(!extends, "the rolled-back server still shows the entry: {later}");
    let claimed = later["head"]["seq"].as_u64().unwrap_or(0);
    ensure!(claimed < seq, "the rolled-back server claims head {claimed}, it had {seq}");
    Ok(format!("the head was {seq} and is {claimed}: whoever kept it sees it"))
}
