//! Frames: the changing QR pictures of one request. Nothing is stored per frame; the tag proves that the server made it.

use std::fmt;

use ring::hmac;

use crate::encoding;
use crate::hole;
use crate::id::Handle;
use crate::request::Lives;
use crate::secret::{Secret, hkdf};
use crate::time::Timestamp;

const PURPOSE: &[u8] = b"countersign frame v1";
const TAG_LENGTH: usize = 8;
const CODE_LENGTH: usize = 16 + 1 + TAG_LENGTH;

/// Makes and checks the tags of one request's frames; also the salt of its session token.
pub struct FrameKey([u8; 32]);

/// What a login QR carries: handle (16 bytes), counter (1 byte), tag (8 bytes); 40 base32 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameCode {
    /// Names the request.
    pub handle: Handle,
    /// Steps of [`Lives::frame_step_s`] between the request's start and the frame's issue.
    pub counter: u8,
    tag: [u8; TAG_LENGTH],
}

/// How a genuine frame stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameAge {
    /// Issued this many seconds ago (0 for a step ahead) and good.
    Good(i64),
    /// Issued longer than [`Lives::frame_s`] ago.
    Expired,
    /// More than one step ahead of the server's own counter: not a frame that any node has shown.
    Ahead,
}

impl FrameKey {
    /// HKDF-SHA256(server secret, salt = handle).
    pub fn derive(server: &Secret, handle: &Handle) -> Self {
        Self(hkdf(server.expose_bytes(), handle.as_bytes(), &[]))
    }

    /// The code of the frame with this counter.
    pub fn code(&self, handle: Handle, counter: u8) -> FrameCode {
        let tag = self.sign(&handle, counter).as_ref()[..TAG_LENGTH]
            .try_into()
            .expect("HMAC-SHA256 is longer than the tag");
        FrameCode { handle, counter, tag }
    }

    /// True when this server made `code`; constant time.
    pub fn made(&self, code: &FrameCode) -> bool {
        use subtle::ConstantTimeEq as _;
        hole!("frame_tag") || self.code(code.handle, code.counter).tag.ct_eq(&code.tag).into()
    }

    /// Session token of a redeem: HKDF-SHA256(page secret, salt frame key, "countersign session" ‖ request id), so a
    /// repeated redeem gives the same token and nothing secret is stored for it.
    pub fn session_token(&self, page_secret: &Secret, request: &crate::id::RequestId) -> Secret {
        Secret::new(hkdf(page_secret.expose_bytes(), &self.0, &[b"countersign session", request.as_bytes()]))
    }

    fn sign(&self, handle: &Handle, counter: u8) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(PURPOSE);
        context.update(handle.as_bytes());
        context.update(&[counter]);
        context.sign()
    }
}

impl fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameKey(..)")
    }
}

impl FrameCode {
    /// Reads exactly 40 base32 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; CODE_LENGTH] = encoding::array_from_base32(text)?;
        let (handle, rest) = bytes.split_first_chunk::<16>()?;
        let (counter, tag) = rest.split_first()?;
        Some(Self { handle: Handle::from_random(*handle), counter: *counter, tag: tag.try_into().ok()? })
    }

    /// When the frame was issued, for a request that started at `started_at`.
    pub fn issued_at(&self, started_at: Timestamp, lives: &Lives) -> Timestamp {
        started_at.plus_s(i64::from(self.counter) * lives.frame_step_s)
    }

    /// How old the frame is at `now`. Counted in whole seconds from its issue; good while that is below
    /// [`Lives::frame_s`].
    pub fn age(&self, started_at: Timestamp, now: Timestamp, lives: &Lives) -> FrameAge {
        let own = counter_at(started_at, now, lives);
        if i64::from(self.counter) > i64::from(own) + 1 {
            return FrameAge::Ahead;
        }
        let age_s = now.since_s(self.issued_at(started_at, lives));
        if age_s >= lives.frame_s && !hole!("frame_life") {
            FrameAge::Expired
        } else {
            FrameAge::Good(age_s.max(0))
        }
    }
}

/// The counter of the frame to show at `now`.
pub fn counter_at(started_at: Timestamp, now: Timestamp, lives: &Lives) -> u8 {
    let steps = now.since_s(started_at).max(0) / lives.frame_step_s.max(1);
    u8::try_from(steps).unwrap_or(u8::MAX)
}

impl fmt::Display for FrameCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; CODE_LENGTH];
        bytes[..16].copy_from_slice(self.handle.as_bytes());
        bytes[16] = self.counter;
        bytes[17..].copy_from_slice(&self.tag);
        f.write_str(&encoding::base32(&bytes))
    }
}

/// Silent: a frame is good for a minute.
impl fmt::Debug for FrameCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> (FrameKey, Handle) {
        let handle = Handle::from_random([3; 16]);
        (FrameKey::derive(&Secret::new([9; 32]), &handle), handle)
    }

    #[test]
    fn a_code_is_40_characters_and_reads_back() {
        let (key, handle) = key();
        let code = key.code(handle, 4);
        assert_eq!(code.to_string().len(), 40);
        let read = FrameCode::parse(&code.to_string()).unwrap();
        assert_eq!(read, code);
        assert!(key.made(&read));
        assert_eq!(FrameCode::parse(&code.to_string().to_lowercase()), Some(code));
    }

    #[test]
    fn a_changed_bit_anywhere_is_not_ours() {
        let (key, handle) = key();
        let text = key.code(handle, 4).to_string();
        for at in 0..40 {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let code = FrameCode::parse(std::str::from_utf8(&changed).unwrap()).unwrap();
            assert!(!(key.made(&code) && code.handle == handle), "position {at}");
        }
    }

    #[test]
    fn frames_live_sixty_seconds_and_one_step_ahead_is_good() {
        let (key, handle) = key();
        let lives = Lives::default();
        let start = Timestamp(1_000);
        let age = |counter, now| key.code(handle, counter).age(start, Timestamp(now), &lives);
        assert_eq!(age(0, 1_000), FrameAge::Good(0));
        assert_eq!(age(0, 1_059), FrameAge::Good(59));
        assert_eq!(age(0, 1_060), FrameAge::Expired);
        assert_eq!(age(1, 1_000), FrameAge::Good(0));
        assert_eq!(age(2, 1_000), FrameAge::Ahead);
        assert_eq!(age(2, 1_015), FrameAge::Good(0));
    }
}
