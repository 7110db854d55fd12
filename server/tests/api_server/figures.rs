//! What Prometheus finds.

use std::collections::BTreeSet;

use crate::edges::TestEdge;
use crate::harness::World;
use crate::program::{Program, free_address, is_listened_on};

/// What is drawn of the figures, and what calls for somebody.
const DRAWN: &str = include_str!("../../../deploy/prometheus/dashboard.json");
const WATCHED: &str = include_str!("../../../deploy/prometheus/offing.rules.yaml");

#[tokio::test]
async fn figures_say_how_much_and_never_who() {
    let world = World::start().await;
    let url = world.figures().await;
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    world.put_chunk(&alice, &vault, &[7; 5_000]).await.granted().unwrap();
    let entries = [vault.next(&[]), vault.next(&[])];
    world.append(&alice, &vault, &entries).await;
    assert!(world.put_chunk(&alice, &vault, b"").await.granted().is_err());
    world.get("/api/v1/nowhere").await;

    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let value = |name: &str| -> f64 {
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
    };
    let append = r#"method="POST",route="/api/v1/vaults/{vault}/log""#;
    assert_eq!(value(&format!("offing_requests_total{{{append},status=\"200\"}}")), 1.0);
    assert_eq!(value(&format!("offing_request_seconds_count{{{append}}}")), 1.0);
    assert_eq!(value(&format!("offing_request_seconds_bucket{{{append},le=\"+Inf\"}}")), 1.0);
    assert_eq!(value("offing_entries_total"), 2.0);
    assert_eq!(value("offing_chunks_total"), 1.0);
    assert_eq!(value("offing_refusals_total{code=\"not_found\"}"), 1.0);
    assert_eq!(value("offing_shed_total{class=\"prompt\"}"), 0.0);
    assert!(value("offing_received_bytes_total") > 5_000.0);
    assert!(value("offing_sent_bytes_total") > 0.0 && value("offing_connections") >= 1.0);
    for name in
        ["live_sockets", "calls_waiting", "database_queue", "chunk_queue", "scrubbed_bytes_total"]
    {
        assert!(value(&format!("offing_{name}")) >= 0.0);
    }
    for secret in ["alice", &vault.id.to_string(), &alice.device.to_string(), &alice.token] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Every figure is described, once.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
            name.strip_suffix(end).filter(|name| *name == "offing_request_seconds")
        });
        let name = name.unwrap_or(line.split(['{', ' ']).next().unwrap());
        assert_eq!(text.matches(&format!("# TYPE {name} ")).count(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_drawn_and_watched_is_what_a_server_or_an_edge_says() {
    let (nobody, figures) = (free_address().await, free_address().await);
    let options = ["--otlp", &format!("http://{nobody}"), "--metrics", &figures.to_string()];
    let program = Program::start(&options).await;
    is_listened_on(figures).await;
    let text = reqwest::get(format!("http://{figures}/metrics")).await.unwrap().text().await;
    let text = text.unwrap() + &TestEdge::before_itself().await.edge.figures();
    let mut said: BTreeSet<_> = names(&text).collect();
    program.stop().await;
    said.insert("offing_request_seconds_bucket");
    // Of who speaks TLS.
    said.insert("offing_certificate_end_seconds");
    let asked: BTreeSet<_> = names(DRAWN).chain(names(WATCHED)).collect();
    let unknown: Vec<_> = asked.difference(&said).collect();
    assert!(unknown.is_empty(), "nobody says {unknown:?}");
    // A figure that is added is drawn.
    let told: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for name in told.iter().filter_map(|line| line.split(' ').next()) {
        assert!(DRAWN.contains(name), "{name} is not drawn");
    }
}

/// The names of figures in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    text.match_indices("offing_").map(move |(at, _)| {
        let name = &text[at..];
        &name[..name.find(|it| !is_of_name(it)).unwrap_or(name.len())]
    })
}
