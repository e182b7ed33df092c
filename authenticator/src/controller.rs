//! The controller: one task owns all state, takes commands, and pushes the whole view state after each of them.
//!
//! Long work (network, keychain, camera, decoding) runs in tasks of its own and answers by [`Message`]. An answer carries
//! the [`Turn`] it belongs to; when the person has gone on meanwhile, the turn is another one and the answer changes
//! nothing. What was done at a server all the same (an enrolment that was cancelled) is undone there.
//!
//! 1. Commands come in through [`Handle`], one after the other; nothing else starts anything.
//! 2. [`Controller::show`] enters a stage and begins a turn. A stage owns exactly the data it shows.
//! 3. Each flow has its file: [`start`], [`enrol`], [`scan`], [`camera`], [`prompt`], [`pin`], [`recovery`], [`lists`], [`activity`], [`disown`], [`account`].
//! 4. [`stage`] turns the stage into what the window draws.

mod account;
mod activity;
mod camera;
mod disown;
mod enrol;
mod handle;
mod lists;
mod message;
mod pin;
mod prompt;
mod recovery;
mod scan;
mod stage;
mod start;

pub use handle::{Config, Handle, Ports, PreviewHandle, WindowEvent};

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::accounts::{Account, AccountsFile, Saved};
use crate::command::Command;
use crate::error_code::Problem;
use crate::pin::PinGuard;
use crate::ports::Notifier;
use crate::secrets::{Failure, Reach};
use crate::view::{AccountRef, Notice, NoticeMessage, Place, ViewState};
use camera::Camera;
use enrol::Attempts;
use handle::Input;
use message::Message;
use pin::{Guarded, PinTalk};
use stage::Stage;

/// One stay in a stage. Grows; an answer of an older turn is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn(u64);

/// How often the activity of every account is looked at while the app is open.
const ACTIVITY_PERIOD: Duration = Duration::from_mins(1);

/// Owner of all state.
struct Controller {
    config: Config,
    reach: Reach,
    pin: PinGuard,
    pin_talk: PinTalk,
    notifier: Arc<dyn Notifier>,
    file: AccountsFile,
    saved: Saved,
    /// Accounts whose key was not in the keychain.
    key_missing: HashSet<AccountRef>,
    /// The account that lists show.
    selected: Option<AccountRef>,
    stage: Stage,
    turn: Turn,
    attempts: Attempts,
    camera: Camera,
    notice: Option<Notice>,
    notices: u32,
    prompts: u32,
    revision: u32,
    /// A link that came before everything was loaded.
    waiting_link: Option<String>,
    /// Accounts whose activity is being looked at.
    looking: HashSet<AccountRef>,
    messages: mpsc::UnboundedSender<Message>,
    view: watch::Sender<ViewState>,
}

impl Controller {
    /// Runs until the last handle is gone.
    async fn run(mut self, mut inputs: mpsc::Receiver<Input>, mut answers: mpsc::UnboundedReceiver<Message>) {
        let mut activity = tokio::time::interval(ACTIVITY_PERIOD);
        activity.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.start();
        loop {
            tokio::select! {
                input = inputs.recv() => match input {
                    Some(input) => self.take_input(input).await,
                    None => break,
                },
                Some(message) = answers.recv() => self.take_message(message).await,
                _ = activity.tick() => self.look_at_activity(),
            }
            self.settle_enrolments();
            self.push();
        }
        self.close_camera();
    }

    async fn take_input(&mut self, input: Input) {
        match input {
            Input::Command(command) => {
                tracing::debug!(command = command.name(), "The person acts");
                self.take_command(command).await;
            }
            Input::Picture(bytes) => self.take_picture(bytes),
            Input::Link(link) => self.take_link(&link),
            Input::Window(WindowEvent::Hidden) => self.window_hidden(),
            Input::Window(WindowEvent::Shown) => {
                self.window_shown();
                self.look_at_activity();
            }
        }
    }

    async fn take_command(&mut self, command: Command) {
        if !self.is_started() {
            return match command {
                Command::Retry => self.retry_start(),
                Command::EraseEverything => self.erase_everything(),
                Command::DismissNotice { id } => self.dismiss_notice(id),
                _ => {}
            };
        }
        match command {
            // The state is pushed after each input anyway.
            Command::WindowReady => {}
            Command::Retry => self.retry(),
            Command::Go { to } => self.go(to),
            Command::Back => self.back(),
            Command::AddByLink { link } => self.add_by_link(&link),
            Command::AddByPassword { address, username, password } => {
                self.add_by_password(&address, &username, password);
            }
            Command::AddByRecovery { address, username, recovery_code } => {
                self.add_by_recovery(&address, &username, recovery_code);
            }
            Command::ContactServer { yes } => self.contact_server(yes),
            Command::KeepAccount { yes } => self.keep_account(yes),
            Command::StartCamera => self.start_camera(),
            Command::StopCamera => self.close_camera(),
            Command::MirrorPicture { mirrored } => self.mirror_picture(mirrored).await,
            Command::ScanScreen => self.scan_screen(),
            Command::ScanText { text } => self.scan_text(&text),
            Command::PictureFailed { details } => self.picture_failed(&details),
            Command::SubmitUserCode { account, code } => self.submit_user_code(account, &code),
            Command::ChooseAccount { account } => self.choose_account(account),
            Command::Decide { prompt, decision } => self.decide(prompt, decision),
            Command::SelectAccount { account } => self.select_account(account),
            Command::Reload => self.reload(),
            Command::EndSession { account, session } => self.end_session(&account, session),
            Command::EndAllSessions { account } => self.end_all_sessions(&account),
            Command::RenameDevice { account, device, name } => self.rename_device(&account, device, &name),
            Command::RemoveDevice { account, device } => self.remove_device(account, device),
            Command::AddComputer { account, pin } => {
                self.with_pin_if_set(pin, Guarded::AddComputer { account });
            }
            Command::ShowRecoveryCodes { account } => self.show_recovery_codes(account, false),
            Command::MakeRecoveryCodes { account, pin } => {
                self.with_pin_if_set(pin, Guarded::MakeRecoveryCodes { account });
            }
            Command::SaveRecoveryCodes => self.save_recovery_codes().await,
            Command::RecoveryCodesKept => self.recovery_codes_kept(),
            Command::SignOut { account } => self.sign_out(account),
            Command::EraseEverything => self.erase_everything(),
            Command::AcceptActivity { account } => self.accept_activity(&account).await,
            Command::DisownSignIn { notice } => self.disown_sign_in(notice),
            Command::SetPin { current, new } => self.set_pin(current, new),
            Command::RemovePin { current } => self.remove_pin(current),
            Command::ChangeSettings { settings } => self.change_settings(settings).await,
            Command::DismissNotice { id } => self.dismiss_notice(id),
        }
    }

    async fn take_message(&mut self, message: Message) {
        match message {
            Message::Started { turn, result } => self.started(turn, result),
            Message::Enrolled { attempt, result } => self.enrolled(attempt, result),
            Message::Kept { turn, id, result, codes } => self.kept(turn, id, result, codes).await,
            Message::Refused { attempt, host, told } => self.refused(attempt, host, told),
            Message::Camera { session, news } => self.camera_news(session, news),
            Message::Cameras { found } => self.camera.found = found,
            Message::Read { turn, via, result } => self.read(turn, via, result),
            Message::Scanned { turn, account, result } => self.scanned(turn, account, result).await,
            Message::Decided { turn, decision, result } => self.decided(turn, decision, result).await,
            Message::PageCame { turn, result } => self.page_came(turn, result).await,
            Message::Deadline { turn } => self.deadline(turn),
            Message::PinChecked { guarded, result } => self.pin_checked(guarded, result),
            Message::PinWaitOver => self.pin_wait_over(),
            Message::Sessions { turn, account, result } => self.sessions_fetched(turn, account, result).await,
            Message::Devices { turn, account, result } => self.devices_fetched(turn, account, result).await,
            Message::Enrolment { turn, account, result } => self.enrolment_made(turn, account, result).await,
            Message::ComputerCame { turn, account, result } => {
                self.computer_came(turn, account, result).await;
            }
            Message::RecoveryStatus { turn, account, result } => {
                self.recovery_status(turn, account, result).await;
            }
            Message::RecoveryCodes { turn, account, result } => {
                self.recovery_codes_made(turn, account, result).await;
            }
            Message::Disowned { turn, account, result } => self.disowned(turn, account, result).await,
            Message::Done { account, act, result } => self.done(account, act, result).await,
            Message::Looked { account, since, result } => self.looked(account, since, result).await,
            Message::ActivityFetched { turn, account, since, result } => {
                self.activity_fetched(turn, account, since, result).await;
            }
            Message::SignedOut { account, told, result } => self.signed_out_here(account, told, result).await,
            Message::Erased { offline, result } => self.erased(offline, result),
        }
    }

    /// Enters a stage: whatever was under way for the one before is late from here on.
    fn show(&mut self, stage: Stage) {
        if !matches!(stage, Stage::Scan { .. }) {
            self.close_camera();
        }
        self.turn = Turn(self.turn.0 + 1);
        self.stage = stage;
    }

    /// The place to be when nothing else is to be shown.
    fn show_home(&mut self) {
        let home = if self.saved.accounts.is_empty() { Stage::FirstStart } else { Stage::scan() };
        self.show(home);
    }

    fn go(&mut self, to: Place) {
        if !self.leave() {
            return;
        }
        match to {
            Place::Scan => self.show(Stage::scan()),
            Place::AddAccount => self.show(Stage::AddAccount { problem: None }),
            Place::Settings => {
                let from = match &self.stage {
                    Stage::Settings { from, .. } => *from,
                    other => other.place(),
                };
                self.show(Stage::Settings { from, erasing: false });
            }
            _ if self.saved.accounts.is_empty() => self.show(Stage::FirstStart),
            Place::Accounts => self.show(Stage::Accounts { working: Vec::new() }),
            Place::TypeCode => {
                let account = self.only_ready_account();
                self.show(Stage::TypeCode { account, working: false, problem: None });
            }
            Place::Sessions => self.show_sessions(),
            Place::Devices => self.show_devices(),
            Place::Activity => self.show_activity(),
        }
    }

    fn back(&mut self) {
        if !self.leave() {
            return;
        }
        match &self.stage {
            Stage::Settings { from: Some(from), .. } => {
                let from = *from;
                self.go(from);
            }
            Stage::AddComputer { .. } => self.show_devices(),
            Stage::ConfirmContact { .. } | Stage::Enrolling { .. } => {
                self.show(Stage::AddAccount { problem: None });
            }
            Stage::RecoveryCodes { first: false, .. } | Stage::Devices { .. } | Stage::AddAccount { .. }
                if !self.saved.accounts.is_empty() =>
            {
                self.show(Stage::Accounts { working: Vec::new() });
            }
            // Reached from the form or the scan view of a computer without accounts.
            Stage::Foreign(_) | Stage::TypeCode { .. } => self.show(Stage::scan()),
            _ => self.show_home(),
        }
    }

    /// Whether the stage may be left; a question whose answer is on its way to a server may not. An unanswered "Keep this
    /// account?" counts as no.
    fn leave(&mut self) -> bool {
        match &self.stage {
            Stage::ConfirmAccount { working: true, .. } | Stage::Settings { erasing: true, .. } => false,
            Stage::ConfirmAccount { .. } => {
                self.keep_account(false);
                false
            }
            Stage::Authorize(prompt) => prompt.deciding.is_none(),
            _ => true,
        }
    }

    fn retry(&mut self) {
        match &mut self.stage {
            Stage::Scan { problem, .. } => {
                *problem = None;
                self.camera.seen_text = None;
                self.retry_camera();
            }
            Stage::TypeCode { problem, .. } | Stage::AddAccount { problem } => *problem = None,
            Stage::UpdateNeeded { .. } => self.show_home(),
            Stage::Disowned { .. } => self.end_disowned(),
            Stage::Sessions { .. }
            | Stage::Devices { .. }
            | Stage::Activity { .. }
            | Stage::AddComputer { .. } => {
                self.reload();
            }
            _ => {}
        }
    }

    fn reload(&mut self) {
        match &self.stage {
            Stage::Sessions { .. } => self.fetch_sessions(),
            Stage::Devices { .. } => self.fetch_devices(),
            Stage::Activity { .. } => self.fetch_activity(),
            Stage::AddComputer { account, .. } if !self.pin.state().set => {
                let account = account.clone();
                self.add_computer(&account);
            }
            _ => {}
        }
    }

    /// Runs work beside the controller; its answer comes back as a message.
    fn spawn(&self, work: impl Future<Output = Message> + Send + 'static) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            // Nobody takes it when the app ends meanwhile.
            let _ = messages.send(work.await);
        });
    }

    /// Comes back in `after` as [`Message::Deadline`] of this turn.
    fn wake_in(&self, after: Duration) {
        let turn = self.turn;
        self.spawn(async move {
            tokio::time::sleep(after).await;
            Message::Deadline { turn }
        });
    }

    fn account(&self, id: &AccountRef) -> Option<&Account> {
        self.saved.accounts.iter().find(|account| account.id == *id)
    }

    fn is_ready(&self, account: &Account) -> bool {
        !account.signed_out && !self.key_missing.contains(&account.id)
    }

    fn only_ready_account(&self) -> Option<AccountRef> {
        let mut ready = self.saved.accounts.iter().filter(|account| self.is_ready(account));
        match (ready.next(), ready.next()) {
            (Some(only), None) => Some(only.id.clone()),
            _ => None,
        }
    }

    /// Writes the accounts file; a failure is told and what is in memory stands.
    async fn save(&mut self) -> Result<(), Problem> {
        let (file, saved) = (self.file.clone(), self.saved.clone());
        let written = tokio::task::spawn_blocking(move || file.save(&saved)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Problem::from(&error)),
            Err(error) => Err(Problem::internal(&error)),
        }
    }

    async fn save_or_tell(&mut self) {
        if let Err(problem) = self.save().await {
            self.tell(NoticeMessage::Failed { problem });
        }
    }

    /// Minds what a result says about the account itself: a server that knows its device, or knows it no longer.
    async fn mind<T>(&mut self, id: &AccountRef, result: &Result<T, Failure>) {
        if matches!(result, Err(Failure::KeyMissing)) {
            self.key_missing.insert(id.clone());
        }
        let signed_out = match result {
            Ok(_) => false,
            Err(failure) if failure.signed_out() => true,
            Err(_) => return,
        };
        if let Some(account) = self.saved.accounts.iter_mut().find(|account| account.id == *id)
            && account.signed_out != signed_out
        {
            tracing::info!(
                account.host = account.origin.host_and_port(),
                signed_out,
                "The account's state changed"
            );
            account.signed_out = signed_out;
            self.save_or_tell().await;
        }
    }

    fn tell(&mut self, message: NoticeMessage) {
        self.notices += 1;
        self.notice = Some(Notice { id: self.notices, message });
    }

    fn dismiss_notice(&mut self, id: u32) {
        if self.notice.as_ref().is_some_and(|notice| notice.id == id) {
            self.notice = None;
        }
    }

    fn push(&mut self) {
        self.revision += 1;
        let state = ViewState {
            revision: self.revision,
            screen: self.screen(),
            notice: self.notice.clone(),
            accounts: self
                .saved
                .accounts
                .iter()
                .map(|account| account.view(self.key_missing.contains(&account.id)))
                .collect(),
            settings: self.saved.settings.clone(),
            pin: self.pin_view(),
        };
        self.view.send_replace(state);
    }
}
