//! Pages of the front channel: what may not go back to a site, and the question before a sign-out.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use protocol::origin::Origin;

use super::headers::FramedBy;
use super::language::Language;
use super::template::{Slots, Template};
use super::{assets, headers, plain, respond};
use crate::config::Settings;
use crate::oauth::authorization::Refusal;

/// Draws them.
pub(crate) struct FrontPages {
    origin: Origin,
    site_name: String,
    refused: Template,
    sign_out: Template,
}

/// How far a sign-out has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignOut<'a> {
    /// The person is asked; the answer goes on with this.
    Asked(&'a str),
    /// Nobody is signed in (any more).
    Done,
}

const fn word(why: Refusal) -> &'static str {
    match why {
        Refusal::ClientMissing => "client-missing",
        Refusal::ClientUnknown => "client-unknown",
        Refusal::RedirectMissing => "redirect-missing",
        Refusal::RedirectUnknown => "redirect-unknown",
        Refusal::Unreadable => "unreadable",
        Refusal::Over => "over",
    }
}

impl FrontPages {
    pub(crate) fn new(settings: &Settings, origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            site_name: settings.site_name(origin).to_owned(),
            refused: plain("refused.html"),
            sign_out: plain("sign-out.html"),
        }
    }

    /// Says why; `back` is a path of this server that leads back, or empty.
    pub(crate) fn refused(&self, asked: &HeaderMap, reason: Refusal, back: &str) -> Response {
        let slots = Slots { reason: word(reason), onwards: back, ..Slots::default() };
        let policy = headers::page_policy(&self.origin, &FramedBy::new(&[]));
        self.page(&self.refused, StatusCode::BAD_REQUEST, asked, &slots, policy)
    }

    /// Asks before a sign-out, or says that it is done. Browsers judge a form's way on as well, so `target` is named.
    pub(crate) fn sign_out(&self, asked: &HeaderMap, step: SignOut<'_>, target: Option<&Origin>) -> Response {
        let (reason, onwards) = match step {
            SignOut::Asked(onwards) => ("sign-out", onwards),
            SignOut::Done => ("signed-out", ""),
        };
        let slots = Slots { reason, onwards, ..Slots::default() };
        let policy = headers::form_policy(&self.origin, target);
        let mut page = self.page(&self.sign_out, StatusCode::OK, asked, &slots, policy);
        // Without any referrer a browser would not say where the form is from either (Fetch, "append a request Origin header").
        page.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        page
    }

    fn page(
        &self,
        template: &Template,
        status: StatusCode,
        asked: &HeaderMap,
        slots: &Slots<'_>,
        policy: HeaderValue,
    ) -> Response {
        let language = Language::of(asked);
        let body = template.fill(&Slots {
            lang: language.as_str(),
            site_name: &self.site_name,
            origin: self.origin.as_str(),
            ..*slots
        });
        respond(status, language, policy, body)
    }
}

/// Says on a guarded host that nobody signed in there; `again` tries once more.
pub(crate) fn stopped(asked: &HeaderMap, host: &Origin, again: &str) -> Response {
    let language = Language::of(asked);
    let site_name = host.host_and_port();
    let slots = Slots { lang: language.as_str(), site_name, onwards: again, ..Slots::default() };
    let body = Template::of(assets::text("stopped.html")).fill(&slots);
    let policy = headers::page_policy(host, &FramedBy::new(&[]));
    respond(StatusCode::BAD_REQUEST, language, policy, body)
}

/// The style of [`stopped`], on the host itself.
pub(crate) fn style(asked: &HeaderMap) -> Response {
    assets::serve("app.css", asked)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn read(response: Response) -> (StatusCode, HeaderMap, String) {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    fn pages() -> FrontPages {
        let mut settings = Settings::in_memory();
        settings.name = Some("<b>Ada</b> \"&".to_owned());
        FrontPages::new(&settings, &Origin::parse("https://login.example.com").unwrap())
    }

    #[tokio::test]
    async fn each_refusal_has_its_sentence_in_both_languages() {
        for reason in [
            Refusal::ClientMissing,
            Refusal::ClientUnknown,
            Refusal::RedirectMissing,
            Refusal::RedirectUnknown,
            Refusal::Unreadable,
            Refusal::Over,
        ] {
            let (status, headers, body) = read(pages().refused(&HeaderMap::new(), reason, "")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert!(body.contains(&format!("data-reason=\"{}\"", word(reason))));
            let block = body.split(&format!("class=\"on-{}\"", word(reason))).nth(1).unwrap();
            assert!(block.contains("lang=\"en\"><h1>") && block.contains("lang=\"de\"><h1>"));
            let css = assets::text("app.css");
            let chosen = format!("[data-reason=\"{0}\"] > .on-{0}", word(reason));
            assert!(css.contains(&chosen), "{chosen}");
            assert!(!body.contains("{{") && !body.contains("<b>"), "{body}");
            assert!(
                headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'")
            );
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        }
    }

    #[tokio::test]
    async fn what_leads_onwards_stays_inside_its_attribute() {
        let (_, _, body) = read(pages().refused(&HeaderMap::new(), Refusal::Over, "/x\"><script>")).await;
        assert!(body.contains("href=\"/x&quot;&gt;&lt;script&gt;\""), "{body}");
        let asked = pages().sign_out(&HeaderMap::new(), SignOut::Asked("\"><script>"), None);
        let (_, _, body) = read(asked).await;
        assert!(body.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{body}");
    }

    #[tokio::test]
    async fn the_sign_out_form_may_go_on_to_its_site_alone() {
        let target = Origin::parse("https://site.example").unwrap();
        let asked = pages().sign_out(&HeaderMap::new(), SignOut::Asked("x"), Some(&target));
        let (status, headers, body) = read(asked).await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("data-state=\"sign-out\""));
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("form-action 'self' https://site.example;"), "{policy}");
        let (_, headers, body) = read(pages().sign_out(&HeaderMap::new(), SignOut::Done, None)).await;
        assert!(body.contains("data-state=\"signed-out\""));
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("form-action 'self';"));
    }
}
