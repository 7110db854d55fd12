//! What a collector is told of calls, and what it is not.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use offing_core::proto::AppendResult;
use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::calls::{chunk_id, reply};
use crate::harness::RECOVERY;
use crate::program::{Program, free_address, is_listened_on};

/// A collector that keeps what it is posted.
async fn collector() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (takes, taken) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let take = async |State(takes): State<mpsc::UnboundedSender<Value>>, body: String| {
        takes.send(serde_json::from_str(&body).unwrap()).ok();
    };
    let router = Router::new().route("/v1/traces", post(take)).with_state(takes);
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, taken)
}

fn text<'v>(span: &'v Value, name: &str) -> &'v str {
    span[name].as_str().unwrap_or_else(|| panic!("{name} of {span}"))
}

/// What is said of a span by this name.
fn field(span: &Value, name: &str) -> Option<Value> {
    let fields = span["attributes"].as_array().unwrap();
    let found = fields.iter().find(|field| field["key"] == name)?;
    let value = found["value"].as_object().unwrap();
    value.values().next().cloned()
}

#[tokio::test]
async fn a_collector_hears_how_calls_went_and_never_whose_they_were() {
    let (url, mut taken) = collector().await;
    let mut program = Program::start(&["--otlp", &url]).await;
    let alice = program.sign_up(1).await.remove(0);
    let calls = program.calls.clone();
    let mut vault = calls.create_vault(&alice).await;
    let chunk = b"sealed bytes of somebody".repeat(9);
    let stored = calls.put_chunk(&alice, &vault, &chunk).await.granted().unwrap();
    let entry = vault.next(&[]);
    let appended = calls.append(&alice, &vault, &[entry]).await;
    assert!(matches!(appended.results[..], [AppendResult::Ok { .. }]));
    calls.get("/files/a-secret-place").await;
    let strange = Method::from_bytes(b"A-SECRET-WORD").unwrap();
    reply(calls.request(strange, "/api/v1/info")).await;

    let (mut all, mut told) = (Vec::new(), String::new());
    let wanted = ["POST /api/v1/vaults/{vault}/log", "other /api/v1/info"];
    while !wanted.iter().all(|name| all.iter().any(|span: &Value| span["name"] == *name)) {
        let posted = taken.recv().await.unwrap();
        told.push_str(&posted.to_string());
        let spans = &posted["resourceSpans"][0]["scopeSpans"][0]["spans"];
        all.extend(spans.as_array().unwrap().iter().cloned());
    }

    let append = all.iter().find(|span| span["name"] == wanted[0]).unwrap();
    assert_eq!(field(append, "http.response.status_code").unwrap(), "200");
    assert_eq!(text(append, "parentSpanId"), "");
    assert_eq!((text(append, "traceId").len(), text(append, "spanId").len()), (32, 16));
    let took = |span: &Value| {
        let at = |name: &str| text(span, name).parse::<u64>().unwrap();
        at("endTimeUnixNano") - at("startTimeUnixNano")
    };
    let parts = all.iter().filter(|span| span["parentSpanId"] == append["spanId"]);
    let parts: Vec<_> = parts.inspect(|part| assert!(took(part) <= took(append))).collect();
    let names: BTreeSet<_> = parts.iter().map(|part| text(part, "name")).collect();
    assert_eq!(names, BTreeSet::from(["database", "turn"]));
    let put = all.iter().find(|span| span["name"] == "PUT /api/v1/vaults/{vault}/chunks/{chunk}");
    let put = put.unwrap();
    let request = stored.header("x-request-id").unwrap();
    assert_eq!(field(put, "offing.request_id").unwrap(), request);
    let mut parts = all.iter().filter(|span| span["parentSpanId"] == put["spanId"]);
    assert!(parts.any(|span| span["name"] == "chunks"));

    let (account, device) = (alice.account.to_string(), alice.device.to_string());
    let (vault, chunk) = (vault.id.to_string(), chunk_id(&chunk).to_string());
    let secrets = [&account, &device, &vault, &chunk, &alice.token, &alice.cookie];
    let words = ["person", "password", RECOVERY, "a-secret-place", "A-SECRET-WORD", "127.0.0.1"];
    for secret in secrets.into_iter().map(String::as_str).chain(words) {
        assert!(!told.contains(secret), "{secret}");
    }
    program.stop().await;
}

#[tokio::test]
async fn a_collector_that_is_away_costs_calls_nothing() {
    let (nobody, figures) = (free_address().await, free_address().await);
    let options = ["--otlp", &format!("http://{nobody}"), "--metrics", &figures.to_string()];
    let program = Program::start(&options).await;
    is_listened_on(figures).await;
    let dropped = async || {
        assert_eq!(program.calls.get("/healthz").await.status, 200);
        let text = reqwest::get(format!("http://{figures}/metrics")).await.unwrap().text().await;
        let text = text.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("offing_spans_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    while dropped().await == 0 {}
    program.stop().await;
}
