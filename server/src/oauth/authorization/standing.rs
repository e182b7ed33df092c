//! What becomes of a transaction, by who is signed in at this browser.

use protocol::hole;
use protocol::id::AccountId;
use protocol::time::Timestamp;

use super::transaction::{Prompt, Transaction};
use crate::oauth::ErrorCode;

/// Who is signed in.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// Somebody.
    Present(Present<'a>),
    /// Somebody whose token is too old.
    Stale,
    /// Nobody.
    Nobody,
}

/// What counts of a session.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// When the person approved it.
    pub auth_time: Timestamp,
    /// Whether the authenticator verified the person for it.
    pub verified: bool,
    /// Whose session it is.
    pub account: AccountId,
    /// What the person has agreed to give this client.
    pub consent: &'a [String],
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A code, at once.
    Code,
    /// The login page.
    Login,
    /// A new token for the session first. It shows nothing that asks.
    Renew,
    /// An error to the client, which wants no page.
    Refuse(ErrorCode),
}

/// Decides (OpenID Connect Core §3.1.2.3 and §3.1.2.4). `must_verify`: the client's policy asks for a verified person.
pub fn next(asked: &Transaction, must_verify: bool, standing: Standing<'_>, now: Timestamp) -> Next {
    let page_or = |code| match asked.prompt {
        Prompt::None => Next::Refuse(code),
        Prompt::Any | Prompt::Fresh => Next::Login,
    };
    let present = match standing {
        Standing::Present(present) => present,
        Standing::Stale => return Next::Renew,
        Standing::Nobody => return page_or(ErrorCode::LoginRequired),
    };
    let for_this = present.auth_time >= asked.started_at;
    // OpenID Connect Core §3.1.2.1: nobody else answers for whom the client means.
    if asked.hint.is_some_and(|hint| hint != present.account) && !hole!("meant_person") {
        return if for_this {
            Next::Refuse(ErrorCode::LoginRequired)
        } else {
            page_or(ErrorCode::LoginRequired)
        };
    }
    let is_recent = |most: u32| now.since_s(present.auth_time) <= i64::from(most) || for_this;
    if !asked.max_age_s.is_none_or(is_recent) && !hole!("fresh_approval") {
        return page_or(ErrorCode::LoginRequired);
    }
    if asked.prompt == Prompt::Fresh && !for_this && !hole!("fresh_approval") {
        return Next::Login;
    }
    if must_verify && !present.verified && !hole!("client_step_up") {
        return page_or(ErrorCode::InteractionRequired);
    }
    // A wish (`acr_values`), tried once: nobody is sent round for it.
    if asked.verified && !present.verified && !for_this && asked.prompt != Prompt::None {
        return Next::Login;
    }
    if !asked.scopes.iter().all(|scope| present.consent.contains(scope)) && !hole!("consent") {
        return page_or(ErrorCode::ConsentRequired);
    }
    Next::Code
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: AccountId = AccountId::from_random([1; 16]);
    const START: Timestamp = Timestamp(1_800_000_000);

    fn asked(prompt: Prompt) -> Transaction {
        Transaction {
            client: "site".to_owned(),
            redirect_uri: "https://site.example/cb".to_owned(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            state: None,
            nonce: None,
            challenge: String::new(),
            prompt,
            max_age_s: None,
            verified: false,
            dpop: None,
            hint: None,
            started_at: START,
        }
    }

    /// Judged a minute after the client asked, by a session of this age then.
    fn judged(asked: &Transaction, must_verify: bool, age_s: i64, verified: bool, consent: &[&str]) -> Next {
        let consent: Vec<String> = consent.iter().map(|scope| (*scope).to_owned()).collect();
        let now = START.plus_s(60);
        let present = Present { auth_time: now.plus_s(-age_s), verified, account: ADA, consent: &consent };
        next(asked, must_verify, Standing::Present(present), now)
    }

    const ALL: &[&str] = &["profile", "email", "openid"];
    const LOGIN: Next = Next::Refuse(ErrorCode::LoginRequired);
    const CONSENT: Next = Next::Refuse(ErrorCode::ConsentRequired);
    const INTERACTION: Next = Next::Refuse(ErrorCode::InteractionRequired);

    #[test]
    fn who_is_signed_in_and_agreed_gets_a_code_at_once() {
        assert_eq!(judged(&asked(Prompt::Any), false, 3_600, false, ALL), Next::Code);
        assert_eq!(judged(&asked(Prompt::None), false, 3_600, false, ALL), Next::Code);
        assert_eq!(judged(&asked(Prompt::Any), true, 3_600, true, ALL), Next::Code);
    }

    #[test]
    fn nobody_signs_in_and_a_stale_session_is_renewed_whatever_the_prompt() {
        for (prompt, nobody) in
            [(Prompt::Any, Next::Login), (Prompt::Fresh, Next::Login), (Prompt::None, LOGIN)]
        {
            assert_eq!(next(&asked(prompt), false, Standing::Nobody, START), nobody);
            assert_eq!(next(&asked(prompt), false, Standing::Stale, START), Next::Renew);
        }
    }

    #[test]
    fn new_scopes_need_an_approval() {
        for consent in [&[][..], &["openid"], &["openid", "profile"]] {
            assert_eq!(judged(&asked(Prompt::Any), false, 3_600, false, consent), Next::Login);
            assert_eq!(judged(&asked(Prompt::None), false, 3_600, false, consent), CONSENT);
        }
    }

    #[test]
    fn a_prompt_is_satisfied_by_an_approval_after_it() {
        // The session is as old as the question at 60 s.
        for (age_s, expected) in [(61, Next::Login), (60, Next::Code), (1, Next::Code)] {
            assert_eq!(judged(&asked(Prompt::Fresh), false, age_s, false, ALL), expected, "{age_s}");
        }
    }

    #[test]
    fn max_age_counts_from_the_approval() {
        for (max_age_s, age_s, expected) in [
            (100, 100, Next::Code),
            (100, 101, Next::Login),
            (0, 61, Next::Login),
            // An approval for this very question is recent enough, however long it took to come back.
            (0, 59, Next::Code),
        ] {
            let asked = Transaction { max_age_s: Some(max_age_s), ..asked(Prompt::Any) };
            assert_eq!(judged(&asked, false, age_s, false, ALL), expected, "{max_age_s} {age_s}");
        }
        let silent = Transaction { max_age_s: Some(10), ..asked(Prompt::None) };
        assert_eq!(judged(&silent, false, 3_600, false, ALL), LOGIN);
    }

    #[test]
    fn nobody_else_answers_for_whom_the_client_means() {
        let hint = |account, prompt| Transaction { hint: Some(account), ..asked(prompt) };
        let grace = AccountId::from_random([2; 16]);
        assert_eq!(judged(&hint(ADA, Prompt::None), false, 3_600, false, ALL), Next::Code);
        assert_eq!(judged(&hint(grace, Prompt::None), false, 3_600, false, ALL), LOGIN);
        assert_eq!(judged(&hint(grace, Prompt::Any), false, 3_600, false, ALL), Next::Login);
        // Somebody else has signed in for it: nobody is sent round.
        assert_eq!(judged(&hint(grace, Prompt::Any), false, 10, false, ALL), LOGIN);
    }

    #[test]
    fn a_policy_of_verified_people_is_kept_and_a_wish_is_tried_once() {
        assert_eq!(judged(&asked(Prompt::Any), true, 10, false, ALL), Next::Login);
        assert_eq!(judged(&asked(Prompt::None), true, 3_600, false, ALL), INTERACTION);
        let wish = |prompt| Transaction { verified: true, ..asked(prompt) };
        assert_eq!(judged(&wish(Prompt::Any), false, 3_600, false, ALL), Next::Login);
        assert_eq!(judged(&wish(Prompt::Any), false, 3_600, true, ALL), Next::Code);
        assert_eq!(judged(&wish(Prompt::Any), false, 10, false, ALL), Next::Code);
        assert_eq!(judged(&wish(Prompt::None), false, 3_600, false, ALL), Next::Code);
    }
}
