//! What the scripted server answers where no test says otherwise.

use axum::http::{HeaderMap, Method, Uri};
use protocol::check::CheckNumber;
use protocol::context::{Claimed, Client, Context, Seen, UserVerification, Via};
use protocol::encoding::base64url;
use protocol::id::{AccountId, DeviceId, RequestId, Ticket};
use protocol::link::{EnrolCode, EnrolLink};
use protocol::proof;
use protocol::secret::Secret;
use protocol::statement::{Decision, UnverifiedStatement};
use protocol::time::Timestamp;
use serde_json::{Value, json};

use super::{CHECK, CODES, Inner, NOW, Shared, problem};

impl Shared {
    pub(super) fn usual(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut inner = self.inner.lock().unwrap();
        match (method.as_str(), uri.path()) {
            ("GET", "/.well-known/countersign") => {
                let versions = inner.versions.clone().unwrap_or_else(|| vec![1]);
                (200, json!({"name": "Test", "origin": self.origin, "versions": versions}))
            }
            ("POST", "/api/devices") => self.enrol(&mut inner, headers, &body),
            ("GET", "/api/devices") => {
                let devices: Vec<_> = inner
                    .devices
                    .iter()
                    .enumerate()
                    .map(|(n, (id, ..))| {
                        json!({"id": id, "name": format!("Device {n}"), "kind": "linux", "created_at": NOW,
                        "last_seen_at": NOW, "current": n == 0})
                    })
                    .collect();
                (200, json!({"devices": devices}))
            }
            ("POST", "/api/scans") => {
                inner.scans.push(body.clone());
                (201, self.scanned(&inner, &body))
            }
            ("POST", "/api/decisions") => self.decide(&mut inner, &body),
            ("GET", "/api/sessions") => (200, json!({"sessions": inner.sessions})),
            ("DELETE", "/api/sessions") => {
                inner.sessions.clear();
                (204, Value::Null)
            }
            ("POST", "/api/enrolments") => {
                let link = EnrolLink {
                    origin: self.origin.clone(),
                    code: EnrolCode::from_random([8; 16]),
                    pin: None,
                };
                (201, json!({"link": link.to_string(), "expires_at": NOW + 600, "now": NOW}))
            }
            ("GET", "/api/recovery-codes") if inner.knows_codes => {
                let made_at = (inner.codes_left > 0).then_some(NOW);
                (200, json!({"left": inner.codes_left, "made_at": made_at, "now": NOW}))
            }
            ("POST", "/api/recovery-codes") if inner.knows_codes => {
                inner.codes_left = 10;
                (201, json!({"codes": CODES, "now": NOW}))
            }
            ("GET", "/api/activity") => {
                let after: i64 = uri.query().unwrap().strip_prefix("after=").unwrap().parse().unwrap();
                let entries: Vec<_> = inner
                    .activity
                    .iter()
                    .filter(|entry| entry["seq"].as_i64().unwrap() > after)
                    .take(3)
                    .cloned()
                    .collect();
                let head = entries.last().map_or(
                    json!({"seq": after, "hash": base64url(&[0; 32])}),
                    |last| json!({"seq": last["seq"], "hash": last["hash"]}),
                );
                (200, json!({"entries": entries, "head": head}))
            }
            ("DELETE", path) if path.starts_with("/api/sessions/") => {
                inner
                    .sessions
                    .retain(|session| session["id"].as_str() != path.strip_prefix("/api/sessions/"));
                (204, Value::Null)
            }
            ("DELETE", path) if path.starts_with("/api/devices/") => {
                inner
                    .devices
                    .retain(|(id, ..)| Some(id.to_string().as_str()) != path.strip_prefix("/api/devices/"));
                (204, Value::Null)
            }
            ("PATCH", path) if path.starts_with("/api/devices/") => (204, Value::Null),
            _ => problem(404, "not_found", &json!({})),
        }
    }

    /// The same key gets the same device and another token.
    fn enrol(&self, inner: &mut Inner, headers: &HeaderMap, body: &Value) -> (u16, Value) {
        inner.enrolled_with.push(body.clone());
        assert_eq!(body["device"], json!({"name": "Desktop", "kind": "linux"}), "the name is cleaned");
        let proof = headers.get("dpop").unwrap().to_str().unwrap();
        let key = protocol::jws::Unverified::parse(proof, proof::TYP).unwrap().header_key().unwrap();
        // Grows with each proof, so no device and no token comes twice.
        let n = u32::try_from(inner.jtis.len()).unwrap().to_be_bytes();
        let token = Secret::new(std::array::from_fn(|at| n[at % 4])).expose();
        let link = body["enrolment"].as_str().map(str::to_owned);
        let known = inner.devices.iter_mut().find(|(_, known, _)| *known == key);
        let device = if let Some((id, _, old)) = known {
            old.clone_from(&token);
            *id
        } else if inner.links_are_used_up && link.is_some_and(|link| !inner.used_links.insert(link)) {
            return problem(404, "not_found", &json!({}));
        } else {
            let id = DeviceId::from_random(std::array::from_fn(|at| n[at % 4]));
            inner.devices.push((id, key, token.clone()));
            id
        };
        let account = AccountId::from_random([inner.account; 16]);
        (
            201,
            json!({"device_id": device, "token": token,
            "account": {"id": account, "username": "ada", "display_name": "Ada Lovelace"},
            "server": {"name": "Test", "origin": self.origin}}),
        )
    }

    fn scanned(&self, inner: &Inner, body: &Value) -> Value {
        let via: Via = serde_json::from_value(body["via"].clone()).unwrap();
        let origin = if inner.other_origin_in_context {
            "https://other.example".to_owned()
        } else {
            self.origin.to_string()
        };
        let mut answer = scan_answer(&asking(inner, origin, via), 120);
        answer["check"] = json!(!inner.is_device_grant);
        answer
    }

    fn decide(&self, inner: &mut Inner, body: &Value) -> (u16, Value) {
        let text = body["statement"].as_str().unwrap();
        let unverified = UnverifiedStatement::parse(text).unwrap();
        let key = inner.devices.iter().find(|(id, ..)| *id == unverified.device).unwrap().1;
        let statement = unverified.verify(&key).unwrap();
        assert_eq!(statement.origin, self.origin);
        assert_eq!(statement.ticket, Ticket::from_random([6; 16]));
        let asked = inner.asks_for_verification;
        let via = if inner.is_device_grant { Via::Typed } else { Via::Link };
        let context = asking(inner, self.origin.to_string(), via);
        let hash = protocol::context::hash(&context.to_bytes());
        assert!(statement.context_hash == hash || !inner.strict);
        let wanted = (!inner.is_device_grant).then(|| CHECK.to_owned());
        let right = statement.check.map(|check| check.to_string()) == wanted;
        let unverified = asked && statement.decision == Decision::Approve && !statement.user_verified;
        assert!(asked || !statement.user_verified, "nobody asked for it");
        let wrong = statement.decision == Decision::Approve && !right;
        let tries = inner.statements.iter().filter(|made| made.check != CheckNumber::parse(CHECK)).count();
        inner.statements.push(statement);
        if unverified {
            return problem(403, "user_verification_required", &json!({}));
        }
        match (wrong, tries) {
            (false, _) => (204, Value::Null),
            (true, 0 | 1) => problem(422, "wrong_check", &json!({"tries_left": 2 - tries})),
            (true, _) => problem(410, "ended", &json!({})),
        }
    }
}

/// The context of a scan as the server is set up.
fn asking(inner: &Inner, origin: String, via: Via) -> Context {
    let asked = inner.asks_for_verification;
    let mut context =
        Context { user_verification: asked.then_some(UserVerification::Required), ..context(origin, via) };
    if inner.is_device_grant {
        context.client = Some(Client { id: "tool".to_owned(), name: "Backup\u{202e} tool".to_owned() });
        context.scopes = vec!["openid".to_owned(), "backup:write".to_owned()];
        context.claimed = Claimed::default();
    }
    context
}

pub fn scanned_body(origin: String, via: Via, left_s: i64) -> Value {
    scan_answer(&context(origin, via), left_s)
}

fn scan_answer(context: &Context, left_s: i64) -> Value {
    json!({"request": context.request, "ticket": Ticket::from_random([6; 16]), "check": true,
        "context": base64url(&context.to_bytes()), "expires_at": NOW + left_s, "now": NOW})
}

fn context(origin: String, via: Via) -> Context {
    Context {
        v: 1,
        request: RequestId::from_random([1; 16]),
        origin,
        page_key: None,
        client: None,
        scopes: Vec::new(),
        via,
        seen: Seen {
            address: "203.0.113.7".to_owned(),
            at: Timestamp(NOW - 8),
            same_network: Some(false),
            known_browser: false,
            frame_age_s: Some(2),
        },
        claimed: Claimed {
            browser: "Firefox\u{202e} 153".to_owned(),
            system: "Windows 11".to_owned(),
            language: "de".to_owned(),
        },
        user_verification: None,
    }
}
