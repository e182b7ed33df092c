//! What the calls of a store write into a chain: the kind and the body of each entry.

use protocol::encoding::base64url;
use protocol::id::SessionId;
use protocol::secret::sha256;
use protocol::statement::Decision;

use super::{AuditKind, Body, By, ClientRef, DeviceRef};
use crate::store::decisions::{NewDecision, Verdict};
use crate::store::front_doors::{GrantEnd, NewGrant};
use crate::store::sessions::{EndReason, NewSession};

/// Of a recorded verdict.
pub(in crate::store) fn decided(new: &NewDecision, by: &By) -> (AuditKind, Body) {
    let (kind, reason) = match new.verdict {
        Verdict::Decided(Decision::Approve) => (AuditKind::SignInApproved, None),
        Verdict::Decided(Decision::Deny) => (AuditKind::SignInDenied, None),
        Verdict::Decided(Decision::Report) => (AuditKind::SignInReported, None),
        Verdict::WrongNumbers => (AuditKind::SignInRefused, Some("check".to_owned())),
    };
    let body = Body {
        request: Some(new.request),
        ticket: Some(new.ticket),
        browser: Some(new.browser.clone()),
        system: Some(new.system.clone()),
        reason,
        statement: Some(base64url(&sha256(new.statement.as_bytes()))),
        ..by.body()
    };
    (kind, body)
}

/// Of a session that `device` approved.
pub(in crate::store) fn signed_in(new: &NewSession, device: DeviceRef, by: &By) -> Body {
    Body {
        device: Some(device),
        session: Some(new.id),
        request: Some(new.request),
        browser: Some(new.browser.clone()),
        system: Some(new.system.clone()),
        ..by.body()
    }
}

/// Of one session that ended.
pub(in crate::store) fn ended(
    session: SessionId,
    (browser, system): (String, String),
    reason: EndReason,
    by: &By,
) -> (AuditKind, Body) {
    let kind = match reason {
        EndReason::SignedOut => AuditKind::SignedOut,
        EndReason::Reported => AuditKind::SessionReported,
        EndReason::Replaced => AuditKind::SessionReplaced,
        EndReason::Expired => AuditKind::SessionExpired,
        EndReason::Ended | EndReason::EndedAll | EndReason::DeviceRemoved | EndReason::AccountDisabled => {
            AuditKind::SessionEnded
        }
    };
    let body = Body {
        session: Some(session),
        browser: Some(browser),
        system: Some(system),
        reason: Some(reason.as_str().to_owned()),
        ..by.body()
    };
    (kind, body)
}

/// Of a grant that was made.
pub(in crate::store) fn authorized(new: &NewGrant, by: &By) -> Body {
    let client = ClientRef { id: new.client.to_string(), name: new.client_name.clone() };
    Body { session: Some(new.session), client: Some(client), ..by.body() }
}

/// Of a grant that ended by itself.
pub(in crate::store) fn grant_ended(
    session: SessionId,
    client: ClientRef,
    reason: GrantEnd,
    by: &By,
) -> Body {
    Body {
        session: Some(session),
        client: Some(client),
        reason: Some(reason.as_str().to_owned()),
        ..by.body()
    }
}

/// For a body: how many sessions ended, where any did.
pub(in crate::store) fn count_of(ended: &[SessionId]) -> Option<u64> {
    (!ended.is_empty()).then_some(ended.len() as u64)
}
