//! Acts in any order: whatever is clicked, typed, dropped or opened when, the app stays alive and its views make sense.

use authenticator::WindowEvent;
use authenticator::command::{Command, DecisionInput};
use authenticator::view::{AccountRef, Place, PromptId, Screen, Settings, Theme};
use protocol::id::{DeviceId, SessionId};
use serde_json::json;

use crate::app::App;
use crate::server::{CHECK, Reply, Server};

const SEEDS: u64 = 6;
const ACTS: u32 = 300;

#[tokio::test]
async fn acts_in_any_order_leave_the_app_alive() {
    for seed in 1..=SEEDS {
        let server = Server::start().await;
        server.inner().strict = false;
        let app = App::enrolled(&server).await;
        let mut dice = Dice(seed);
        let mut last_revision = 0;
        for _ in 0..ACTS {
            act(&app, &server, &mut dice).await;
            let state = app.state();
            assert!(state.revision >= last_revision, "seed {seed}: an older state came back");
            last_revision = state.revision;
            if let Screen::Sessions { account, .. }
            | Screen::Devices { account, .. }
            | Screen::Activity { account, .. } = &state.screen
            {
                assert!(!account.0.is_empty(), "seed {seed}");
            }
            tokio::task::yield_now().await;
        }
        // Alive: it answers, and a whole login still works.
        app.send(Command::KeepAccount { yes: false }).await;
        app.until(|screen| {
            !matches!(screen, Screen::Enrolling { .. } | Screen::Settings { erasing: true, .. })
        })
        .await;
        server.inner().script.clear();
        back_to_scan(&app).await;
        add_again(&app, &server).await;
        app.scan(&server).await;
    }
}

/// Replaces the account, which may have been signed out by what happened.
async fn add_again(app: &App, server: &Server) {
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
}

/// A decision on its way holds its view; everything else can be left.
async fn back_to_scan(app: &App) {
    app.until(|screen| !matches!(screen, Screen::Authorize { prompt } if prompt.deciding.is_some())).await;
    app.send(Command::KeepAccount { yes: false }).await;
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
}

async fn act(app: &App, server: &Server, dice: &mut Dice) {
    let state = app.state();
    let account = state.accounts.first().map_or(AccountRef("none".to_owned()), |account| account.id.clone());
    let prompt = match &state.screen {
        Screen::Authorize { prompt } => prompt.id,
        _ => PromptId(dice.up_to(5)),
    };
    let device =
        server.inner().devices.first().map_or(DeviceId::from_random([0; 16]), |device| device.0).to_string();
    let session = SessionId::from_random([1; 16]).to_string();
    let command = match dice.up_to(32) {
        0 => Command::WindowReady,
        1 => Command::Retry,
        2..=5 => Command::Go {
            to: [
                Place::Scan,
                Place::TypeCode,
                Place::Sessions,
                Place::Devices,
                Place::Activity,
                Place::Accounts,
                Place::AddAccount,
                Place::Settings,
            ][dice.up_to(8) as usize],
        },
        6 => Command::Back,
        7 => Command::AddByLink { link: server.enrolment_link() },
        8 => Command::AddByPassword {
            address: server.origin.host_and_port().to_owned(),
            username: "ada".to_owned(),
            password: "x".to_owned(),
        },
        9 => Command::ContactServer { yes: dice.up_to(4) > 0 },
        10 => Command::KeepAccount { yes: dice.up_to(4) > 0 },
        11 => Command::StartCamera,
        12 => Command::StopCamera,
        13..=15 => Command::ScanText { text: server.login_link() },
        16 => Command::ScanText { text: "WIFI:S:net;;".to_owned() },
        17 => Command::PictureFailed { details: "\u{202e}".to_owned() },
        18 => Command::SubmitUserCode { account, code: "BCDF-GHJK".to_owned() },
        19 => Command::ChooseAccount { account },
        20 | 21 => Command::Decide {
            prompt,
            decision: DecisionInput::Approve { check: Some(CHECK.to_owned()), pin: None },
        },
        22 => Command::Decide { prompt, decision: DecisionInput::Deny },
        23 => Command::SelectAccount { account },
        24 => Command::Reload,
        25 => Command::EndSession { account, session },
        26 => Command::EndAllSessions { account },
        27 => Command::RenameDevice { account, device, name: "Other".to_owned() },
        28 => Command::AddComputer { account, pin: None },
        29 if dice.up_to(5) == 0 => Command::SignOut { account },
        30 => Command::ChangeSettings {
            settings: Settings {
                theme: if dice.up_to(2) == 0 { Theme::Dark } else { Theme::Light },
                ..Settings::default()
            },
        },
        _ => return act_beside(app, server, dice).await,
    };
    app.send(command).await;
}

async fn act_beside(app: &App, server: &Server, dice: &mut Dice) {
    match dice.up_to(8) {
        0 => app.handle.window(WindowEvent::Hidden).await,
        1 => app.handle.window(WindowEvent::Shown).await,
        2 => app.handle.link(server.enrolment_link()).await,
        3 => app.handle.picture(vec![0; 100]).await,
        4 => server.next("POST /api/scans", Reply::Lost),
        5 => server.next("POST /api/devices", Reply::Problem(503, "store_unavailable", json!({}))),
        6 => server.next("GET /api/sessions", Reply::Problem(401, "invalid_token", json!({}))),
        _ => server.sign_in(),
    }
}

/// Numbers that are the same for each run of a seed.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(end)).unwrap()
    }
}
