//! Recovery codes: offered after enrolling, made anew from the account's card, kept as a text file.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use protocol::recovery::RecoveryCode;
use protocol::wire::{RecoveryCodesBody, RecoveryStatusBody};

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::error_code::{ErrorCode, Problem};
use crate::secrets::Failure;
use crate::server_client::details;
use crate::view::{AccountRef, CodesShown, NoticeMessage};

/// Files of the same name that may lie there already.
const COPIES_MAX: u32 = 100;

impl Controller {
    /// Opens the account's recovery codes; `first`: nobody asked, they are offered after enrolling.
    pub(super) fn show_recovery_codes(&mut self, account: AccountRef, first: bool) {
        if self.account(&account).is_none() || !self.leave() {
            return;
        }
        let id = account.clone();
        self.show(Stage::RecoveryCodes {
            account,
            first,
            left: None,
            codes: CodesShown::default(),
            working: false,
            saved: None,
            problem: None,
        });
        if !first {
            let turn = self.turn;
            self.ask(
                &id,
                async |access| access.client.recovery_codes(&access.auth).await,
                move |account, result| Message::RecoveryStatus { turn, account, result },
            );
        }
    }

    pub(super) async fn recovery_status(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<RecoveryStatusBody, Failure>,
    ) {
        self.mind(&id, &result).await;
        let Stage::RecoveryCodes { left, problem, .. } = &mut self.stage else { return };
        if turn == self.turn {
            match result {
                Ok(status) => *left = Some(status.left),
                Err(failure) => *problem = Some(failure.problem(|_| None)),
            }
        }
    }

    /// Makes ten codes for the account on show; whatever guards that was judged before.
    pub(super) fn make_recovery_codes(&mut self, id: &AccountRef) {
        let Stage::RecoveryCodes { account, working, problem, codes, .. } = &mut self.stage else { return };
        if account != id || *working || !codes.0.is_empty() {
            return;
        }
        *working = true;
        *problem = None;
        let turn = self.turn;
        self.ask(
            id,
            async |access| access.client.make_recovery_codes(&access.auth).await,
            move |account, result| Message::RecoveryCodes { turn, account, result },
        );
    }

    pub(super) async fn recovery_codes_made(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<RecoveryCodesBody, Failure>,
    ) {
        self.mind(&id, &result).await;
        let Some(host) = self.account(&id).map(|account| account.origin.host_and_port().to_owned()) else {
            return;
        };
        let Stage::RecoveryCodes { codes, working, problem, .. } = &mut self.stage else { return };
        if turn != self.turn {
            return;
        }
        *working = false;
        let made = result.map_err(|failure| failure.problem(|_| None)).and_then(|body| {
            // Only what this app would take back is shown as a code.
            let read: Option<Vec<_>> =
                body.codes.iter().map(|code| Some(RecoveryCode::parse(code)?.expose())).collect();
            read.filter(|codes| (1..=50).contains(&codes.len()))
                .ok_or_else(|| Problem::plain(ErrorCode::NotCountersign { host }))
        });
        match made {
            Ok(made) => *codes = CodesShown(made),
            Err(failed) => *problem = Some(failed),
        }
    }

    /// Writes the codes on show into a file of their own that its owner alone reads.
    pub(super) async fn save_recovery_codes(&mut self) {
        let Stage::RecoveryCodes { account, codes, .. } = &self.stage else { return };
        let Some(account) = self.account(account).filter(|_| !codes.0.is_empty()) else { return };
        let (folder, name, text) = (self.config.documents.clone(), file_name(account), page(account, codes));
        let written = tokio::task::spawn_blocking(move || write_new(&folder, &name, &text)).await;
        let outcome = match written {
            Ok(Ok(path)) => Ok(path.display().to_string()),
            Ok(Err(error)) => Err(Problem {
                error: ErrorCode::CodesUnwritable { path: self.config.documents.display().to_string() },
                details: details(&error),
            }),
            Err(error) => Err(Problem::internal(&error)),
        };
        let Stage::RecoveryCodes { saved, problem, .. } = &mut self.stage else { return };
        match outcome {
            Ok(path) => (*saved, *problem) = (Some(path), None),
            Err(failed) => *problem = Some(failed),
        }
    }

    /// The person has the codes; they are forgotten here.
    pub(super) fn recovery_codes_kept(&mut self) {
        let Stage::RecoveryCodes { first, codes, .. } = &self.stage else { return };
        if codes.0.is_empty() {
            return;
        }
        if *first {
            self.show_home();
        } else {
            self.show(Stage::Accounts { working: Vec::new() });
        }
        self.tell(NoticeMessage::RecoveryCodesKept);
    }

    /// A new computer took the place of a lost one: the list of computers is where to go on.
    pub(super) fn recovered(&mut self, id: AccountRef, status: Option<RecoveryStatusBody>) {
        self.selected = Some(id);
        self.show_devices();
        self.tell(NoticeMessage::Recovered { left: status.map(|status| status.left) });
    }
}

/// What is printed and put away: enough to use a code on a computer that knows nothing.
fn page(account: &Account, codes: &CodesShown) -> String {
    let mut text = format!(
        "Countersign: recovery codes / Wiederherstellungscodes\n\n\
         Server   {}\nName     {}\n\n",
        account.origin, account.username
    );
    for code in &codes.0 {
        text.push_str("    ");
        text.push_str(code);
        text.push('\n');
    }
    text.push_str(
        "\nEach code works once. On a new computer: Countersign, Add an account, \"I have lost my computer\".\n\
         Jeder Code gilt einmal. Auf einem neuen Computer: Countersign, Konto hinzufügen, \"Mein Computer ist verloren\".\n",
    );
    text
}

/// A name that no file system minds.
fn file_name(account: &Account) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).take(64).collect()
    };
    format!("countersign-codes-{}-{}", plain(account.origin.host_and_port()), plain(&account.username))
}

/// Writes a file that was not there before.
fn write_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    for copy in 1..=COPIES_MAX {
        let number = if copy == 1 { String::new() } else { format!("-{copy}") };
        let path = folder.join(format!("{name}{number}.txt"));
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(path);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
