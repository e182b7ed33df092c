//! Proofs under a good signature: what is accepted is for this call, this token, this nonce and the signer's key, and no
//! character of it may change.

#![no_main]

mod signed;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use protocol::{
    encoding::base64url,
    id::StoreId,
    key::PublicKey,
    nonce::NonceKey,
    proof::{self, Call, JTI_LENGTH_MAX, ProofError},
    secret::{Secret, sha256},
    statement::UnverifiedStatement,
    time::Timestamp,
};
use serde_json::Value;

const NOW: Timestamp = Timestamp(1_800_000_000);
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const CALL: Call<'_> =
    Call { method: "POST", url: "https://login.example.com/api/scans", token: Some(TOKEN) };

static NONCES: LazyLock<NonceKey> =
    LazyLock::new(|| NonceKey::derive(&Secret::new([7; 32]), &StoreId::from_random([8; 16])));

fuzz_target!(|bytes: &[u8]| {
    // As it came, first: nobody who cannot sign is believed.
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(proof::check(text, &CALL, &NONCES, NOW).is_err());
        let _ = NONCES.check(text, NOW).map(|()| assert!(text.len() == 32));
    }
    let (ath, nonce) = (base64url(&sha256(TOKEN.as_bytes())), NONCES.make(NOW));
    let words = [("@ATH", ath.as_str()), ("@NONCE", nonce.as_str()), ("@HTU", CALL.url)];
    let Some(signed) = signed::Signed::read(bytes, &words) else { return };
    assert!(UnverifiedStatement::parse(&signed.text).is_err() || !signed.header.contains("dpop+jwt"));
    let Ok(proven) = proof::check(&signed.text, &CALL, &NONCES, NOW) else { return };

    assert!(signed.is_canonical());
    let header: Value = serde_json::from_str(&signed.header).expect("an accepted header is JSON");
    let claims: Value = serde_json::from_str(&signed.payload).expect("an accepted payload is JSON");
    assert_eq!((&header["alg"], &header["typ"]), (&"ES256".into(), &proof::TYP.into()));
    assert!(header.get("crit").is_none());
    assert_eq!(PublicKey::from_jwk(&header["jwk"]), Ok(proven.key));
    assert_eq!(&proven.key, signed::signer().public());
    assert_eq!((&claims["htm"], &claims["htu"]), (&CALL.method.into(), &CALL.url.into()));
    assert_eq!((&claims["ath"], &claims["nonce"]), (&ath.clone().into(), &nonce.clone().into()));
    assert_eq!(claims["jti"].as_str(), Some(proven.jti.as_str()));
    assert!((1..=JTI_LENGTH_MAX).contains(&proven.jti.chars().count()));

    // The same proof is for no other call, token, node, store or time.
    for call in [
        Call { method: "GET", ..CALL },
        Call { url: "https://login.example.com/api/decisions", ..CALL },
        Call { token: None, ..CALL },
        Call { token: Some("another"), ..CALL },
    ] {
        assert_eq!(proof::check(&signed.text, &call, &NONCES, NOW), Err(ProofError::OtherCall));
    }
    for (secret, store, late_s) in [(7, 9, 0), (6, 8, 0), (7, 8, 300), (7, 8, -61)] {
        let key = NonceKey::derive(&Secret::new([secret; 32]), &StoreId::from_random([store; 16]));
        let at = NOW.plus_s(late_s);
        assert_eq!(proof::check(&signed.text, &CALL, &key, at), Err(ProofError::Nonce));
    }
    if let Some(changed) = signed.changed() {
        assert!(proof::check(&changed, &CALL, &NONCES, NOW).is_err(), "{changed}");
    }
});
