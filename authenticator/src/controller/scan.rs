//! From a code to the server's answer: by camera, screen, picture, link or typing.

use protocol::context::Via;
use protocol::link::{LoginLink, Payload};
use protocol::user_code::UserCode;
use protocol::wire::ProblemName;
use scanner::Read;
use scanner::picture::PictureError;
use scanner::screen::ScreenError;

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::error_code::{ErrorCode, Problem};
use crate::foreign::Foreign;
use crate::secrets::Failure;
use crate::server_client::{CallError, Scanned, ScannedCode, details};
use crate::view::{AccountRef, NoticeMessage, ScanWork};

/// Largest picture file, in megabytes.
const LIMIT_MB: u32 = 64;
const _: () = assert!(scanner::picture::MAX_FILE_BYTES == (LIMIT_MB as u64) << 20);
/// Most bytes of a pasted text that are looked at.
const TEXT_LENGTH_MAX: usize = 4_096;

impl Controller {
    pub(super) fn scan_screen(&mut self) {
        let Stage::Scan { work: work @ ScanWork::Idle, problem } = &mut self.stage else { return };
        *work = ScanWork::ReadingScreen;
        *problem = None;
        let turn = self.turn;
        self.spawn(async move {
            let result = scanner::screen::read().await.map_err(|error| screen_problem(&error));
            Message::Read { turn, via: Via::Screen, result }
        });
    }

    /// A picture may come at any place where nothing else is asked; it leads to the scan view.
    pub(super) fn take_picture(&mut self, bytes: Vec<u8>) {
        if !self.is_started() || self.stage.is_question() {
            return;
        }
        if !matches!(self.stage, Stage::Scan { .. }) {
            self.show(Stage::scan());
        }
        let Stage::Scan { work: work @ ScanWork::Idle, problem } = &mut self.stage else { return };
        *work = ScanWork::ReadingPicture;
        *problem = None;
        let turn = self.turn;
        self.spawn(async move {
            let read = tokio::task::spawn_blocking(move || scanner::picture::read(&bytes)).await;
            let result = match read {
                Ok(read) => read.map_err(|error| picture_problem(&error)),
                Err(error) => Err(Problem::internal(&error)),
            };
            Message::Read { turn, via: Via::Image, result }
        });
    }

    /// Told where the picture was given; like a picture itself, it leads to the scan view from elsewhere.
    pub(super) fn picture_failed(&mut self, details: &str) {
        if self.stage.is_question() {
            return;
        }
        let details = protocol::text::clean(details, 2_000);
        let failed = Some(Problem { error: ErrorCode::PictureUnreadable, details });
        match &mut self.stage {
            Stage::Scan { problem, .. } | Stage::AddAccount { problem } => *problem = failed,
            _ => self.show(Stage::Scan { work: ScanWork::Idle, problem: failed }),
        }
    }

    pub(super) fn read(&mut self, turn: Turn, via: Via, result: Result<Vec<Read>, Problem>) {
        if turn != self.turn {
            return;
        }
        let Stage::Scan { work, problem } = &mut self.stage else { return };
        *work = ScanWork::Idle;
        match result {
            Ok(reads) => {
                if let Some(read) = best(&reads) {
                    self.judge(read, via);
                } else {
                    let code =
                        if via == Via::Screen { ErrorCode::ScreenNoCode } else { ErrorCode::PictureNoCode };
                    *problem = Some(Problem::plain(code));
                }
            }
            Err(failed) => *problem = Some(failed),
        }
    }

    pub(super) fn scan_text(&mut self, text: &str) {
        if matches!(
            self.stage,
            Stage::Scan { work: ScanWork::Idle, .. }
                | Stage::FirstStart
                | Stage::AddAccount { .. }
                | Stage::Foreign(_)
                | Stage::Outcome { .. }
        ) {
            self.judge_text(cut(text), Via::Link);
        }
    }

    /// A link from outside: kept while everything is loading, refused while a question is open.
    pub(super) fn take_link(&mut self, link: &str) {
        if !self.is_started() {
            self.waiting_link = Some(link.to_owned());
        } else if self.stage.is_question() {
            self.tell(NoticeMessage::LinkNotOpened);
        } else {
            self.judge_text(cut(link), Via::Link);
        }
    }

    /// Decides what a read means. Nothing is ever contacted but the server of an enrolled account.
    pub(super) fn judge(&mut self, read: &Read, via: Via) {
        match &read.text {
            Some(text) => self.judge_text(text, via),
            None => self.show(Stage::Foreign(Foreign::binary(&read.bytes))),
        }
    }

    fn judge_text(&mut self, text: &str, via: Via) {
        match Payload::parse(text) {
            Payload::Login(link) => self.login(text, link, via),
            Payload::Enrol(link) => self.offer(link),
            Payload::Other(kind) => self.show(Stage::Foreign(Foreign::text(text, kind))),
        }
    }

    fn login(&mut self, text: &str, link: LoginLink, via: Via) {
        let accounts = &self.saved.accounts;
        let at_origin: Vec<_> = accounts.iter().filter(|account| account.origin == link.origin).collect();
        if at_origin.is_empty() {
            let enrolled: Vec<_> = accounts.iter().map(|account| account.origin.clone()).collect();
            return self.show(Stage::Foreign(Foreign::login(text, &link, &enrolled)));
        }
        let ready: Vec<_> = at_origin
            .iter()
            .filter(|account| self.is_ready(account))
            .map(|account| account.id.clone())
            .collect();
        let code = ScannedCode::Frame(link.code, via);
        match ready.as_slice() {
            [] => {
                let signed_out = at_origin.iter().any(|account| account.signed_out);
                let error = if signed_out { ErrorCode::SignedOut } else { ErrorCode::KeyMissing };
                self.scan_failed(Problem::plain(error));
            }
            [only] => self.ask_server(only.clone(), code),
            _ => self.show(Stage::ChooseAccount { origin: link.origin, code, candidates: ready }),
        }
    }

    pub(super) fn choose_account(&mut self, chosen: AccountRef) {
        if let Stage::ChooseAccount { code, candidates, .. } = &self.stage
            && candidates.contains(&chosen)
        {
            let code = code.clone();
            self.ask_server(chosen, code);
        }
    }

    pub(super) fn submit_user_code(&mut self, chosen: AccountRef, typed: &str) {
        let Stage::TypeCode { account, working: working @ false, problem } = &mut self.stage else { return };
        *problem = None;
        *account = Some(chosen.clone());
        let Some(code) = UserCode::parse(typed) else {
            let error = if typed.trim().is_empty() {
                ErrorCode::FieldMissing { field: "code".to_owned() }
            } else {
                ErrorCode::UserCodeMalformed
            };
            *problem = Some(Problem::plain(error));
            return;
        };
        *working = true;
        self.send_scan(chosen, ScannedCode::User(code));
    }

    fn ask_server(&mut self, account: AccountRef, code: ScannedCode) {
        match &mut self.stage {
            Stage::Scan { work, problem } => {
                *work = ScanWork::AskingServer;
                *problem = None;
            }
            _ => self.show(Stage::Scan { work: ScanWork::AskingServer, problem: None }),
        }
        self.send_scan(account, code);
    }

    /// Sends the scan; one that may have arrived is repeated once, which changes nothing at the server.
    fn send_scan(&mut self, id: AccountRef, code: ScannedCode) {
        let Some(account) = self.account(&id).cloned() else {
            return self.scan_failed(Problem::plain(ErrorCode::NotThere));
        };
        let (turn, reach) = (self.turn, self.reach.clone());
        self.spawn(async move {
            let result = async {
                let access = reach.open(&account).await?;
                let mut answer = access.client.scan(&code, &access.auth).await;
                if answer.as_ref().is_err_and(CallError::reply_lost) {
                    answer = access.client.scan(&code, &access.auth).await;
                }
                Ok(Box::new(answer?))
            }
            .await;
            Message::Scanned { turn, account: id, result }
        });
    }

    pub(super) async fn scanned(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<Box<Scanned>, Failure>,
    ) {
        if turn != self.turn {
            return;
        }
        self.mind(&id, &result).await;
        match result {
            Ok(scanned) => self.ask_person(id, *scanned),
            Err(failure) => {
                let problem = failure.problem(|name| match name {
                    ProblemName::NotFound => Some(ErrorCode::CodeUnknown),
                    ProblemName::AlreadyScanned => Some(ErrorCode::CodeAlreadyScanned),
                    ProblemName::FrameExpired => Some(ErrorCode::CodeExpired),
                    ProblemName::Ended => Some(ErrorCode::CodeEnded),
                    _ => None,
                });
                tracing::info!(problem.details, "A scan was refused");
                match problem.error {
                    ErrorCode::AppTooOld { .. } | ErrorCode::ServerTooOld { .. } => {
                        self.show(Stage::UpdateNeeded { problem });
                    }
                    _ => self.scan_failed(problem),
                }
            }
        }
    }

    /// Back to where the code came from, with the reason.
    fn scan_failed(&mut self, failed: Problem) {
        match &mut self.stage {
            Stage::Scan { work, problem } => {
                *work = ScanWork::Idle;
                *problem = Some(failed);
            }
            Stage::TypeCode { working, problem, .. } => {
                *working = false;
                *problem = Some(failed);
            }
            _ => self.show(Stage::Scan { work: ScanWork::Idle, problem: Some(failed) }),
        }
    }
}

/// The read to act upon: one of our links before anything else that may hang beside it.
pub(super) fn best(reads: &[Read]) -> Option<&Read> {
    let is_ours = |read: &&Read| {
        read.text.as_deref().is_some_and(|text| !matches!(Payload::parse(text), Payload::Other(_)))
    };
    reads.iter().find(is_ours).or_else(|| reads.first())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_LENGTH_MAX)]
}

fn screen_problem(error: &ScreenError) -> Problem {
    let (code, details) = match error {
        ScreenError::NoDisplay => (ErrorCode::ScreenUnsupported, details(error)),
        ScreenError::Refused => (ErrorCode::ScreenRefused, details(error)),
        ScreenError::Unsupported(text) => (ErrorCode::ScreenUnsupported, format!("{error}: {text}")),
        ScreenError::Failed(text) => (ErrorCode::ScreenFailed, format!("{error}: {text}")),
    };
    Problem { error: code, details }
}

fn picture_problem(error: &PictureError) -> Problem {
    let code = match error {
        PictureError::TooLarge => ErrorCode::PictureTooLarge { limit_mb: LIMIT_MB },
        PictureError::NotAPicture | PictureError::Damaged(_) | PictureError::Unreadable(_) => {
            ErrorCode::PictureUnreadable
        }
    };
    Problem { error: code, details: details(error) }
}
