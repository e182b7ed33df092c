use protocol::check::CheckNumber;
use protocol::context;
use protocol::encoding::from_base64url;
use protocol::id::{AccountId, DeviceId, Ticket};
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement};
use protocol::time::Timestamp;
use serde_json::{Value, json};

use super::page::Request;
use super::wire::{Extras, Wire};
use super::{Answer, random};

/// An authenticator.
pub struct Device {
    pub wire: Wire,
    pub id: Option<DeviceId>,
    pub account: Option<AccountId>,
    pub token: String,
}

/// What a scan gave.
#[derive(Debug, Clone)]
pub struct Scanned {
    pub ticket: Ticket,
    pub context: Vec<u8>,
    pub body: Value,
}

impl Device {
    pub fn new(http: &reqwest::Client, base: &str, origin: &Origin, address: &str) -> Self {
        Self { wire: Wire::new(http, base, origin, address), id: None, account: None, token: String::new() }
    }

    pub async fn enrol(&mut self, code: &str) -> Answer {
        self.enrol_with(json!({ "enrolment": code, "device": { "name": "Desk", "kind": "linux" } })).await
    }

    pub async fn enrol_with(&mut self, body: Value) -> Answer {
        let extras = Extras { body: Some(body), proof: true, ..Extras::default() };
        let answer = self.wire.call("POST", "/api/devices", extras).await;
        if answer.status == 201 {
            self.id = DeviceId::parse(answer.body["device_id"].as_str().unwrap());
            self.account = AccountId::parse(answer.body["account"]["id"].as_str().unwrap());
            answer.body["token"].as_str().unwrap().clone_into(&mut self.token);
        }
        answer
    }

    /// A call with token and proof.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let extras = Extras { body, proof: true, token: Some(&self.token), ..Extras::default() };
        self.wire.call(method, path, extras).await
    }

    pub async fn scan(&self, code: &str, via: &str) -> Answer {
        self.call("POST", "/api/scans", Some(json!({ "code": code, "via": via }))).await
    }

    pub async fn type_code(&self, typed: &str) -> Answer {
        self.call("POST", "/api/scans", Some(json!({ "user_code": typed, "via": "typed" }))).await
    }

    /// Scans the first frame with the camera.
    pub async fn scanned(&self, request: &Request) -> Scanned {
        Scanned::read(self.scan(&request.code(), "camera").await.expect(201))
    }

    pub async fn decide(&self, scanned: &Scanned, decision: Decision, check: Option<&str>) -> Answer {
        self.send_statement(&self.sign(&self.statement(scanned, decision, check))).await
    }

    pub fn statement(&self, scanned: &Scanned, decision: Decision, check: Option<&str>) -> Statement {
        Statement {
            device: self.id.unwrap(),
            origin: self.wire.origin.clone(),
            account: self.account.unwrap(),
            ticket: scanned.ticket,
            context_hash: context::hash(&scanned.context),
            decision,
            check: check.map(|digits| CheckNumber::parse(digits).unwrap()),
            user_verified: false,
        }
    }

    pub fn sign(&self, statement: &Statement) -> String {
        statement.sign(Timestamp(1), &self.wire.key, &random()).unwrap()
    }

    pub async fn send_statement(&self, statement: &str) -> Answer {
        let body = Some(json!({ "statement": statement }));
        self.wire.call("POST", "/api/decisions", Extras { body, ..Extras::default() }).await
    }
}

impl Scanned {
    pub fn read(body: Value) -> Self {
        Self {
            ticket: Ticket::parse(body["ticket"].as_str().unwrap()).unwrap(),
            context: from_base64url(body["context"].as_str().unwrap()).unwrap(),
            body,
        }
    }

    pub fn seen(&self) -> Value {
        serde_json::from_slice(&self.context).unwrap()
    }
}

/// Another number than `right`.
pub fn wrong_number(right: &str) -> &'static str {
    if right == "10" { "11" } else { "10" }
}
