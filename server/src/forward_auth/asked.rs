//! What a proxy says about the call that it asks for.

use http::{HeaderMap, Method};
use protocol::hole;
use protocol::origin::Origin;
use url::Url;

/// The call behind a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Host and port that the browser called, as browsers write them.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Whether a redirect would reach a person: a page is opened, and the proxy passes our answer on.
    pub leads: bool,
}

/// Reads it: `X-Original-URL` (nginx), else `X-Forwarded-Proto`, `-Host`, `-Uri` and `-Method` (Caddy, Traefik). `None` for
/// a call without them, or with one that is no address; also where both ways name different hosts: then one of them is the
/// client's own word, which its proxy let pass.
///
/// Whoever writes these headers without a proxy asks about a cookie of their own, and learns nothing else.
pub fn asked(headers: &HeaderMap) -> Option<Asked> {
    if let Some(url) = one(headers, "x-original-url") {
        let url = Url::parse(url).ok()?;
        let (host, path) = parts(&url)?;
        if headers.contains_key("x-forwarded-host") {
            let forwarded = one(headers, "x-forwarded-host")?;
            let (other, _) = parts(&Url::parse(&format!("{}://{forwarded}/", url.scheme())).ok()?)?;
            if other != host && !hole!("guarded_word") {
                return None;
            }
        }
        // auth_request knows 2xx, 401 and 403 alone.
        return Some(Asked { host, path, leads: false });
    }
    let (scheme, host) = (one(headers, "x-forwarded-proto")?, one(headers, "x-forwarded-host")?);
    let path = one(headers, "x-forwarded-uri").unwrap_or("/");
    if !path.starts_with('/') {
        return None;
    }
    let (host, path) = parts(&Url::parse(&format!("{scheme}://{host}{path}")).ok()?)?;
    let method = one(headers, "x-forwarded-method").unwrap_or("GET");
    let leads = method == Method::GET.as_str() && is_navigation(headers);
    Some(Asked { host, path, leads })
}

/// The host that a call to `/.countersign/` came for, and the address that it had before a proxy sent it there.
pub(crate) fn called(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    if let Some(asked) = one(headers, "x-original-url").and_then(|_| asked(headers)) {
        return Some((asked.host, Some(asked.path)));
    }
    let host = one(headers, "x-forwarded-host").or_else(|| one(headers, "host"))?;
    let scheme = one(headers, "x-forwarded-proto").unwrap_or("https");
    let (host, _) = parts(&Url::parse(&format!("{scheme}://{host}/")).ok()?)?;
    Some((host, None))
}

/// Whether a browser opens a page: by what it says itself (Fetch metadata), else by what it accepts.
pub(crate) fn is_navigation(headers: &HeaderMap) -> bool {
    if headers.contains_key("upgrade") {
        return false;
    }
    match one(headers, "sec-fetch-mode") {
        Some(mode) => {
            mode == "navigate" && one(headers, "sec-fetch-dest").is_none_or(|dest| dest == "document")
        }
        None => one(headers, "accept").is_some_and(|kinds| kinds.contains("text/html")),
    }
}

fn parts(url: &Url) -> Option<(String, String)> {
    // A default port is left out by `Url`, as browsers do.
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let is_plain =
        url.username().is_empty() && url.password().is_none() && ["http", "https"].contains(&url.scheme());
    is_plain.then(|| (host, url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()))
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    line.to_str().ok().filter(|text| !text.is_empty())
}

/// The address that starts a sign-in at a host for this path.
pub(crate) fn start_at(host: &Origin, path: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{host}{}?{}", super::START, query.append_pair("rd", path).finish())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

    #[test]
    fn nginx_names_the_whole_address() {
        let read =
            asked(&headers(&[("x-original-url", "https://files.example.com:443/a?b=c&d#e"), HTML])).unwrap();
        assert_eq!(read, Asked { host: "files.example.com".into(), path: "/a?b=c&d".into(), leads: false });
        let read = asked(&headers(&[("x-original-url", "http://127.0.0.1:8090/")])).unwrap();
        assert_eq!(read.host, "127.0.0.1:8090");
    }

    #[test]
    fn caddy_and_traefik_name_its_parts_and_lead_pages_on() {
        let parts = |more: &[(&'static str, &str)]| {
            let lines = [
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "files.example.com:8443"),
                ("x-forwarded-uri", "/a?b=c"),
            ];
            asked(&headers(&[&lines[..], more].concat())).unwrap()
        };
        let page = parts(&[("x-forwarded-method", "GET"), HTML]);
        assert_eq!(page, Asked { host: "files.example.com:8443".into(), path: "/a?b=c".into(), leads: true });
        for (more, leads) in [
            (&[("x-forwarded-method", "POST"), HTML][..], false),
            (&[("accept", "application/json")], false),
            (&[("accept", "*/*")], false),
            (&[], false),
            (&[HTML, ("sec-fetch-mode", "cors")], false),
            (&[HTML, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], true),
            (&[HTML, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")], false),
            (&[HTML, ("upgrade", "websocket")], false),
        ] {
            assert_eq!(parts(more).leads, leads, "{more:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_no_call() {
        for lines in [
            &[][..],
            &[("x-original-url", "/a")],
            &[("x-original-url", "https://files.example.com/"), ("x-forwarded-host", "wiki.example.com")],
            &[("x-original-url", "javascript:alert(1)")],
            &[("x-original-url", "https://ada@files.example.com/")],
            &[("x-forwarded-host", "files.example.com")],
            &[("x-forwarded-proto", "https"), ("x-forwarded-host", "a"), ("x-forwarded-uri", "@b/")],
            &[("x-forwarded-proto", "https"), ("x-forwarded-host", "a"), ("x-forwarded-host", "b")],
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in lines {
                map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(asked(&map), None, "{lines:?}");
        }
        // One that hides behind another one's name is what a browser makes of it.
        let read =
            asked(&headers(&[("x-original-url", "https://files.example.com\\@evil.example/")])).unwrap();
        assert_eq!(read.host, "files.example.com");
    }

    #[test]
    fn a_start_keeps_what_the_path_holds() {
        let host = Origin::parse("https://files.example.com").unwrap();
        assert_eq!(
            start_at(&host, "/a?b=c&d=//e"),
            "https://files.example.com/.countersign/start?rd=%2Fa%3Fb%3Dc%26d%3D%2F%2Fe"
        );
    }
}
