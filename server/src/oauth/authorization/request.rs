//! What an authorization request must look like, judged without looking at anything else.

use protocol::encoding::array_from_base64url;
use protocol::hole;
use protocol::key::Thumbprint;

use super::transaction::Prompt;
use crate::oauth::discovery::{ACR_APPROVED, ACR_VERIFIED};
use crate::oauth::parameters::{Parameters, Repeated};
use crate::oauth::{ErrorCode, OAuthError};

/// Longest `state`, in bytes: it travels in addresses, back and forth.
pub const STATE_LENGTH_MAX: usize = 2_048;
/// Longest `nonce`, in bytes.
pub const NONCE_LENGTH_MAX: usize = 512;
/// Longest `scope`, in bytes.
pub const SCOPE_LENGTH_MAX: usize = 1_024;

/// What a request asks for that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Scopes, in their order, each once; `openid` when none was named.
    pub scopes: Vec<String>,
    /// Comes back in the ID token (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<String>,
    /// `code_challenge` by S256 (RFC 7636 §4.3).
    pub challenge: String,
    /// What may be shown, and what has to be.
    pub prompt: Prompt,
    /// Longest time since the person signed in, in seconds.
    pub max_age_s: Option<u32>,
    /// The client would have the person verified (`acr_values`).
    pub verified: bool,
    /// The key that its tokens will be bound to (RFC 9449 §10).
    pub dpop: Option<Thumbprint>,
}

/// The `state` of a request, which goes back with every answer (RFC 6749 §4.1.2.1). One that cannot be read is left out and
/// refused by [`asked`].
pub fn state(parameters: &Parameters) -> Option<&str> {
    parameters.one("state").ok().flatten().filter(|state| is_state(state))
}

/// Reads what a request asks for; client and `redirect_uri` were judged before.
///
/// # Errors
/// The error that goes back to the client, by RFC 6749 §4.1.2.1, RFC 7636 §4.4.1 and OpenID Connect Core §3.1.2.6.
pub fn asked(parameters: &Parameters) -> Result<Asked, OAuthError> {
    if one(parameters, "state", "state came twice")?.is_some_and(|state| !is_state(state)) {
        return Err(invalid("state must be up to 2048 visible ASCII characters"));
    }
    refuse_objects(parameters)?;
    match one(parameters, "response_type", "response_type came twice")? {
        Some("code") => {}
        Some(_) => {
            let only = "The only response_type here is code";
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, only));
        }
        None => return Err(invalid("response_type is missing; send code")),
    }
    if one(parameters, "response_mode", "response_mode came twice")?.is_some_and(|mode| mode != "query") {
        return Err(invalid("The only response_mode here is query"));
    }
    let scopes = scopes(one(parameters, "scope", "scope came twice")?)?;
    let challenge = challenge(parameters)?;
    let nonce = one(parameters, "nonce", "nonce came twice")?;
    if nonce.is_some_and(|nonce| nonce.len() > NONCE_LENGTH_MAX) {
        return Err(invalid("nonce must be up to 512 bytes"));
    }
    let max_age = one(parameters, "max_age", "max_age came twice")?;
    let acr_values = one(parameters, "acr_values", "acr_values came twice")?.unwrap_or_default();
    let dpop = one(parameters, "dpop_jkt", "dpop_jkt came twice")?;
    // Read elsewhere; which one is meant cannot be told here either.
    one(parameters, "id_token_hint", "id_token_hint came twice")?;
    Ok(Asked {
        scopes,
        nonce: nonce.map(str::to_owned),
        challenge,
        prompt: prompt(one(parameters, "prompt", "prompt came twice")?)?,
        max_age_s: max_age.map(seconds).transpose()?,
        // In order of preference (OpenID Connect Core §3.1.2.1): a client that takes either gets what is there.
        verified: acr_values.split(' ').find(|acr| [ACR_APPROVED, ACR_VERIFIED].contains(acr))
            == Some(ACR_VERIFIED),
        dpop: dpop.map(thumbprint).transpose()?,
    })
}

/// OpenID Connect Core §3.1.2.6: what is not taken has an error of its own.
fn refuse_objects(parameters: &Parameters) -> Result<(), OAuthError> {
    let refusals = [
        ("request", ErrorCode::RequestNotSupported, "Send the parameters themselves instead of request"),
        ("request_uri", ErrorCode::RequestUriNotSupported, "Send the parameters instead of request_uri"),
        ("registration", ErrorCode::RegistrationNotSupported, "Clients are made by the operator"),
    ];
    match refusals.into_iter().find(|(name, _, _)| parameters.one(name) != Ok(None)) {
        Some((_, code, description)) => Err(OAuthError::new(code, description)),
        None => Ok(()),
    }
}

fn scopes(text: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let text = text.unwrap_or("openid");
    let mut scopes: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_scope =
            !word.is_empty() && word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !is_scope || text.len() > SCOPE_LENGTH_MAX {
            let form = "scope must be words of visible ASCII with single spaces between them";
            return Err(OAuthError::new(ErrorCode::InvalidScope, form));
        }
        if !scopes.iter().any(|known| known == word) {
            scopes.push(word.to_owned());
        }
    }
    Ok(scopes)
}

/// RFC 7636 §4.3: without a method it would be `plain`, which is not taken; RFC 9700 §2.1.1 asks for S256 of everybody.
fn challenge(parameters: &Parameters) -> Result<String, OAuthError> {
    let challenge = one(parameters, "code_challenge", "code_challenge came twice")?;
    let method = one(parameters, "code_challenge_method", "code_challenge_method came twice")?;
    let challenge = challenge.ok_or(invalid("code_challenge is missing; send one by S256"))?;
    if method != Some("S256") && !hole!("challenge_method") {
        return Err(invalid("The only code_challenge_method here is S256"));
    }
    match array_from_base64url::<32>(challenge) {
        Some(_) => Ok(challenge.to_owned()),
        None => Err(invalid("code_challenge must be 43 characters of base64url, a SHA-256")),
    }
}

fn prompt(text: Option<&str>) -> Result<Prompt, OAuthError> {
    let mut asked = Prompt::Any;
    for word in text.unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
        let next = match word {
            "none" => Prompt::None,
            // One approval is all of them: the person chooses the account with it, and agrees.
            "login" | "select_account" | "consent" => Prompt::Fresh,
            _ => return Err(invalid("prompt must be none, login, consent or select_account")),
        };
        asked = match (asked, next) {
            (Prompt::Any, next) => next,
            (Prompt::None, Prompt::None) => Prompt::None,
            (Prompt::Fresh, Prompt::Fresh) => Prompt::Fresh,
            (Prompt::None | Prompt::Fresh, _) => {
                return Err(invalid("prompt is none or something else, not both"));
            }
        };
    }
    Ok(asked)
}

fn seconds(text: &str) -> Result<u32, OAuthError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A longer time than a number holds is as good as the longest.
    if digits { Ok(text.parse().unwrap_or(u32::MAX)) } else { Err(invalid("max_age must be whole seconds")) }
}

fn thumbprint(text: &str) -> Result<Thumbprint, OAuthError> {
    Thumbprint::parse(text).ok_or(invalid("dpop_jkt must be the SHA-256 thumbprint of a key"))
}

fn one<'a>(
    parameters: &'a Parameters,
    name: &str,
    repeated: &'static str,
) -> Result<Option<&'a str>, OAuthError> {
    parameters.one(name).map_err(|Repeated| invalid(repeated))
}

const fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

/// RFC 6749 appendix A.5.
fn is_state(text: &str) -> bool {
    text.len() <= STATE_LENGTH_MAX && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// A good request with one parameter replaced; an empty value takes it away.
    fn with(name: &str, value: &str) -> Result<Asked, OAuthError> {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", "site"),
            ("redirect_uri", "https://site.example/cb"),
            ("scope", "openid profile"),
            ("state", "af0ifjsldkj"),
            ("nonce", "n-0S6_WzA2Mj"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        asked(&read(&pairs))
    }

    fn read(pairs: &[(&str, &str)]) -> Parameters {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Parameters::read(query.as_bytes())
    }

    fn code(result: Result<Asked, OAuthError>) -> &'static str {
        result.map_or_else(|error| error.code.as_str(), |_| "good")
    }

    #[test]
    fn a_good_request_is_read() {
        let asked = with("x", "ignored").unwrap();
        assert_eq!(asked.scopes, ["openid", "profile"]);
        assert_eq!(asked.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
        assert_eq!((asked.challenge.as_str(), asked.prompt), (CHALLENGE, Prompt::Any));
        assert_eq!((asked.max_age_s, asked.verified, asked.dpop), (None, false, None));
    }

    /// RFC 6749 §4.1.2.1, RFC 7636 §4.4.1, OpenID Connect Core §3.1.2.6.
    #[test]
    fn each_wrong_parameter_gets_the_error_that_the_standard_names() {
        let long_state = "s".repeat(STATE_LENGTH_MAX + 1);
        let long_nonce = "n".repeat(NONCE_LENGTH_MAX + 1);
        let long_scope = format!("openid {}", "a".repeat(SCOPE_LENGTH_MAX));
        for (name, value, expected) in [
            ("response_type", "", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "id_token", "unsupported_response_type"),
            ("response_type", "code id_token", "unsupported_response_type"),
            ("response_type", "CODE", "unsupported_response_type"),
            ("response_mode", "query", "good"),
            ("response_mode", "fragment", "invalid_request"),
            ("response_mode", "form_post", "invalid_request"),
            ("scope", "", "good"),
            ("scope", "openid  profile", "invalid_scope"),
            ("scope", " openid", "invalid_scope"),
            ("scope", "open\"id", "invalid_scope"),
            ("scope", "open\\id", "invalid_scope"),
            ("scope", "größe", "invalid_scope"),
            ("scope", "a\tb", "invalid_scope"),
            ("scope", &long_scope, "invalid_scope"),
            ("state", "", "good"),
            ("state", "a b~", "good"),
            ("state", "line\nbreak", "invalid_request"),
            ("state", "ä", "invalid_request"),
            ("state", &long_state, "invalid_request"),
            ("state", &long_state[1..], "good"),
            ("nonce", "", "good"),
            ("nonce", &long_nonce, "invalid_request"),
            ("nonce", &long_nonce[1..], "good"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("code_challenge", &CHALLENGE.repeat(2), "invalid_request"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=", "invalid_request"),
            ("code_challenge_method", "", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge_method", "s256", "invalid_request"),
            ("prompt", "none", "good"),
            ("prompt", "none none", "good"),
            ("prompt", "none login", "invalid_request"),
            ("prompt", "consent none", "invalid_request"),
            ("prompt", "create", "invalid_request"),
            ("prompt", "LOGIN", "invalid_request"),
            ("max_age", "0", "good"),
            ("max_age", "99999999999999999999", "good"),
            ("max_age", "-1", "invalid_request"),
            ("max_age", "1.5", "invalid_request"),
            ("max_age", "+5", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
            ("dpop_jkt", CHALLENGE, "good"),
            ("dpop_jkt", "x", "invalid_request"),
            ("acr_values", "0", "good"),
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
            ("request_uri", "https://site.example/request", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
            ("claims", "{}", "good"),
            ("display", "popup", "good"),
            ("ui_locales", "de", "good"),
            ("login_hint", "ada", "good"),
            ("unknown", "x", "good"),
        ] {
            assert_eq!(code(with(name, value)), expected, "{name}={value}");
        }
    }

    /// RFC 6749 §3.1: request parameters must not come more than once.
    #[test]
    fn a_parameter_that_comes_twice_is_refused_and_an_unknown_one_is_not() {
        for name in [
            "state",
            "response_type",
            "response_mode",
            "scope",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "max_age",
            "acr_values",
            "dpop_jkt",
            "id_token_hint",
        ] {
            let mut pairs = vec![
                ("response_type", "code"),
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            pairs.retain(|(known, _)| *known != name);
            pairs.extend([(name, "code"), (name, "code")]);
            assert_eq!(code(asked(&read(&pairs))), "invalid_request", "{name}");
        }
        let pairs = [
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", "https://a.example"),
            ("resource", "https://b.example"),
        ];
        assert_eq!(code(asked(&read(&pairs))), "good");
        let twice = [("request", "a"), ("request", "b"), ("response_type", "code")];
        assert_eq!(code(asked(&read(&twice))), "request_not_supported");
    }

    #[test]
    fn a_state_that_cannot_be_read_does_not_go_back() {
        assert_eq!(state(&read(&[("state", "xyz")])), Some("xyz"));
        assert_eq!(state(&read(&[("state", "a"), ("state", "a")])), None);
        assert_eq!(state(&read(&[("state", "a\r\nLocation: x")])), None);
        assert_eq!(state(&read(&[])), None);
    }

    #[test]
    fn prompts_combine_to_what_is_shown() {
        for (text, prompt) in [
            ("login", Prompt::Fresh),
            ("consent", Prompt::Fresh),
            ("select_account", Prompt::Fresh),
            ("login consent", Prompt::Fresh),
            ("consent login", Prompt::Fresh),
            ("consent consent", Prompt::Fresh),
            ("none", Prompt::None),
        ] {
            assert_eq!(with("prompt", text).unwrap().prompt, prompt, "{text}");
        }
    }

    #[test]
    fn scopes_are_kept_in_order_and_once() {
        assert_eq!(with("scope", "email openid email").unwrap().scopes, ["email", "openid"]);
        assert_eq!(with("scope", "").unwrap().scopes, ["openid"]);
        assert_eq!(with("scope", "api:read https://api.example/x").unwrap().scopes.len(), 2);
    }

    #[test]
    fn the_preferred_acr_that_is_known_counts() {
        for (text, verified) in [
            (ACR_VERIFIED, true),
            (ACR_APPROVED, false),
            (&format!("{ACR_VERIFIED} {ACR_APPROVED}"), true),
            (&format!("{ACR_APPROVED} {ACR_VERIFIED}"), false),
            (&format!("phr {ACR_VERIFIED}"), true),
            ("phr", false),
        ] {
            assert_eq!(with("acr_values", text).unwrap().verified, verified, "{text}");
        }
    }
}
