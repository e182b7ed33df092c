//! The files of `server/web`, as they were when the server was built.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Name and content of every file that is served.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

struct Asset {
    bytes: &'static [u8],
    kind: &'static str,
    etag: HeaderValue,
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    FILES
        .iter()
        .filter_map(|(name, bytes)| {
            Some((*name, Asset { bytes, kind: kind_of(name)?, etag: etag_of(bytes) }))
        })
        .collect()
});

/// The text of a page.
pub(super) fn text(name: &str) -> &'static str {
    let (_, bytes) =
        FILES.iter().find(|(known, _)| *known == name).expect("the page is a file of server/web");
    std::str::from_utf8(bytes).expect("the files of server/web are UTF-8")
}

/// Whether `/assets/NAME` is one; pages are not.
pub(super) fn is_asset(name: &str) -> bool {
    ASSETS.contains_key(name)
}

/// The asset, or 304 when the browser has it already. Its name is one of ours.
pub(super) fn serve(name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.get(name) else { return StatusCode::NOT_FOUND.into_response() };
    let lasting = [
        (header::ETAG, asset.etag.clone()),
        // Asked for again each time, so that a page never runs with the script of another version.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    let known =
        headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|list| {
            list.split(',')
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == asset.etag || tag == "*")
        });
    if known {
        return (StatusCode::NOT_MODIFIED, lasting).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind))];
    (lasting, kind, asset.bytes).into_response()
}

fn kind_of(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "woff2" => Some("font/woff2"),
        "webmanifest" => Some("application/manifest+json"),
        _ => None,
    }
}

fn etag_of(bytes: &[u8]) -> HeaderValue {
    let hash = protocol::secret::sha256(bytes);
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&hash[..12]));
    HeaderValue::try_from(tag).expect("hexadecimal digits are a header value")
}
