//! The ceremony of Countersign: what a login request is, who may do what to it and when, and the exact bytes that
//! the three parties exchange. No I/O, no clock, no async: time and random bytes come in as arguments.
//!
//! One login, start to end (the numbers are named again where each step is decided):
//!
//! 1. The page starts a [`Request`](request::Request) with a [proof] of its key.
//! 2. The server shows [frames](frame) of it, each a [QR link](link) that is good for a minute.
//! 3. An authenticator scans: the request is locked to its device and account, the page shows a
//!    [check number](check), the authenticator gets a [context].
//! 4. The person decides; the authenticator signs a [statement] over exactly that context.
//! 5. The page redeems the approved request, once, for a session.
//!
//! `docs/protocol.md` is the whole text; [`request::apply`] is its state table.

pub mod audit;
pub mod check;
pub mod context;
pub mod encoding;
pub mod frame;
pub mod holes;
pub mod id;
pub mod jws;
pub mod key;
pub mod link;
pub mod nonce;
pub mod origin;
pub mod proof;
pub mod recovery;
pub mod request;
pub mod secret;
pub mod statement;
pub mod text;
pub mod time;
pub mod user_code;
pub mod wire;
