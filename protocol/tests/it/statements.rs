//! Statements and the context that they sign.

use protocol::check::CheckNumber;
use protocol::context::{self, Claimed, Context, Seen, UserVerification, Via};
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
        user_verified: false,
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

/// Additions, step up: without the policy no byte differs from version 1 as it was written first.
#[test]
fn the_bytes_of_context_and_statement_stay_as_they_were_without_the_policy() {
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
        user_verification: None,
    };
    let plain = "{\"v\":1,\"request\":\"BAQEBAQEBAQEBAQEBAQEBA\",\"origin\":\"https://a.example\",\
        \"page_key\":null,\"client\":null,\"scopes\":[],\"via\":\"camera\",\"seen\":{\"address\":\"203.0.113.7\",\
        \"at\":9,\"same_network\":null,\"known_browser\":false,\"frame_age_s\":3},\
        \"claimed\":{\"browser\":\"\",\"system\":\"\",\"language\":\"\"}";
    assert_eq!(String::from_utf8(context.to_bytes()).unwrap(), format!("{plain}}}"));
    let asked = Context { user_verification: Some(UserVerification::Required), ..context };
    assert!(asked.requires_verification());
    let text = String::from_utf8(asked.to_bytes()).unwrap();
    assert_eq!(text, format!("{plain},\"user_verification\":\"required\"}}"));

    let claims = |verified| {
        let signed = Statement { user_verified: verified, ..statement() };
        let text = signed.sign(Timestamp(5), &fresh_key(), &random()).unwrap();
        let payload = protocol::encoding::from_base64url(text.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&payload).unwrap()
    };
    let plain = serde_json::json!({"iss": statement().device, "aud": "https://a.example", "sub": statement().account,
        "jti": statement().ticket, "ctx": base64url(&context::hash(b"context")), "decision": "approve",
        "check": "47", "iat": 5});
    assert_eq!(claims(false), plain);
    assert_eq!(claims(true)["user_verified"], true);
}

#[test]
fn a_verified_statement_reads_back_so_and_another_word_of_the_policy_asks_for_nothing() {
    let key = fresh_key();
    for user_verified in [false, true] {
        let made = Statement { user_verified, ..statement() };
        let text = made.sign(Timestamp(5), &key, &random()).unwrap();
        assert_eq!(UnverifiedStatement::parse(&text).unwrap().verify(key.public()), Ok(made));
    }
    for (word, required) in
        [("required", true), ("preferred", false), ("discouraged", false), ("later", false)]
    {
        let json = serde_json::json!({"v": 1, "request": RequestId::from_random([4; 16]), "origin": "https://a.example",
            "page_key": null, "client": null, "scopes": [], "via": "camera", "seen": {"address": "", "at": 9,
            "same_network": null, "known_browser": false, "frame_age_s": null},
            "claimed": {"browser": "", "system": "", "language": ""}, "user_verification": word});
        let (read, _) = Context::parse(&base64url(json.to_string().as_bytes())).unwrap();
        assert_eq!(read.requires_verification(), required, "{word}");
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
        user_verification: None,
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
