use protocol::wire::{RecoveryCodesBody, RecoveryStatusBody};
use reqwest::Method;

use super::{Auth, CallError, Credentials, ServerClient};

const RECOVERY_CODES: &str = "/api/recovery-codes";

impl ServerClient {
    /// How many recovery codes the account has left.
    ///
    /// # Errors
    /// The usual ones; 404 from a server that knows no recovery codes.
    pub async fn recovery_codes(&self, auth: &Credentials) -> Result<RecoveryStatusBody, CallError> {
        self.ask(Method::GET, RECOVERY_CODES, None::<&()>, Auth::Device(auth)).await
    }

    /// Makes ten recovery codes; those before them are void.
    ///
    /// # Errors
    /// As [`Self::recovery_codes`].
    pub async fn make_recovery_codes(&self, auth: &Credentials) -> Result<RecoveryCodesBody, CallError> {
        self.ask(Method::POST, RECOVERY_CODES, None::<&()>, Auth::Device(auth)).await
    }
}
