//! Sessions, devices and the code for another computer.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use protocol::id::{DeviceId, SessionId};
use protocol::link::Payload;
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::time::Timestamp;
use protocol::wire::{
    DeviceBody, DeviceKind, DevicesBody, EnrolmentBody, ProblemName, SessionRow, SessionsBody,
};

use super::message::{Act, Message};
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::enrolment_code::qr_picture;
use crate::error_code::{ErrorCode, Problem};
use crate::secrets::{Access, Failure};
use crate::server_client::CallError;
use crate::view::{AccountRef, DeviceView, EnrolmentCode, Listing, NoticeMessage, SessionView};

/// The last second of the year 9999: a webview draws no date beyond a certain one, it fails.
const LAST_MOMENT: i64 = 253_402_300_799;
/// Most rows of a list that are shown.
const ROWS_MAX: usize = 10_000;
/// Most sites that are named with a session.
const CLIENTS_MAX: usize = 50;
/// Longest device name, in characters.
const DEVICE_NAME_LENGTH_MAX: usize = 64;
/// Time between two looks for the computer that uses the code on show.
const COMPUTER_PERIOD: Duration = Duration::from_secs(1);

impl Controller {
    /// The account that lists show: the chosen one, else the first that works, else the first.
    pub(super) fn listed_account(&self) -> Option<AccountRef> {
        let chosen = self.selected.as_ref().and_then(|id| self.account(id));
        let ready = || self.saved.accounts.iter().find(|account| self.is_ready(account));
        chosen.or_else(ready).or_else(|| self.saved.accounts.first()).map(|account| account.id.clone())
    }

    pub(super) fn select_account(&mut self, account: AccountRef) {
        if self.account(&account).is_none() {
            return;
        }
        self.selected = Some(account);
        match &self.stage {
            Stage::Sessions { .. } => self.show_sessions(),
            Stage::Devices { .. } => self.show_devices(),
            Stage::Activity { .. } => self.show_activity(),
            _ => {}
        }
    }

    pub(super) fn show_sessions(&mut self) {
        let Some(account) = self.listed_account() else { return self.show_home() };
        self.show(Stage::Sessions { account, list: Listing::loading(), ending: Vec::new() });
        self.fetch_sessions();
    }

    pub(super) fn fetch_sessions(&mut self) {
        let Stage::Sessions { account, list, .. } = &mut self.stage else { return };
        list.loading = true;
        let (turn, id) = (self.turn, account.clone());
        self.ask(
            &id,
            async |access| access.client.sessions(&access.auth).await,
            move |account, result| Message::Sessions { turn, account, result },
        );
    }

    pub(super) async fn sessions_fetched(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<SessionsBody, Failure>,
    ) {
        self.mind(&id, &result).await;
        let Some(own) = self.account(&id).cloned() else { return };
        let Stage::Sessions { list, .. } = &mut self.stage else { return };
        if turn == self.turn {
            let rows = |body: SessionsBody| {
                each_once(body.sessions.iter().map(|row| session_view(row, &own)), |session| &session.id)
            };
            fill(list, result.map(rows));
        }
    }

    pub(super) fn end_session(&mut self, account: &AccountRef, session: String) {
        let Stage::Sessions { ending, .. } = &mut self.stage else { return };
        let Some(id) = SessionId::parse(&session) else { return };
        if ending.contains(&session) {
            return;
        }
        ending.push(session.clone());
        let act = Act::EndSession { id: session };
        self.act(account, act, async move |access| access.client.end_session(id, &access.auth).await);
    }

    pub(super) fn end_all_sessions(&mut self, account: &AccountRef) {
        self.act(account, Act::EndAllSessions, async |access| {
            access.client.end_all_sessions(&access.auth).await
        });
    }

    pub(super) fn show_devices(&mut self) {
        let Some(account) = self.listed_account() else { return self.show_home() };
        self.show(Stage::Devices { account, list: Listing::loading(), changing: Vec::new() });
        self.fetch_devices();
    }

    pub(super) fn fetch_devices(&mut self) {
        let Stage::Devices { account, list, .. } = &mut self.stage else { return };
        list.loading = true;
        let (turn, id) = (self.turn, account.clone());
        self.ask(
            &id,
            async |access| access.client.devices(&access.auth).await,
            move |account, result| Message::Devices { turn, account, result },
        );
    }

    pub(super) async fn devices_fetched(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<DevicesBody, Failure>,
    ) {
        self.mind(&id, &result).await;
        let Stage::Devices { list, .. } = &mut self.stage else { return };
        if turn == self.turn {
            let items =
                result.map(|body| each_once(body.devices.iter().map(device_view), |device| &device.id));
            fill(list, items);
        }
    }

    pub(super) fn rename_device(&mut self, account: &AccountRef, device: String, name: &str) {
        let name = clean(name, DEVICE_NAME_LENGTH_MAX);
        if name.is_empty() {
            let problem = Problem::plain(ErrorCode::FieldMissing { field: "name".to_owned() });
            return self.tell(NoticeMessage::Failed { problem });
        }
        let Some(id) = self.begin_device_change(&device) else { return };
        let act = Act::RenameDevice { id: device };
        self.act(account, act, async move |access| {
            access.client.rename_device(id, &name, &access.auth).await
        });
    }

    /// Another device; the own one is removed by signing out, which also forgets its key.
    pub(super) fn remove_device(&mut self, account: AccountRef, device: String) {
        if self.account(&account).is_some_and(|account| account.device.to_string() == device) {
            return self.sign_out(account);
        }
        let Some(id) = self.begin_device_change(&device) else { return };
        let act = Act::RemoveDevice { id: device };
        self.act(&account, act, async move |access| access.client.remove_device(id, &access.auth).await);
    }

    fn begin_device_change(&mut self, device: &str) -> Option<DeviceId> {
        let Stage::Devices { changing, .. } = &mut self.stage else { return None };
        let id = DeviceId::parse(device)?;
        if changing.iter().any(|other| other == device) {
            return None;
        }
        changing.push(device.to_owned());
        Some(id)
    }

    /// A change at a server came back. It happened whatever is shown by now; the list on show follows.
    pub(super) async fn done(&mut self, account: AccountRef, act: Act, result: Result<(), Failure>) {
        self.mind(&account, &result).await;
        let is_gone =
            matches!(&result, Err(Failure::Call(error)) if error.name() == Some(ProblemName::NotFound));
        let went_through = result.is_ok() || is_gone;
        match (&mut self.stage, &act) {
            (Stage::Sessions { list, ending, .. }, Act::EndSession { id }) => {
                ending.retain(|other| other != id);
                if let Some(items) = list.items.as_mut().filter(|_| went_through) {
                    items.retain(|session| session.id != *id);
                }
            }
            (Stage::Devices { changing, .. }, Act::RenameDevice { id }) => {
                changing.retain(|other| other != id);
            }
            (Stage::Devices { list, changing, .. }, Act::RemoveDevice { id }) => {
                changing.retain(|other| other != id);
                if let Some(items) = list.items.as_mut().filter(|_| went_through) {
                    items.retain(|device| device.id != *id);
                }
            }
            _ => {}
        }
        match (result, &act) {
            (Ok(()), Act::EndSession { .. }) => self.tell(NoticeMessage::SessionEnded),
            (Ok(()), Act::EndAllSessions) => self.tell(NoticeMessage::AllSessionsEnded),
            (Ok(()), Act::RenameDevice { .. }) => self.tell(NoticeMessage::DeviceRenamed),
            (Ok(()), Act::RemoveDevice { .. }) => self.tell(NoticeMessage::DeviceRemoved),
            (Err(_), Act::EndSession { .. }) if is_gone => self.tell(NoticeMessage::SessionEnded),
            (Err(_), Act::RemoveDevice { .. }) if is_gone => self.tell(NoticeMessage::DeviceRemoved),
            (Err(failure), _) => {
                self.tell(NoticeMessage::Failed { problem: failure.problem(|_| None) });
            }
        }
        let shown = match &self.stage {
            Stage::Sessions { account, .. } | Stage::Devices { account, .. } => Some(account),
            _ => None,
        };
        if shown == Some(&account) {
            self.reload();
        }
    }

    pub(super) fn add_computer(&mut self, account: &AccountRef) {
        if self.account(account).is_none() || !self.leave() {
            return;
        }
        self.selected = Some(account.clone());
        self.show(Stage::AddComputer {
            account: account.clone(),
            code: None,
            ends: Duration::ZERO,
            problem: None,
            known: Vec::new(),
            added: None,
        });
        let turn = self.turn;
        self.ask(
            account,
            async |access| {
                let before = access.client.devices(&access.auth).await?;
                Ok((before, access.client.new_enrolment(&access.auth).await?))
            },
            move |account, result| Message::Enrolment { turn, account, result },
        );
    }

    pub(super) async fn enrolment_made(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<(DevicesBody, EnrolmentBody), Failure>,
    ) {
        self.mind(&id, &result).await;
        let Some(origin) = self.account(&id).map(|account| account.origin.clone()) else { return };
        if turn != self.turn {
            return;
        }
        let now = self.reach.clock.elapsed();
        let Stage::AddComputer { code, ends, problem, known, .. } = &mut self.stage else { return };
        let made = match result {
            // A server that is enrolled may still not lead other computers elsewhere.
            Ok((before, body)) => match Payload::parse(&body.link) {
                Payload::Enrol(link) if link.origin == origin => {
                    *known = before.devices.iter().map(|device| device.id).collect();
                    Ok(body)
                }
                _ => {
                    Err(Problem::plain(ErrorCode::NotCountersign { host: origin.host_and_port().to_owned() }))
                }
            },
            Err(failure) => Err(failure.problem(|_| None)),
        };
        let picture = made.and_then(|body| match qr_picture(&body.link) {
            Some(picture) => Ok((body, picture)),
            None => Err(Problem::plain(ErrorCode::Internal)),
        });
        match picture {
            Ok((body, picture)) => {
                let left_s = u32::try_from(body.expires_at.since_s(body.now).max(0)).unwrap_or(u32::MAX);
                let left = Duration::from_secs(left_s.into());
                *ends = now + left;
                *code = Some(EnrolmentCode {
                    link: body.link,
                    png: picture.data_uri,
                    size: picture.size,
                    left_s,
                });
                self.wake_in(left);
                self.look_for_computer();
            }
            Err(failed) => *problem = Some(failed),
        }
    }

    /// Looks in a moment whether another computer has used the code on show.
    fn look_for_computer(&self) {
        let Stage::AddComputer { account, .. } = &self.stage else { return };
        let turn = self.turn;
        self.ask(
            account,
            async |access| {
                tokio::time::sleep(COMPUTER_PERIOD).await;
                access.client.devices(&access.auth).await
            },
            move |account, result| Message::ComputerCame { turn, account, result },
        );
    }

    pub(super) async fn computer_came(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<DevicesBody, Failure>,
    ) {
        self.mind(&id, &result).await;
        if turn != self.turn {
            return;
        }
        let Stage::AddComputer { code, problem, known, added, .. } = &mut self.stage else { return };
        let found = match result {
            Ok(body) => body.devices.into_iter().find(|device| !known.contains(&device.id)),
            Err(failure) if failure.signed_out() => {
                *code = None;
                *problem = Some(failure.problem(|_| None));
                None
            }
            // The code on show stays good; the next look may reach the server again.
            Err(_) => None,
        };
        if let Some(device) = found {
            *added = Some(clean(&device.name, NAME_LENGTH_MAX));
            (*code, *problem) = (None, None);
        } else if code.is_some() {
            self.look_for_computer();
        }
    }

    /// Asks the account's server beside the controller.
    pub(super) fn ask<A, W>(
        &self,
        id: &AccountRef,
        call: impl FnOnce(Arc<Access>) -> W + Send + 'static,
        message: impl FnOnce(AccountRef, Result<A, Failure>) -> Message + Send + 'static,
    ) where
        A: Send + 'static,
        W: Future<Output = Result<A, CallError>> + Send,
    {
        let Some(account) = self.account(id).cloned() else { return };
        let reach = self.reach.clone();
        self.spawn(async move {
            let result = match reach.open(&account).await {
                Ok(access) => call(access).await.map_err(Failure::from),
                Err(failure) => Err(failure),
            };
            message(account.id, result)
        });
    }

    /// Changes something at the account's server; what came of it is told by [`Self::done`].
    fn act<W>(&self, id: &AccountRef, act: Act, call: impl FnOnce(Arc<Access>) -> W + Send + 'static)
    where
        W: Future<Output = Result<(), CallError>> + Send,
    {
        self.ask(id, call, move |account, result| Message::Done { account, act, result });
    }
}

/// Takes an answer into a list; after a failure the older items stay.
pub(super) fn fill<T>(list: &mut Listing<T>, result: Result<Vec<T>, Failure>) {
    list.loading = false;
    match result {
        Ok(items) => {
            list.items = Some(items);
            list.problem = None;
        }
        Err(failure) => list.problem = Some(failure.problem(|_| None)),
    }
}

/// The first rows, each name once: a window that draws one name twice draws nothing.
fn each_once<T>(rows: impl Iterator<Item = T>, name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut seen = HashSet::new();
    rows.filter(|row| seen.insert(name(row).clone())).take(ROWS_MAX).collect()
}

/// A server's moment as the window draws it, in Unix seconds.
pub(super) fn shown_moment(at: Timestamp) -> i64 {
    at.unix_s().clamp(0, LAST_MOMENT)
}

/// A session as the window sees it.
pub(super) fn session_view(row: &SessionRow, own: &Account) -> SessionView {
    SessionView {
        id: row.id.to_string(),
        created_at: shown_moment(row.created_at),
        last_seen_at: shown_moment(row.last_seen_at),
        address: clean(&row.address, NAME_LENGTH_MAX),
        browser: clean(&row.browser, NAME_LENGTH_MAX),
        system: clean(&row.system, NAME_LENGTH_MAX),
        device_name: clean(&row.device.name, NAME_LENGTH_MAX),
        by_this_device: row.device.id == own.device,
        clients: (row.clients.iter().map(|name| clean(name, NAME_LENGTH_MAX)))
            .filter(|name| !name.is_empty())
            .take(CLIENTS_MAX)
            .collect(),
    }
}

fn device_view(body: &DeviceBody) -> DeviceView {
    let kind = match body.kind {
        DeviceKind::Linux => "linux",
        DeviceKind::Macos => "macos",
        DeviceKind::Windows => "windows",
        DeviceKind::Other => "other",
    };
    DeviceView {
        id: body.id.to_string(),
        name: clean(&body.name, NAME_LENGTH_MAX),
        kind: kind.to_owned(),
        created_at: shown_moment(body.created_at),
        last_seen_at: shown_moment(body.last_seen_at),
        current: body.current,
    }
}
