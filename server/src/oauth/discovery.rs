//! What this server is and does, for clients that set themselves up (RFC 8414, OpenID Connect Discovery 1.0).

use serde_json::{Value, json};

use super::{DEVICE_CODE, OAuthError, SCOPES};
use crate::service::Service;
use crate::store::Alg;

/// `acr`: the person approved the sign-in on a trusted device.
pub(crate) const ACR_APPROVED: &str = "urn:countersign:acr:approved";
/// `acr`: as [`ACR_APPROVED`], and the device verified the person for it.
pub(crate) const ACR_VERIFIED: &str = "urn:countersign:acr:verified";

impl Service {
    /// The one document that both discoveries serve: RFC 8414 §2 lets it have members of others.
    ///
    /// `RS256` is named once a key for it was imported; `OpenID` Connect asks every server for it, and this one makes no RSA
    /// keys (docs/standards.md).
    ///
    /// # Errors
    /// `temporarily_unavailable` when the store does not answer.
    pub async fn metadata(&self) -> Result<Value, OAuthError> {
        let at = |path: &str| format!("{}{path}", self.origin());
        let mut algs = vec![Alg::Es256.as_str()];
        if self.can_sign(Alg::Rs256).await? {
            algs.push(Alg::Rs256.as_str());
        }
        let by_secret = ["client_secret_basic", "client_secret_post"];
        let by_any = ["client_secret_basic", "client_secret_post", "none"];
        Ok(json!({
            "issuer": self.origin().as_str(),
            "authorization_endpoint": at("/oauth/authorize"),
            "pushed_authorization_request_endpoint": at("/oauth/par"),
            "device_authorization_endpoint": at("/oauth/device-authorization"),
            "token_endpoint": at("/oauth/token"),
            "userinfo_endpoint": at("/oauth/userinfo"),
            "end_session_endpoint": at("/oauth/end-session"),
            "jwks_uri": at("/oauth/jwks"),
            "introspection_endpoint": at("/oauth/introspect"),
            "revocation_endpoint": at("/oauth/revoke"),
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algs,
            "token_endpoint_auth_methods_supported": by_any,
            "introspection_endpoint_auth_methods_supported": by_secret,
            "revocation_endpoint_auth_methods_supported": by_any,
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": [Alg::Es256.as_str()],
            "authorization_response_iss_parameter_supported": true,
            "acr_values_supported": [ACR_APPROVED, ACR_VERIFIED],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "claim_types_supported": ["normal"],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
                "preferred_username", "name", "email", "email_verified", "groups",
            ],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "require_pushed_authorization_requests": false,
        }))
    }
}
