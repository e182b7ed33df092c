//! Takes the server's guards out one at a time and lets the attacks go that each is there for: one that holds all the
//! same proves nothing, or the guard does not.
//!
//! A guard is named where it stands, `hole!("NAME")` and `without!("NAME", ..)` in the crates `protocol` and
//! `countersign-server`; see `protocol/src/holes.rs`. Where another one stands behind it, the hole takes both out, or
//! the table says what is left.

mod doors;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use e2e::programs;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::attacks::{self, Attack};
use crate::ground::Ground;
use crate::judge;
use crate::report::Verdict;
use crate::server::{HOLE, Server};

/// A guard and the attacks that have to be broken without it.
struct Guard {
    name: &'static str,
    /// What it sees to.
    rule: &'static str,
    attacks: &'static [&'static str],
}

const fn guard(name: &'static str, rule: &'static str, attacks: &'static [&'static str]) -> Guard {
    Guard { name, rule, attacks }
}

/// No guard is out: the attacks hold here, or one that is broken elsewhere would say nothing.
const NONE: &str = "none";
/// A login as it should be: it works whichever guard is out, or what an attack saw was a server that does not work.
const STRAIGHT: &str = "conformance.redeem_answers_as_the_text_says";

const GUARDS: &[Guard] = &[
    // The page.
    guard(
        "page_secret",
        "a page watches, cancels and redeems with its own cookie alone; the record's and the state table's look at it",
        &[
            "ceremony.other_secrets_under_the_name_of_its_cookie",
            "ceremony.redeem_with_the_key_but_without_the_cookie",
        ],
    ),
    guard(
        "page_key",
        "the key that started a request redeems it",
        &[
            "ceremony.redeem_with_the_cookie_but_another_key",
            "ceremony.page_key_swapped_between_start_and_redeem",
        ],
    ),
    guard("session_once", "an approval makes one session", &["races.two_hundred_redeems"]),
    guard(
        "session_token_life",
        "a session token ends after ten minutes",
        &["deadlines.token_ends_after_ten_minutes"],
    ),
    guard(
        "session_key",
        "a new session token takes the page's key",
        &["browser.stolen_token_cannot_be_renewed"],
    ),
    guard(
        "origin",
        "calls with a cookie and sockets come from our origin",
        &["sockets.origin_of_a_stranger", "browser.forged_calls_from_a_stranger"],
    ),
    // Proofs and tokens.
    guard(
        "proof_signature",
        "a proof is signed by its key",
        &["proofs.signature_random", "proofs.claims_changed_after_signing"],
    ),
    guard("proof_method", "a proof is for its method", &["proofs.method_of_another_call"]),
    guard(
        "proof_address",
        "a proof is for its address",
        &["proofs.address_of_another_path", "proofs.address_of_another_host"],
    ),
    guard(
        "proof_token_hash",
        "a proof is for its token",
        &["proofs.token_hash_missing", "proofs.token_hash_of_another_token"],
    ),
    guard(
        "proof_nonce",
        "a proof has a nonce of this server, five minutes old at most",
        &["proofs.nonce_missing", "proofs.nonce_invented", "deadlines.nonce_ends_after_five_minutes"],
    ),
    guard(
        "proof_once",
        "a proof counts once",
        &["proofs.proof_replayed", "races.one_proof_two_hundred_times"],
    ),
    guard(
        "token_key",
        "a device token works with its device's key",
        &["proofs.stolen_token_with_another_key"],
    ),
    // The code, the scan and the decision.
    guard(
        "frame_tag",
        "a code was made by this server",
        &["ceremony.code_with_each_byte_changed", "frames.tag_of_another_secret"],
    ),
    guard("frame_life", "a frame is good for a minute", &["deadlines.frame_ends_after_a_minute"]),
    guard(
        "first_scan",
        "the first scan locks a request to its device",
        &["conformance.second_device_gets_409", "races.two_hundred_scans_by_two_devices"],
    ),
    guard(
        "network_rule",
        "the relay guard refuses who shares no network",
        &["relay.refusing_guard_ends_the_login", "relay.screen_and_link_are_refused_from_afar"],
    ),
    guard(
        "approver_is_scanner",
        "the device that scanned decides",
        &[
            "ceremony.approver_of_another_account",
            "ceremony.statement_of_another_device_of_the_account",
            "verification.word_of_another_device",
        ],
    ),
    guard(
        "statement_signature",
        "a statement is signed by its device",
        &[
            "statements.signature_broken",
            "statements.claim_changed_after_signing",
            "verification.word_added_after_signing",
        ],
    ),
    guard("statement_audience", "a statement is for this server", &["statements.audience_changed"]),
    guard("statement_account", "a statement is by its device's account", &["statements.subject_changed"]),
    guard(
        "statement_context",
        "what is signed is what was shown",
        &["statements.context_changed", "verification.demand_cut_out_of_the_context"],
    ),
    guard("number", "the number of the page is typed", &["numbers.approval_without_the_number"]),
    guard(
        "number_tries",
        "three wrong numbers are the last",
        &["numbers.number_cannot_be_guessed", "conformance.third_wrong_number_ends_it"],
    ),
    guard(
        "user_verification",
        "where the policy asks for it, an approval says that its person was verified",
        &[
            "verification.approval_without_the_word",
            "verification.word_of_another_form",
            "verification.every_way_asks_for_it",
            "verification.number_is_not_told_to_whoever_was_not_verified",
        ],
    ),
    guard(
        "deadlines",
        "every state ends at its second; a redeem's is looked at by the durable store as well",
        &["deadlines.scanned_ends_for_decisions", "deadlines.waiting_ends_for_typed_codes"],
    ),
    guard(
        "clock_floor",
        "a process begins at the newest moment in the data",
        &["deadlines.restart_with_an_earlier_clock_revives_nothing"],
    ),
    // What is taken away.
    guard(
        "device_removed",
        "a removed device is nobody",
        &["proofs.token_of_a_removed_device", "revocation.device_removed_twice"],
    ),
    guard(
        "decision_of_a_removed_device",
        "a decision counts while its device is trusted, in its own transaction",
        &[
            "revocation.device_removed_while_its_decision_is_written",
            "revocation.device_removed_by_the_operator_while_its_decision_is_written",
        ],
    ),
    guard(
        "withdrawn_approval",
        "an approval that was taken back makes no session, in its own transaction",
        &["revocation.all_sessions_ended_by_the_operator_while_one_is_made"],
    ),
    guard(
        "called_off",
        "a session ends with the request that was called off while it was made",
        &["revocation.page_cancels_while_its_session_is_made"],
    ),
    guard(
        "link_of_a_removed_device",
        "a link is made by a trusted device, in its own transaction",
        &["revocation.device_removed_while_it_makes_a_link"],
    ),
    guard(
        "codes_of_a_removed_device",
        "recovery codes are made by a trusted device, in their own transaction",
        &["revocation.device_removed_while_it_makes_recovery_codes"],
    ),
    // Enrolment, recovery and limits.
    guard(
        "link_once",
        "an enrolment link works once",
        &["enrolment.link_used_twice", "enrolment.link_used_by_fifty_at_once"],
    ),
    guard(
        "recovery_once",
        "a recovery code works once",
        &["recovery.code_used_twice", "recovery.code_used_by_fifty_at_once"],
    ),
    guard(
        "recovery_account",
        "a recovery code is for its own account",
        &["recovery.code_of_another_account"],
    ),
    guard(
        "recovery_anew",
        "new recovery codes void the old ones",
        &["recovery.codes_made_anew_void_the_old"],
    ),
    guard(
        "recovery_of_a_removed_device",
        "recovery codes end with the stolen computer that made them",
        &["recovery.codes_of_a_removed_device"],
    ),
    guard(
        "limits",
        "guesses are counted",
        &[
            "limits.failed_tokens_per_address",
            "limits.wrong_typed_codes_per_device",
            "limits.wrong_passwords_per_account",
            "recovery.guesses_per_account",
            "recovery.guesses_at_once",
            "recovery.guesses_on_nobody",
        ],
    ),
    guard(
        "password_first",
        "a password enrols a first device alone",
        &["enrolment.password_after_a_link", "conformance.password_enrols_the_first_device_only"],
    ),
    guard("live_requests", "live requests of an address are capped", &["limits.live_requests_per_address"]),
    guard(
        "clean_text",
        "text from outside is freed of what changes how other text reads",
        &["injection.bidi_in_a_device_name", "injection.controls_in_a_device_name_after_renaming"],
    ),
    guard(
        "proxy_list",
        "a forwarding header counts from a listed proxy alone",
        &["limits.forwarding_headers_buy_nothing", "relay.proxy_that_is_not_listed_makes_it_null"],
    ),
];

fn all_guards() -> impl Iterator<Item = &'static Guard> {
    GUARDS.iter().chain(doors::GUARDS)
}

/// What became of one guard.
struct Outcome {
    guard: &'static Guard,
    verdicts: Vec<Verdict>,
    straight: Verdict,
}

impl Outcome {
    fn is_missed(&self) -> bool {
        !self.straight.held || self.verdicts.iter().any(|verdict| verdict.held)
    }

    fn line(&self) -> String {
        let word = if self.is_missed() { "MISSED" } else { "caught" };
        let seen: Vec<String> = self
            .verdicts
            .iter()
            .map(|verdict| {
                let said = if verdict.held {
                    format!("held all the same: {}", verdict.detail)
                } else {
                    shortened(&verdict.detail)
                };
                format!("\n          {}: {said}", verdict.name)
            })
            .collect();
        let broken =
            if self.straight.held { String::new() } else { format!("\n          {}", self.straight.line()) };
        format!("{word}  {} ({}){}{broken}", self.guard.name, self.guard.rule, seen.concat())
    }
}

/// Whether each guard is missed by its attacks, and by none of them while it is there.
///
/// # Errors
/// When a server does not start, or the table names what is not there.
pub(crate) async fn run(only: Option<&str>, at_once: usize, json: Option<&Path>) -> Result<bool> {
    let chosen: Vec<&'static Guard> =
        all_guards().filter(|guard| only.is_none_or(|text| guard.name.contains(text))).collect();
    ensure!(!chosen.is_empty(), "no guard has that in its name");
    shipped_has_none()?;
    let all: BTreeSet<&'static str> = chosen.iter().flat_map(|guard| guard.attacks).copied().collect();
    let before = without(NONE, all.into_iter().collect(), at_once).await?;
    if let Some(broken) = before.iter().find(|verdict| !verdict.held) {
        bail!("with every guard in its place: {}", broken.line());
    }
    println!("with every guard in its place: {} attacks hold", before.len());
    let mut running = futures_util::stream::iter(chosen)
        .map(|guard| async move {
            let attacks = guard.attacks.iter().copied().chain([STRAIGHT]).collect();
            let mut verdicts = without(guard.name, attacks, 1).await?;
            let straight = verdicts.pop().context("the straight login is the last")?;
            anyhow::Ok(Outcome { guard, verdicts, straight })
        })
        .buffer_unordered(at_once.max(1));
    let mut outcomes = Vec::new();
    while let Some(outcome) = running.next().await {
        let outcome = outcome?;
        println!("{}", outcome.line());
        outcomes.push(outcome);
    }
    if let Some(file) = json {
        write(file, &outcomes)?;
    }
    let missed = outcomes.iter().filter(|outcome| outcome.is_missed()).count();
    println!("\n{} guards caught, {missed} missed", outcomes.len() - missed);
    Ok(missed == 0)
}

/// The attacks on a server that does without this guard, in their order.
async fn without(name: &'static str, attacks: Vec<&'static str>, at_once: usize) -> Result<Vec<Verdict>> {
    let attacks = attacks.into_iter().map(named).collect::<Result<Vec<_>>>()?;
    HOLE.scope(name, async {
        let server = Server::start_standing(&[]).await.with_context(|| format!("a server without {name}"))?;
        let server = std::sync::Arc::new(server);
        let mut running = futures_util::stream::iter(attacks)
            .map(|attack| {
                let ground = Ground::own(&server);
                async move { anyhow::Ok(judge(&attack, ground?).await) }
            })
            .buffered(at_once.max(1));
        let mut verdicts = Vec::new();
        while let Some(verdict) = running.next().await {
            verdicts.push(verdict?);
        }
        Ok(verdicts)
    })
    .await
}

fn named(name: &'static str) -> Result<Attack> {
    let found = attacks::all().into_iter().find(|attack| attack.name() == name);
    found.with_context(|| format!("there is no attack {name}"))
}

/// The program that is shipped has not so much as the name of a hole in it; the controlled one has each.
fn shipped_has_none() -> Result<()> {
    let read = |name| anyhow::Ok(std::fs::read(programs::built(name)?)?);
    let (shipped, controlled) = (read("countersign-server")?, read("countersign-server-controlled")?);
    let (shipped, controlled) = (holes_in(&shipped), holes_in(&controlled));
    for Guard { name, .. } in all_guards() {
        let has_it = |holes: &[&[u8]]| holes.iter().any(|hole| hole.starts_with(name.as_bytes()));
        ensure!(has_it(&controlled), "{name} is not in the controlled server: this look finds nothing");
        ensure!(!has_it(&shipped), "{name} is in the server that is shipped");
    }
    println!("the shipped server has none of {} holes", all_guards().count());
    Ok(())
}

/// What follows wherever a program has the word for a hole in it, see `protocol/src/holes.rs`.
fn holes_in(program: &[u8]) -> Vec<&[u8]> {
    const WORD: &[u8] = b"hole: ";
    let places = program.windows(WORD.len()).enumerate().filter(|(_, bytes)| *bytes == WORD);
    places.map(|(at, _)| &program[at + WORD.len()..]).collect()
}

/// Writes `{"guards": [{"guard", "rule", "caught", "attacks": [{"name", "held", "detail"}]}]}`.
fn write(file: &Path, outcomes: &[Outcome]) -> Result<()> {
    let guards: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let attacks: Vec<_> = outcome.verdicts.iter().map(Verdict::json).collect();
            json!({"guard": outcome.guard.name, "rule": outcome.guard.rule, "caught": !outcome.is_missed(), "attacks": attacks})
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({"guards": guards}))?;
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}

/// The first words of what an attack saw.
fn shortened(detail: &str) -> String {
    const LENGTH_MAX: usize = 160;
    let mut short: String = detail.chars().take(LENGTH_MAX).collect();
    if short.len() < detail.len() {
        short.push_str(" ...");
    }
    short
}
