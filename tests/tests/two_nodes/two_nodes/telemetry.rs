//! Spans of calls, as a collector receives them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use e2e::patience;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::site::Site;
use crate::client::Page;

/// A trace that another program began.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Takes spans in.
#[derive(Clone, Default)]
struct Collector {
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    /// One that listens, with its address.
    async fn start() -> Result<(Self, String)> {
        let collector = Self::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((collector, address))
    }

    /// All bytes that came.
    fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().expect("no test panics while it holds the bodies").concat()
    }

    /// All spans that came, with the name of the service that made them.
    fn spans(&self) -> Result<Vec<(String, Span)>> {
        let bodies = self.bodies.lock().expect("no test panics while it holds the bodies").clone();
        let mut spans = Vec::new();
        for body in bodies {
            for resource in ExportTraceServiceRequest::decode(body)?.resource_spans {
                let attributes = resource.resource.unwrap_or_default().attributes;
                let name = attributes.iter().find(|pair| pair.key == "service.name");
                let service = format!("{:?}", name.and_then(|pair| pair.value.clone()));
                let of_service = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(of_service.map(|span| (service.clone(), span)));
            }
        }
        Ok(spans)
    }

    /// Waits for a span of this name; all that came by then.
    async fn until(&self, name: &str) -> Result<Vec<(String, Span)>> {
        patience::until(&format!("the span {name}"), async || {
            let spans = self.spans()?;
            Ok(spans.iter().any(|(_, span)| span.name == name).then_some(spans))
        })
        .await
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    collector.bodies.lock().expect("no test panics while it holds the bodies").push(body);
    StatusCode::OK
}

/// A site whose nodes send spans to `endpoint`, soon.
async fn site_that_tells(endpoint: &str, more: &[(&str, &str)]) -> Result<Site> {
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_SERVICE_NAME", "login of a test"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    Site::with(&[&own, more].concat()).await
}

#[tokio::test]
async fn a_login_is_seen_call_by_call_and_holds_no_secret() -> Result<()> {
    let (collector, endpoint) = Collector::start().await?;
    let site = site_that_tells(&endpoint, &[]).await?;
    let mut page = Page::start(&site.a.http()?).await?;
    let frame = page.code().await?;
    let scan = site.device_at_b()?.approve(&page).await?;
    let token = page.sign_in().await?.cookie("-session")?.value;
    page.whoami().await?.is(200)?;

    let wanted = [
        ("POST /api/login-requests", 201),
        ("POST /api/scans", 201),
        ("POST /api/decisions", 204),
        ("POST /api/login-requests/{id}/session", 201),
        ("GET /api/session", 200),
    ];
    for (name, status) in wanted {
        let spans = collector.until(name).await?;
        let (service, span) = spans.iter().find(|(_, span)| span.name == name).context("no span")?;
        ensure!(service.contains("login of a test"), "{service}");
        let said = format!("{:?}", span.attributes);
        let id = span.attributes.iter().any(|pair| pair.key == "countersign.call.id");
        ensure!(id && said.contains(&format!("IntValue({status})")), "{name}: {said}");
        ensure!(span.parent_span_id.is_empty() && span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let bytes = collector.bytes();
    let cookies = page.jar.header();
    let secrets = cookies.split("; ").filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    for word in secrets.chain([&*frame, &token, &scan.ticket, &page.id, "ada", "127.0.0.1"]) {
        let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        ensure!(!found, "a span holds {word}");
    }
    Ok(())
}

#[tokio::test]
async fn the_trace_of_a_caller_counts_when_it_is_a_listed_proxy_alone() -> Result<()> {
    for (trusted, counts) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let (collector, endpoint) = Collector::start().await?;
        let site = site_that_tells(&endpoint, &[("COUNTERSIGN_PROXIES_TRUSTED", trusted)]).await?;
        let http = site.a.http()?;
        http.call("GET", "/api/session").header("traceparent", PARENT).send().await?.is(401)?;
        let spans = collector.until("GET /api/session").await?;
        let (_, span) = spans.iter().find(|(_, span)| span.name == "GET /api/session").context("no span")?;
        let trace = data_encoding::HEXLOWER.encode(&span.trace_id);
        ensure!((trace == TRACE) == counts, "{trusted}: the span is of {trace}");
        ensure!(span.parent_span_id.is_empty() != counts, "{trusted}: {:?}", span.parent_span_id);
    }
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_nothing_and_is_told_once() -> Result<()> {
    // A port that was free a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut site = site_that_tells(&format!("http://{gone}"), &[]).await?;
    let told = "The collector takes no spans";
    for _ in 0..3 {
        site.signed_in().await?.whoami().await?.is(200)?;
        patience::until("word of the collector", async || Ok(site.a.log()?.contains(told).then_some(())))
            .await?;
    }
    ensure!(site.a.log()?.matches(told).count() == 1, "{}", site.a.log()?);
    site.a.leave()?;
    let ended = tokio::time::timeout(Duration::from_mins(5), site.a.left()).await??;
    ensure!(ended.success(), "the node ended with {ended}");
    Ok(())
}
