//! The app without a window, for tests that kill it: commands come in as lines of JSON, each view state goes out as one.
//!
//! `cargo run -p authenticator --example headless FOLDER`. Its keychain is a folder of plain files: for trials only.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use authenticator::ports::{Notification, Notifier, System, Vault, VaultError};
use authenticator::view::ViewState;
use authenticator::{Config, DeviceKind, Handle, Ports};
use zeroize::Zeroizing;

struct Files(PathBuf);

impl Files {
    fn of(&self, name: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        self.0.join(name.chars().map(plain).collect::<String>())
    }
}

fn failed(error: &std::io::Error) -> VaultError {
    VaultError::Failed(error.to_string())
}

impl Vault for Files {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match std::fs::read(self.of(name)) {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn put(&mut self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        // A keychain keeps the old secret or the new one, whenever the program dies.
        let draft = self.0.join("draft");
        std::fs::write(&draft, secret).map_err(|error| failed(&error))?;
        std::fs::rename(draft, self.of(name)).map_err(|error| failed(&error))
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        match std::fs::remove_file(self.of(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

struct Nobody;

impl Notifier for Nobody {
    fn notify(&self, _: Notification) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("name a folder")?;
    let vault = folder.join("keychain");
    std::fs::create_dir_all(&vault)?;
    let config = Config {
        accounts_file: folder.join("accounts.json"),
        documents: folder.join("documents"),
        device_name: "Headless".to_owned(),
        device_kind: DeviceKind::Other,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let system = Arc::new(System::new());
    let (clock, random) = (Arc::clone(&system) as _, system as _);
    let app = Handle::start(config, Ports { vault: Files(vault), clock, random, notifier: Arc::new(Nobody) });

    let mut view = app.view();
    tokio::spawn(async move {
        loop {
            show(&view.borrow_and_update());
            if view.changed().await.is_err() {
                return;
            }
        }
    });
    let (lines, mut said) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = said.recv().await {
        app.send(serde_json::from_str(&line)?).await;
    }
    Ok(())
}

/// One line; nobody who reads any more misses it.
fn show(state: &ViewState) {
    let state = serde_json::to_string(state).expect("a view state is JSON");
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{state}").and_then(|()| out.flush());
}
