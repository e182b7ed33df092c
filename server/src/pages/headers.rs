//! What browsers are told about every answer of this server.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use protocol::origin::Origin;

/// Whose pages may hold an answer in a frame; on an answer without it, nobody's.
#[derive(Clone, Debug)]
pub(crate) struct FramedBy(String);

impl FramedBy {
    pub(crate) fn new(origins: &[Origin]) -> Self {
        Self(origins.iter().map(Origin::as_str).collect::<Vec<_>>().join(" "))
    }

    /// The origins, with spaces between them.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As `frame-ancestors` has it.
    fn ancestors(&self) -> &str {
        if self.0.is_empty() { "'none'" } else { &self.0 }
    }
}

/// For answers that are no pages: nothing may be loaded.
fn closed_policy(framed_by: &FramedBy) -> HeaderValue {
    header_of(&format!("default-src 'none'; frame-ancestors {}; sandbox", framed_by.ancestors()))
}

/// Own files only, no inline script or style, in no frame but those. The socket is named beside 'self', because older Safari
/// does not count it in.
pub(super) fn page_policy(origin: &Origin, framed_by: &FramedBy) -> HeaderValue {
    policy(origin, "'none'", framed_by)
}

/// As [`page_policy`], never in a frame, for a page whose form is sent here and may be led on to `target`.
pub(super) fn form_policy(origin: &Origin, target: Option<&Origin>) -> HeaderValue {
    let form_action = target.map_or_else(|| "'self'".to_owned(), |target| format!("'self' {target}"));
    policy(origin, &form_action, &FramedBy::new(&[]))
}

fn policy(origin: &Origin, form_action: &str, framed_by: &FramedBy) -> HeaderValue {
    let socket = origin.as_str().replacen("http", "ws", 1);
    let ancestors = framed_by.ancestors();
    header_of(&format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self' {socket}; manifest-src 'self'; base-uri 'none'; form-action {form_action}; \
         frame-ancestors {ancestors}; require-trusted-types-for 'script'; trusted-types 'none'"
    ))
}

fn header_of(policy: &str) -> HeaderValue {
    HeaderValue::try_from(policy).expect("an origin is ASCII without control characters")
}

/// Adds the security headers to every answer of `router` that does not set them itself.
pub fn secure(router: Router, origin: &Origin) -> Router {
    let https = origin.is_https();
    router.layer(from_fn(move |request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        let framed_by = response.extensions_mut().remove().unwrap_or_else(|| FramedBy::new(&[]));
        let headers = response.headers_mut();
        let fixed: [(HeaderName, HeaderValue); 6] = [
            (header::CONTENT_SECURITY_POLICY, closed_policy(&framed_by)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
            (
                HeaderName::from_static("permissions-policy"),
                HeaderValue::from_static(
                    "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), payment=(), browsing-topics=()",
                ),
            ),
        ];
        for (name, value) in fixed {
            headers.entry(name).or_insert(value);
        }
        // For browsers that do not know `frame-ancestors`; it has no word for some sites.
        if framed_by.as_str().is_empty() {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        }
        if https {
            // Two years; no includeSubDomains, since the neighbours' hosts are not this server's to decide.
            let strict = HeaderValue::from_static("max-age=63072000");
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(strict);
        }
        response
    }))
}
