//! Posts spans to a collector: OTLP over HTTP, in JSON.
//!
//! A batch that is not taken is lost; the next one waits, longer each time, and meanwhile the queue
//! is as long as it may be.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Finished, METHOD, ROUTE, STATUS, Spans, Value};

impl Spans {
    /// Posts what is gathered, until it is dropped.
    pub(crate) async fn send(self) {
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build();
        let (Some(mut queued), Ok(http)) = (self.queued(), http) else {
            tracing::error!("spans cannot be sent");
            return;
        };
        let mut pause = GATHER;
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while queued.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let spans = batch.len() as u64;
            let posted = http.post(&self.0.url).json(&request(&batch)).send().await;
            batch.clear();
            match posted.and_then(reqwest::Response::error_for_status) {
                Ok(_) => {
                    self.0.sent.fetch_add(spans, Ordering::Relaxed);
                    pause = GATHER;
                }
                Err(error) => {
                    self.0.dropped.fetch_add(spans, Ordering::Relaxed);
                    if pause == GATHER {
                        let error = error.without_url();
                        tracing::warn!(%error, "the collector takes no spans; trying again");
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
            if queued.len() < BATCH_MAX || pause > GATHER {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// What a collector is posted.
fn request(spans: &[Finished]) -> Json {
    let of_us = [("service.name", "offing-server"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let resource = of_us.map(|(name, text)| attribute(name, &Value::Text(text.to_owned())));
    let spans: Vec<Json> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "offing-server" }, "spans": spans }],
    }] })
}

fn span(Finished { name, begun, took_ns }: &Finished) -> Json {
    let field = |wanted: &str| begun.fields.0.iter().find(|(name, _)| *name == wanted);
    let name = match (field(METHOD), field(ROUTE)) {
        (Some((_, Value::Text(method))), Some((_, Value::Text(route)))) => {
            format!("{method} {route}")
        }
        _ => (*name).to_owned(),
    };
    let failed = matches!(field(STATUS), Some((_, Value::Number(500..))));
    let fields = begun.fields.0.iter();
    json!({
        "traceId": format!("{:032x}", begun.trace),
        "spanId": format!("{:016x}", begun.id),
        "parentSpanId": begun.parent.map(|id| format!("{id:016x}")).unwrap_or_default(),
        "name": name,
        "kind": if begun.parent.is_none() { KIND_SERVER } else { KIND_INTERNAL },
        "startTimeUnixNano": begun.at_ns.to_string(),
        "endTimeUnixNano": (begun.at_ns + took_ns).to_string(),
        "attributes": fields.map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
        "status": { "code": if failed { STATUS_ERROR } else { STATUS_UNSET } },
    })
}

/// Numbers of 64 bits are strings in this JSON.
fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": name, "value": value })
}

const KIND_INTERNAL: u8 = 1;
const KIND_SERVER: u8 = 2;
const STATUS_UNSET: u8 = 0;
const STATUS_ERROR: u8 = 2;
/// Most spans of one request.
const BATCH_MAX: usize = 512;
/// How long is gathered for a request that is not full.
const GATHER: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(10);
