//! The numbers that another implementation can check itself against: `tests/vectors` at the top of the project.

use protocol::audit::{self, Entry};
use protocol::frame::FrameKey;
use protocol::id::{Handle, RequestId};
use protocol::key::PublicKey;
use protocol::link::{LoginLink, Payload, Pin};
use protocol::origin::Origin;
use protocol::secret::Secret;
use protocol::user_code::UserCode;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    protocol::encoding::array_from_base64url(value.as_str().unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn frames() {
    let all = vectors();
    let v = &all["frame"];
    let handle = Handle::from_random(bytes(&v["handle"]));
    let key = FrameKey::derive(&Secret::new(bytes(&v["server_secret"])), &handle);
    let code = key.code(handle, u8::try_from(v["counter"].as_u64().unwrap()).unwrap());
    assert_eq!(code.to_string(), text(&v["code"]));
    let link = LoginLink { origin: Origin::parse(text(&v["origin"])).unwrap(), code };
    assert_eq!(link.to_string(), text(&v["link"]));
    assert_eq!(Payload::parse(text(&v["link"])), Payload::Login(link));
    let page_secret = Secret::new(bytes(&v["page_secret"]));
    let token = key.session_token(&page_secret, &RequestId::from_random(bytes(&v["request"])));
    assert_eq!(token.expose(), text(&v["session_token"]));
}

#[test]
fn thumbprint_and_pin() {
    let all = vectors();
    let key = PublicKey::from_jwk(&all["thumbprint"]["jwk"]).unwrap();
    assert_eq!(key.thumbprint().to_string(), text(&all["thumbprint"]["thumbprint"]));
    let der = protocol::encoding::from_base64url(text(&all["pin"]["spki"])).unwrap();
    assert_eq!(Pin::of_spki(&der).to_string(), text(&all["pin"]["pin"]));
}

#[test]
fn user_codes() {
    for v in vectors()["user_code"].as_array().unwrap() {
        let read = UserCode::parse(text(&v["typed"])).map(|code| code.to_string());
        assert_eq!(read.as_deref(), v["code"].as_str(), "{v}");
    }
}

#[test]
fn audit_chain() {
    let all = vectors();
    let mut previous = audit::GENESIS;
    for v in all["audit"].as_array().unwrap() {
        let entry = Entry {
            chain: text(&v["chain"]),
            seq: v["seq"].as_i64().unwrap(),
            at: v["at"].as_i64().unwrap(),
            kind: text(&v["kind"]),
            body: text(&v["body"]),
        };
        previous = audit::hash(&previous, &entry);
        assert_eq!(protocol::encoding::base64url(&previous), text(&v["hash"]));
    }
}
