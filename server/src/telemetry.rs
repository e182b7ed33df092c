//! Spans of calls for an OpenTelemetry collector, by OTLP over HTTP. Off unless the setting names one, and then no call does
//! anything for it.
//!
//! A span says what a log line says: method, route, status, the id of its lines. No address, header, name or id of a person's
//! things is in it. Spans wait in a bounded queue and are dropped when it is full, so that a collector that is slow or gone
//! holds up nothing; that it is gone is told once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use tracing::{info, warn};
use url::Url;

use crate::causes;
use crate::config::{Network, Settings};

/// What the collector calls this server by default, and the scope of its spans.
const NAME: &str = "countersign-server";
/// Longest time that the collector may take for a batch.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// Longest time that the end of the process waits for the last batch.
const END_LIMIT: Duration = Duration::from_secs(3);

/// Makes spans and sends them.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
    /// Whose word about the trace that a call belongs to counts.
    proxies: Vec<Network>,
}

/// A call that is being answered.
#[derive(Debug)]
pub struct CallSpan(Span);

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// No HTTP client.
    #[error("could not prepare to send spans")]
    Client(#[source] reqwest::Error),
    /// A variable of OpenTelemetry that makes no sense.
    #[error(
        "could not prepare to send spans to {endpoint} (setting telemetry.otlp_endpoint, variables OTEL_*)"
    )]
    Exporter {
        /// Where.
        endpoint: Url,
        /// Why.
        #[source]
        source: ExporterBuildError,
    },
}

/// The address for spans at this endpoint (OTLP specification, "Endpoint URLs for OTLP/HTTP"); `None` unless it is http or
/// https with a host and without a password.
pub fn endpoint(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(["v1", "traces"]);
    Some(url)
}

impl Telemetry {
    /// What the settings ask for; `None` when they name no endpoint. Sends from the runtime that it is called in.
    ///
    /// # Errors
    /// [`TelemetryError`]; whether the collector answers shows later.
    pub fn start(settings: &Settings) -> Result<Option<Self>, TelemetryError> {
        let Some(endpoint) = settings.telemetry.otlp_endpoint.as_deref().and_then(endpoint) else {
            return Ok(None);
        };
        let client = reqwest::Client::builder()
            .timeout(SEND_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(TelemetryError::Client)?;
        let carrier =
            Carrier { client, runtime: tokio::runtime::Handle::current(), is_lost: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(carrier)
            .with_endpoint(endpoint.as_str())
            .build()
            .map_err(|source| TelemetryError::Exporter { endpoint: endpoint.clone(), source })?;
        let name = settings.telemetry.service_name.clone().unwrap_or_else(|| NAME.to_owned());
        let resource = Resource::builder()
            .with_service_name(name)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        info!(%endpoint, "Spans of calls go to a collector");
        Ok(Some(Self {
            tracer: provider.tracer(NAME),
            provider,
            propagator: TraceContextPropagator::new(),
            proxies: settings.proxies.trusted.clone(),
        }))
    }

    /// Begins the span of a call. Only a listed proxy may say which trace it belongs to (W3C Trace Context): anybody else could
    /// fill other people's traces.
    pub fn begin(
        &self,
        method: &str,
        route: &str,
        peer: Option<SocketAddr>,
        headers: &HeaderMap,
    ) -> CallSpan {
        let is_listed = peer.is_some_and(|peer| {
            let ip = peer.ip().to_canonical();
            self.proxies.iter().any(|network| network.contains(ip))
        });
        let parent = if is_listed {
            self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers))
        } else {
            Context::new()
        };
        let span = self
            .tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method.to_owned()),
                KeyValue::new("http.route", route.to_owned()),
            ])
            .start_with_context(&self.tracer, &parent);
        CallSpan(span)
    }

    /// Sends what waits, for a moment.
    pub async fn end(&self) {
        let provider = self.provider.clone();
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(END_LIMIT)).await;
        if !matches!(ended, Ok(Ok(()))) {
            info!("The last spans did not reach the collector");
        }
    }
}

impl CallSpan {
    /// Ends the span with what was answered; `id` is that of the log lines.
    pub fn end(mut self, status: StatusCode, id: &str) {
        self.0.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        self.0.set_attribute(KeyValue::new("countersign.call.id", id.to_owned()));
        if status.is_server_error() {
            self.0.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}

/// A method's name in a span: made-up ones share one (OpenTelemetry, "HTTP spans").
pub fn method_name(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "_OTHER",
    }
}

/// Carries batches to the collector on our runtime, since they are made on a thread that has none.
struct Carrier {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    /// Whether it was told that the collector is lost.
    is_lost: AtomicBool,
}

#[async_trait]
impl HttpClient for Carrier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let call = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let sent = async move {
            let answer = call.send().await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(wait) = answer.headers().get("retry-after") {
                response = response.header("retry-after", wait);
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        };
        let answer = self.runtime.spawn(sent).await.map_err(HttpError::from).flatten();
        match &answer {
            Ok(response) if response.status().is_success() => {
                if self.is_lost.swap(false, Ordering::Relaxed) {
                    info!("The collector takes spans again");
                }
            }
            refused => {
                if !self.is_lost.swap(true, Ordering::Relaxed) {
                    let error = match refused {
                        Ok(response) => response.status().to_string(),
                        Err(error) => causes::told(&**error),
                    };
                    warn!(
                        error,
                        "The collector takes no spans; they are dropped until it does, and this is not told again"
                    );
                }
            }
        }
        answer
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_to_the_path_of_the_specification() {
        for (text, whole) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example.com/tenant/", "https://otel.example.com/tenant/v1/traces"),
        ] {
            assert_eq!(endpoint(text).map(String::from).as_deref(), Some(whole));
        }
    }

    #[test]
    fn other_words_and_passwords_are_no_endpoint() {
        for text in [
            "",
            "collector:4317",
            "grpc://collector:4317",
            "http://ada:word@collector",
            "http://collector?key=1",
        ] {
            assert_eq!(endpoint(text), None, "{text}");
        }
    }

    #[test]
    fn without_an_endpoint_nothing_is_started() {
        assert!(Telemetry::start(&Settings::in_memory()).unwrap().is_none());
    }
}
