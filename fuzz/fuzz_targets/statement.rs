//! Statements under a good signature: what is accepted verifies with the signer's key alone, reads back as it was
//! written, and no character of it may change.

#![no_main]

mod signed;

use libfuzzer_sys::fuzz_target;
use protocol::{
    encoding::base64url,
    id::StoreId,
    jws::JwsError,
    nonce::NonceKey,
    proof::{self, Call},
    secret::Secret,
    statement::{self, Statement, UnverifiedStatement},
    time::Timestamp,
};
use serde_json::Value;

const NOW: Timestamp = Timestamp(1_800_000_000);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(unverified) = UnverifiedStatement::parse(text)
    {
        assert!(unverified.verify(signed::signer().public()).is_err());
    }
    let Some(signed) = signed::Signed::read(bytes, &[]) else { return };
    let Ok(unverified) = UnverifiedStatement::parse(&signed.text) else { return };
    let stranger = unverified.verify(signed::stranger());
    assert_eq!(stranger, Err(JwsError::Signature));
    let statement = match unverified.verify(signed::signer().public()) {
        Ok(statement) => statement,
        Err(JwsError::Payload) => return,
        Err(other) => panic!("a good signature was refused: {other}"),
    };

    assert!(signed.is_canonical());
    let header: Value = serde_json::from_str(&signed.header).expect("an accepted header is JSON");
    let claims: Value = serde_json::from_str(&signed.payload).expect("an accepted payload is JSON");
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &statement::TYP.into()));
    assert!(header.get("crit").is_none());
    // Each field has one spelling, so what a log shows of it is what was signed.
    assert_eq!(claims["iss"].as_str(), Some(statement.device.to_string().as_str()));
    assert_eq!(claims["sub"].as_str(), Some(statement.account.to_string().as_str()));
    assert_eq!(claims["jti"].as_str(), Some(statement.ticket.to_string().as_str()));
    assert_eq!(claims["aud"].as_str(), Some(statement.origin.as_str()));
    assert_eq!(claims["ctx"].as_str(), Some(base64url(&statement.context_hash).as_str()));
    assert_eq!(claims["decision"], serde_json::to_value(statement.decision).expect("a word"));
    assert_eq!(claims["check"].as_str(), statement.check.map(|check| check.to_string()).as_deref());
    assert_eq!((unverified.device, unverified.ticket), (statement.device, statement.ticket));
    assert_eq!(read_back(&statement), statement);

    let nonces = NonceKey::derive(&Secret::new([7; 32]), &StoreId::from_random([8; 16]));
    let call = Call { method: "POST", url: "https://login.example.com/api/scans", token: None };
    assert!(proof::check(&signed.text, &call, &nonces, NOW).is_err());
    if let Some(changed) = signed.changed()
        && let Ok(unverified) = UnverifiedStatement::parse(&changed)
    {
        assert!(unverified.verify(signed::signer().public()).is_err(), "{changed}");
    }
});

fn read_back(statement: &Statement) -> Statement {
    let text = statement.sign(NOW, signed::signer(), &signed::random()).expect("it can be signed");
    let unverified = UnverifiedStatement::parse(&text).expect("what we sign can be read");
    unverified.verify(signed::signer().public()).expect("what we sign verifies")
}
