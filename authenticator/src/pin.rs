//! The PIN that is asked for before an approval. Kept as an argon2id verifier in the keychain, beside the count of wrong
//! tries, which survives the app.
//!
//! It stands against somebody else at this unlocked computer. Whoever can read the keychain has the device key as well,
//! so the verifier guards the window, not the keychain.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;
use zeroize::{Zeroize, Zeroizing};

use crate::error_code::{ErrorCode, Problem};
use crate::keychain::Keychain;
use crate::ports::{Clock, Random, VaultError};
use crate::secrets::vault_problem;

/// Keychain entry of the verifier.
const ENTRY: &str = "pin";
/// Fewest digits.
const LENGTH_MIN: usize = 6;
/// Most digits.
const LENGTH_MAX: usize = 32;
/// Wrong tries in a row before the first wait.
const FREE_TRIES: u32 = 5;
/// Waits after the fifth wrong try and each one that follows, in seconds; the last one repeats.
const WAITS_S: [u32; 4] = [60, 300, 900, 3_600];
/// Wrong tries in a row after which no more are taken. A bound that holds whatever is done to the clock: a guess of six
/// digits is right once in 66,666 times.
const TRIES_MAX: u32 = 15;

/// A PIN on its way from the window; zeroed when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(type = "string")]
pub struct PinText(String);

/// What is known of the PIN without asking the keychain again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PinState {
    /// There is one.
    pub set: bool,
    /// No more tries are taken.
    pub blocked: bool,
    /// None is taken before this moment of the app's clock.
    pub until: Duration,
}

/// Why a PIN was not taken.
#[derive(Debug, Error)]
pub enum PinError {
    /// Another one.
    #[error("the PIN is wrong")]
    Wrong {
        /// Tries before the next wait, at least one.
        tries_left: u32,
    },
    /// Too many wrong ones: not before so many seconds.
    #[error("no PIN is taken for another {wait_s} s")]
    Wait {
        /// Whole seconds, rounded up.
        wait_s: u32,
    },
    /// Far too many, or the verifier cannot be read: never again.
    #[error("no PIN is taken any more")]
    Blocked,
    /// Not six to thirty-two digits.
    #[error("a PIN has {LENGTH_MIN} to {LENGTH_MAX} digits")]
    Form,
    /// One digit all over, or digits in a row.
    #[error("the PIN is among the first that anybody tries")]
    Simple,
    /// None came, and one is needed.
    #[error("a PIN is asked for")]
    Asked,
    /// The keychain.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What lies in the keychain.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u32,
    /// A PHC string.
    verifier: String,
    /// Wrong tries in a row.
    wrong: u32,
    /// When the last of them was, Unix seconds of this computer.
    at: i64,
}

/// Sets, verifies and forgets the PIN; one try at a time. Cheap to clone.
#[derive(Clone)]
pub struct PinGuard {
    keychain: Keychain,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    known: Arc<Mutex<PinState>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl PinGuard {
    /// A guard that knows nothing until [`Self::load`].
    pub fn new(keychain: Keychain, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { keychain, clock, random, known: Arc::default(), turn: Arc::default() }
    }

    /// What is known.
    pub fn state(&self) -> PinState {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds until the next try is taken, rounded up.
    pub fn wait_s(&self) -> u32 {
        let left = self.state().until.saturating_sub(self.clock.elapsed());
        u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
    }

    /// Reads the keychain, once at the start of the app. A wait that was under way goes on; a clock that was set back
    /// makes it begin anew.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn load(&self) -> Result<(), VaultError> {
        let _turn = self.turn.lock().await;
        let state = match self.keychain.get(ENTRY.to_owned()).await? {
            None => PinState::default(),
            Some(bytes) => match serde_json::from_slice::<Stored>(&bytes) {
                Ok(stored) if stored.v == 1 => {
                    let wait = wait_after(stored.wrong);
                    let passed = u64::try_from(self.clock.unix_s() - stored.at).unwrap_or(0);
                    let left = wait.saturating_sub(Duration::from_secs(passed));
                    self.after(stored.wrong, left)
                }
                _ => PinState { set: true, blocked: true, until: Duration::ZERO },
            },
        };
        self.know(state);
        Ok(())
    }

    /// Verifies `pin`. A try counts before it is compared, so that ending the app in between gives none back.
    ///
    /// # Errors
    /// [`PinError`].
    pub async fn verify(&self, pin: PinText) -> Result<(), PinError> {
        let _turn = self.turn.lock().await;
        self.verify_in_turn(pin).await
    }

    /// Sets the first PIN, or another one after `current`.
    ///
    /// # Errors
    /// [`PinError`]; [`PinError::Asked`] when there is one and `current` is missing.
    pub async fn set(&self, current: Option<PinText>, new: PinText) -> Result<(), PinError> {
        let _turn = self.turn.lock().await;
        new.judge()?;
        if self.state().set {
            self.verify_in_turn(current.ok_or(PinError::Asked)?).await?;
        }
        let salt = self.random.bytes();
        let verifier = blocking(move || hash(&new, &salt)).await?;
        self.write(&Stored { v: 1, verifier, wrong: 0, at: 0 }).await?;
        self.know(PinState { set: true, ..PinState::default() });
        Ok(())
    }

    /// Takes the PIN away after `current`.
    ///
    /// # Errors
    /// [`PinError`].
    pub async fn remove(&self, current: PinText) -> Result<(), PinError> {
        let _turn = self.turn.lock().await;
        self.verify_in_turn(current).await?;
        Ok(self.forget_in_turn().await?)
    }

    /// Takes the PIN away without asking: there is nothing left that it guards.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn forget(&self) -> Result<(), VaultError> {
        let _turn = self.turn.lock().await;
        self.forget_in_turn().await
    }

    async fn forget_in_turn(&self) -> Result<(), VaultError> {
        self.keychain.delete(ENTRY.to_owned()).await?;
        self.know(PinState::default());
        Ok(())
    }

    async fn verify_in_turn(&self, pin: PinText) -> Result<(), PinError> {
        self.may_try()?;
        let stored = self.keychain.get(ENTRY.to_owned()).await?.ok_or(PinError::Blocked)?;
        let mut stored: Stored = serde_json::from_slice(&stored).map_err(|_| PinError::Blocked)?;
        stored.wrong += 1;
        stored.at = self.clock.unix_s();
        self.write(&stored).await?;
        self.know(self.after(stored.wrong, wait_after(stored.wrong)));
        let verifier = stored.verifier.clone();
        if blocking(move || Ok(is_right(&verifier, &pin))).await? {
            self.write(&Stored { wrong: 0, at: 0, ..stored }).await?;
            self.know(PinState { set: true, ..PinState::default() });
            return Ok(());
        }
        // The comparing took its time; the wait begins after it.
        let wait = wait_after(stored.wrong);
        self.know(self.after(stored.wrong, wait));
        Err(match u32::try_from(wait.as_secs()) {
            _ if stored.wrong >= TRIES_MAX => PinError::Blocked,
            Ok(0) | Err(_) => PinError::Wrong { tries_left: FREE_TRIES.saturating_sub(stored.wrong) },
            Ok(wait_s) => PinError::Wait { wait_s },
        })
    }

    fn may_try(&self) -> Result<(), PinError> {
        if self.state().blocked {
            return Err(PinError::Blocked);
        }
        match self.wait_s() {
            0 => Ok(()),
            wait_s => Err(PinError::Wait { wait_s }),
        }
    }

    fn after(&self, wrong: u32, left: Duration) -> PinState {
        PinState { set: true, blocked: wrong >= TRIES_MAX, until: self.clock.elapsed() + left }
    }

    fn know(&self, state: PinState) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn write(&self, stored: &Stored) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(stored).expect("strings and numbers are JSON");
        self.keychain.put(ENTRY.to_owned(), Zeroizing::new(bytes)).await
    }
}

impl PinText {
    /// A PIN as typed.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    fn judge(&self) -> Result<(), PinError> {
        let digits = self.0.as_bytes();
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(PinError::Form);
        }
        let steps_by = |step: i16| digits.windows(2).all(|two| i16::from(two[1]) - i16::from(two[0]) == step);
        if [0, 1, -1].into_iter().any(steps_by) { Err(PinError::Simple) } else { Ok(()) }
    }
}

impl Drop for PinText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Silent.
impl fmt::Debug for PinText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinText(..)")
    }
}

impl fmt::Debug for PinGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinGuard({:?})", self.state())
    }
}

impl PinError {
    /// For the person.
    pub fn problem(&self) -> Problem {
        Problem::plain(match self {
            Self::Wrong { tries_left } => ErrorCode::PinWrong { tries_left: *tries_left },
            Self::Wait { wait_s } => ErrorCode::PinWait { wait_s: *wait_s },
            Self::Blocked => ErrorCode::PinBlocked,
            Self::Form => ErrorCode::PinForm,
            Self::Simple => ErrorCode::PinSimple,
            Self::Asked => ErrorCode::PinAsked,
            Self::Vault(error) => return vault_problem(error),
        })
    }
}

/// How long after so many wrong tries in a row.
fn wait_after(wrong: u32) -> Duration {
    let Some(over) = wrong.checked_sub(FREE_TRIES) else { return Duration::ZERO };
    let at = usize::try_from(over).unwrap_or(usize::MAX).min(WAITS_S.len() - 1);
    Duration::from_secs(WAITS_S[at].into())
}

/// The parameters of OWASP's password storage sheet: argon2id, 19 MiB, 2 passes.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1_024, 2, 1, None).expect("within argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(pin: &PinText, salt: &[u8; 16]) -> Result<String, PinError> {
    let hash: PasswordHash =
        argon2().hash_password_with_salt(pin.0.as_bytes(), salt).map_err(|_| PinError::Form)?;
    Ok(hash.to_string())
}

fn is_right(verifier: &str, pin: &PinText) -> bool {
    PasswordHash::new(verifier).is_ok_and(|hash| argon2().verify_password(pin.0.as_bytes(), &hash).is_ok())
}

/// Computes beside the runtime; a thread that failed has verified nothing.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PinError> + Send + 'static,
) -> Result<T, PinError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| PinError::Blocked)?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_pin_has_six_digits_that_are_not_in_a_row() {
        for good in ["471108", "000001", "12345678901234567890123456789012", "121212"] {
            assert!(PinText::new(good).judge().is_ok(), "{good}");
        }
        for form in ["", "12345", "12345a", "１２３４５６", " 471108", "123456789012345678901234567890123"]
        {
            assert!(matches!(PinText::new(form).judge(), Err(PinError::Form)), "{form}");
        }
        for simple in ["000000", "123456", "987654", "3456789"] {
            assert!(matches!(PinText::new(simple).judge(), Err(PinError::Simple)), "{simple}");
        }
    }

    #[test]
    fn waits_grow_and_then_stay() {
        let waits: Vec<_> = (0..12).map(|wrong| wait_after(wrong).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 60, 300, 900, 3_600, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn debug_shows_no_pin() {
        assert_eq!(format!("{:?}", PinText::new("471108")), "PinText(..)");
    }
}
