//! Statements and the context that they sign.

use protocol::check::CheckNumber;
use protocol::context::{self, Claimed, Context, Seen, Via};
use protocol::encoding::base64url;
use protocol::id::{AccountId, DeviceId, RequestId, Ticket};
use protocol::jws::JwsError;
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement, UnverifiedStatement};
use protocol::time::Timestamp;

use crate::{fresh_key, random};

fn statement() -> Statement {
    Statement {
        device: DeviceId::from_random([1; 16]),
        origin: Origin::parse("https://a.example").unwrap(),
        account: AccountId::from_random([2; 16]),
        ticket: Ticket::from_random([3; 16]),
        context_hash: context::hash(b"context"),
        decision: Decision::Approve,
        check: CheckNumber::parse("47"),
    }
}

#[test]
fn a_statement_reads_back_with_its_devices_key_and_no_other() {
    let key = fresh_key();
    let text = statement().sign(Timestamp(5), &key, &random()).unwrap();
    let read = UnverifiedStatement::parse(&text).unwrap();
    assert_eq!((read.device, read.ticket), (statement().device, statement().ticket));
    assert_eq!(read.verify(key.public()), Ok(statement()));
    assert_eq!(read.verify(fresh_key().public()), Err(JwsError::Signature));
}

/// Must hold 6: a statement with any field changed is refused.
#[test]
fn a_statement_with_any_byte_changed_is_refused() {
    let key = fresh_key();
    let text = statement().sign(Timestamp(5), &key, &random()).unwrap();
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let good = UnverifiedStatement::parse(&changed).and_then(|read| read.verify(key.public()));
        assert!(changed == text || good.is_err(), "byte {at}");
    }
}

#[test]
fn a_context_of_another_version_is_refused_and_unknown_members_are_not() {
    let context = Context {
        v: 1,
        request: RequestId::from_random([4; 16]),
        origin: "https://a.example".to_owned(),
        page_key: None,
        client: None,
        scopes: vec![],
        via: Via::Camera,
        seen: Seen {
            address: "203.0.113.7".to_owned(),
            at: Timestamp(9),
            same_network: None,
            known_browser: false,
            frame_age_s: Some(3),
        },
        claimed: Claimed::default(),
    };
    let bytes = context.to_bytes();
    assert_eq!(Context::parse(&base64url(&bytes)), Some((context.clone(), bytes.clone())));

    let mut json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    json["later"] = true.into();
    let wire = base64url(json.to_string().as_bytes());
    assert_eq!(Context::parse(&wire).map(|(context, _)| context), Some(context));
    json["v"] = 2.into();
    assert_eq!(Context::parse(&base64url(json.to_string().as_bytes())), None);
    assert_eq!(Context::parse("%"), None);
}
