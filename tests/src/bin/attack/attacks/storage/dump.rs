//! What lies on disk and in the log signs nobody in.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Jar, Key, Page, base64url, from_base64url};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["storage", OwnServer;
        dump_holds_no_secret,
        dump_signs_nobody_in,
        log_holds_no_secret,
        files_are_the_servers_alone,
        key_that_others_may_read_is_refused,
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
pub(crate) fn dump(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
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
        ensure!(mode(&path)? | 0o700 == 0o700, "{} has mode {:o}", path.display(), mode(&path)?);
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
