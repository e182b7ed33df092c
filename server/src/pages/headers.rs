//! What browsers are told about every answer of this server.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use protocol::origin::Origin;

/// For answers that are no pages: nothing may be loaded or framed.
const CLOSED_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

/// Own files only, no inline script or style, never in a frame. The socket is named beside 'self', because older Safari
/// does not count it in.
pub(super) fn page_policy(origin: &Origin) -> HeaderValue {
    policy(origin, "'none'")
}

/// As [`page_policy`], for a page whose form is sent here and may be led on to `target`.
pub(super) fn form_policy(origin: &Origin, target: Option<&Origin>) -> HeaderValue {
    policy(origin, &target.map_or_else(|| "'self'".to_owned(), |target| format!("'self' {target}")))
}

fn policy(origin: &Origin, form_action: &str) -> HeaderValue {
    let socket = origin.as_str().replacen("http", "ws", 1);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self' {socket}; manifest-src 'self'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::try_from(policy).expect("an origin is ASCII without control characters")
}

/// Adds the security headers to every answer of `router` that does not set them itself.
pub fn secure(router: Router, origin: &Origin) -> Router {
    let https = origin.is_https();
    router.layer(from_fn(move |request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        let fixed: [(HeaderName, HeaderValue); 7] = [
            (header::CONTENT_SECURITY_POLICY, CLOSED_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
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
        if https {
            // Two years; no includeSubDomains, since the neighbours' hosts are not this server's to decide.
            let strict = HeaderValue::from_static("max-age=63072000");
            headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(strict);
        }
        response
    }))
}
