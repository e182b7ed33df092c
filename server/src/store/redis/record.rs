//! How a request lies in Redis: one line for scripts, then the request as JSON.
//!
//! The line is `FORMAT VERSION ACCOUNT CLIENT`: what a script needs to know without reading JSON. A record of another
//! format, or whose JSON this program cannot read, is treated as gone: while nodes of two versions run side by side, a page
//! that meets the other one starts anew.

use protocol::id::AccountId;
use protocol::request::Request;

use crate::store::short_lived::{Version, Versioned};

/// Changes whenever an older program would read a record wrongly. Scripts compare it too.
const FORMAT: &str = "1";
/// The account of a request that nobody has locked.
const NOBODY: &str = "-";

/// The request alone, as `replace.lua` takes it.
pub(super) fn json(request: &Request) -> Vec<u8> {
    serde_json::to_vec(request).expect("a request has string keys only")
}

/// A whole record of version 1, for a request that nobody has locked.
pub(super) fn first(request: &Request, client: &str) -> Vec<u8> {
    let mut record = format!("{FORMAT} 1 {NOBODY} {client}\n").into_bytes();
    record.extend(json(request));
    record
}

/// Reads a record back; `None` for one of another format.
pub(super) fn read(record: &[u8]) -> Option<Versioned> {
    let end = record.iter().position(|byte| *byte == b'\n')?;
    let version = version(record)?;
    match serde_json::from_slice::<Request>(&record[end + 1..]) {
        Ok(request) => Some(Versioned { request: request.into(), version }),
        Err(cause) => {
            tracing::warn!(%cause, "A login request in Redis cannot be read; it is treated as gone");
            None
        }
    }
}

fn version(head: &[u8]) -> Option<Version> {
    let mut words = head.split(|byte| *byte == b' ');
    if words.next()? != FORMAT.as_bytes() {
        return None;
    }
    std::str::from_utf8(words.next()?).ok()?.parse().ok().map(Version)
}

/// The account that has locked the request, as scripts take it.
pub(super) fn locked_by(request: &Request) -> Option<AccountId> {
    request.state.lock().map(|lock| lock.account)
}

#[cfg(test)]
mod tests {
    use protocol::context::Claimed;
    use protocol::id::{Handle, RequestId};
    use protocol::key::Thumbprint;
    use protocol::request::{Lives, Redeemer};
    use protocol::secret::Secret;
    use protocol::time::Timestamp;

    use super::*;

    fn request(secret: &Secret) -> Request {
        let redeemer = Redeemer::Page { secret: secret.hash(), key: Thumbprint::from_bytes([3; 32]) };
        let (id, handle) = (RequestId::from_random([1; 16]), Handle::from_random([2; 16]));
        let (now, lives) = (Timestamp(1_800_000_000), Lives::default());
        Request::start(id, handle, redeemer, None, "192.0.2.7".into(), true, Claimed::default(), now, &lives)
    }

    #[test]
    fn a_record_reads_back() {
        let request = request(&Secret::new([9; 32]));
        let record = first(&request, "2001:db8::/64");
        let read = read(&record).unwrap();
        assert_eq!((&*read.request, read.version), (&request, Version(1)));
    }

    #[test]
    fn a_record_of_another_format_is_gone_and_no_crash() {
        let mut later = first(&request(&Secret::new([9; 32])), "c");
        later[0] = b'2';
        for record in
            [&later[..], b"", b"\n", b"1", b"1 x - c\n{}", b"1 1 - c\n{}", b"1 1 - c\nnull", b"\xFF \xFF"]
        {
            assert!(read(record).is_none(), "{}", String::from_utf8_lossy(record));
        }
    }

    #[test]
    fn a_record_holds_the_hash_of_the_page_secret_and_not_the_secret() {
        let secret = Secret::new([0xA5; 32]);
        let record = String::from_utf8(first(&request(&secret), "c")).unwrap();
        assert!(!record.contains(&secret.expose()), "{record}");
        assert!(record.contains(&protocol::encoding::base64url(secret.hash().as_bytes())), "{record}");
    }
}
