//! A server that an account is enrolled with and that lies, stalls, floods or breaks off, over real HTTP: each time a
//! sentence, bounded memory and time, nothing decided, and the enrolment stays.

mod amounts;
mod answers;
mod decisions;
mod fields;

use authenticator::command::Command;
use authenticator::view::{Place, Screen};
use protocol::encoding::base64url;
use serde_json::{Value, json};

use crate::app::App;

/// A scan's answer with something changed in it, or in its context.
fn scan_answer(origin: &str, change: impl FnOnce(&mut Value, &mut Value)) -> Value {
    let mut body = crate::server::scanned_body(origin.to_owned(), protocol::context::Via::Link, 120);
    let bytes = protocol::encoding::from_base64url(body["context"].as_str().unwrap()).unwrap();
    let mut context: Value = serde_json::from_slice(&bytes).unwrap();
    let untouched = body["context"].clone();
    change(&mut body, &mut context);
    if body["context"] == untouched {
        body["context"] = json!(base64url(context.to_string().as_bytes()));
    }
    body
}

/// Back to the scan view, with nothing told there.
async fn to_scan(app: &App) {
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(|screen| matches!(screen, Screen::Scan { problem: None, .. })).await;
}

fn looks_clean(app: &App, what: &str) {
    is_clean(what, &serde_json::to_value(app.state()).unwrap());
}

/// No text that the window gets turns other text around, hides, or is longer than anybody reads.
fn is_clean(what: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let hidden = |c: char| protocol::text::is_unsafe(c) && !matches!(c, '\n' | '\t');
            assert!(!text.chars().any(hidden), "{what}: {text:?}");
            assert!(text.chars().count() <= 4_096, "{what}: {} characters", text.chars().count());
        }
        Value::Array(values) => {
            for value in values {
                is_clean(what, value);
            }
        }
        Value::Object(members) => {
            for value in members.values() {
                is_clean(what, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
