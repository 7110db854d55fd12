//! An edge before an origin that lies, stalls or is away, and among callers who try things.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use offing_core::proto::{Code, Refusal};
use offing_server::edge::Patience;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::edges::{Before, TestEdge, origin, path_of, until};

const CHUNK: &[u8] = &[7; 5_000];

/// Short for what does not come, and long enough for what does on a busy machine.
const SOON: Duration = Duration::from_secs(1);

fn asks_for_leave(request: &Request) -> bool {
    request.headers().contains_key("if-none-match")
}

fn token(request: &Request) -> &str {
    request.headers()["authorization"].to_str().unwrap()
}

/// An answer whose bytes come like this, as long as it says.
fn of_pieces(
    len: usize,
    pieces: impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
) -> Response {
    ([("content-length", len.to_string())], Body::from_stream(pieces)).into_response()
}

fn piece(bytes: &[u8]) -> Result<Bytes, std::io::Error> {
    Ok(Bytes::copy_from_slice(bytes))
}

fn torn() -> Result<Bytes, std::io::Error> {
    Err(std::io::Error::other("torn"))
}

#[tokio::test]
async fn what_is_not_the_chunk_is_neither_served_nor_kept() {
    let lies: [fn() -> Response; 6] = [
        || "another chunk".into_response(),
        || ().into_response(),
        || of_pieces(5_000, stream::iter([piece(&CHUNK[..2_500]), torn()])),
        || of_pieces(5_000, stream::iter([piece(&CHUNK[..2_500])]).chain(stream::pending())),
        || Body::from_stream(stream::repeat_with(|| piece(&[0; 1 << 16]))).into_response(),
        || of_pieces(1 << 30, stream::pending()),
    ];
    let lie = Arc::new(Mutex::new(None::<fn() -> Response>));
    let told = Arc::clone(&lie);
    let origin = origin(move |_| {
        let answer = told.lock().unwrap().map_or_else(|| CHUNK.into_response(), |lie| lie());
        async { answer }
    });
    let patience = Patience { stall: SOON, ..Patience::default() };
    let edge = TestEdge::before(origin.await, Before { patience, ..Before::default() }).await;
    for next in lies {
        *lie.lock().unwrap() = Some(next);
        let refused = edge.read(&path_of(CHUNK), "a").await;
        // What is torn at once may come to no answer at all.
        assert!([502, 503].contains(&refused.status.as_u16()), "{}", refused.status);
        assert_eq!(refused.refusal().1, Code::Unavailable);
        assert!(refused.headers.contains_key("retry-after"));
    }
    *lie.lock().unwrap() = None;
    assert_eq!(edge.figure("edge_chunks"), 0);
    assert_eq!(edge.read(&path_of(CHUNK), "a").await.body, CHUNK);
}

#[tokio::test]
async fn many_who_want_one_chunk_make_one_fetch_and_each_has_leave_of_its_own() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let (gate, counted) = (Arc::new(Semaphore::new(0)), Arc::clone(&fetched));
    let asked = Arc::new(AtomicUsize::new(0));
    let (opens, questions) = (Arc::clone(&gate), Arc::clone(&asked));
    let origin = origin(move |request| {
        let (gate, fetched) = (Arc::clone(&gate), Arc::clone(&counted));
        let asked = Arc::clone(&questions);
        async move {
            if asks_for_leave(&request) {
                asked.fetch_add(1, Ordering::SeqCst);
                let may = token(&request) == "Bearer friend";
                let status = if may { StatusCode::NOT_MODIFIED } else { StatusCode::NOT_FOUND };
                return status.into_response();
            }
            fetched.fetch_add(1, Ordering::SeqCst);
            let pieces = stream::once(async move {
                gate.acquire().await.unwrap().forget();
                piece(CHUNK)
            });
            of_pieces(CHUNK.len(), pieces)
        }
    });
    let edge = Arc::new(TestEdge::before(origin.await, Before::default()).await);
    let read = |token: &'static str| {
        let edge = Arc::clone(&edge);
        tokio::spawn(async move { edge.read(&path_of(CHUNK), token).await })
    };
    let first = read("first");
    until(|| edge.figure("edge_fetched_total") == 1).await;
    let friends: Vec<_> = (0..10).map(|_| read("friend")).collect();
    let stranger = read("stranger");
    assert_eq!(stranger.await.unwrap().status, 404);
    until(|| asked.load(Ordering::SeqCst) > 1).await;
    opens.add_permits(1);
    for reader in friends.into_iter().chain([first]) {
        assert_eq!(reader.await.unwrap().body, CHUNK);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_chunk_that_nobody_waits_for_any_more_is_kept_all_the_same() {
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    let origin = origin(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            let second = stream::once(async move {
                gate.acquire().await.unwrap().forget();
                piece(&CHUNK[2_500..])
            });
            of_pieces(CHUNK.len(), stream::iter([piece(&CHUNK[..2_500])]).chain(second))
        }
    });
    let edge = Arc::new(TestEdge::before(origin.await, Before::default()).await);
    let reader = Arc::clone(&edge);
    let leaves = tokio::spawn(async move { reader.read(&path_of(CHUNK), "a").await });
    until(|| edge.figure("edge_fetched_total") == 1).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    opens.add_permits(1);
    until(|| edge.figure("edge_chunks") == 1).await;
    assert_eq!(edge.read(&path_of(CHUNK), "a").await.body, CHUNK);
    assert_eq!(edge.figure("edge_fetched_total"), 1);
}

#[tokio::test]
async fn who_fills_the_cache_finds_its_end_and_takes_nothing_but_time() {
    let chunk = |seed: u8| vec![seed; 4_096];
    let origin = origin(|request: Request| async move {
        if asks_for_leave(&request) {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let seeds = (0..=u8::MAX).map(|seed| vec![seed; 4_096]);
        let path = request.uri().path().to_owned();
        let found = seeds.into_iter().find(|bytes| path_of(bytes) == path);
        found.map_or(StatusCode::NOT_FOUND.into_response(), |bytes| bytes.into_response())
    });
    let edge =
        TestEdge::before(origin.await, Before { bytes: 8 * 4_096, ..Before::default() }).await;
    assert_eq!(edge.read(&path_of(&chunk(0)), "alice").await.body, chunk(0));
    for seed in 1..40 {
        assert_eq!(edge.read(&path_of(&chunk(seed)), "mallory").await.body, chunk(seed));
        assert!(edge.figure("edge_bytes") <= 8 * 4_096);
    }
    assert_eq!(edge.read(&path_of(&chunk(0)), "alice").await.body, chunk(0));
    assert_eq!((edge.figure("edge_fetched_total"), edge.figure("edge_served_total")), (41, 0));
}

#[tokio::test]
async fn an_origin_that_does_not_answer_is_left_alone_for_a_while() {
    let (is_away, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (away, counted) = (Arc::clone(&is_away), Arc::clone(&asked));
    let origin = origin(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let away = away.load(Ordering::SeqCst);
        async move {
            if away {
                std::future::pending::<()>().await;
            }
            if asks_for_leave(&request) {
                return StatusCode::NOT_MODIFIED.into_response();
            }
            CHUNK.into_response()
        }
    });
    let patience = Patience { answer: SOON, ..Patience::default() };
    let edge = TestEdge::before(origin.await, Before { patience, ..Before::default() }).await;
    let path = path_of(CHUNK);
    edge.read(&path, "a").await.granted().unwrap();
    until(|| edge.figure("edge_chunks") == 1).await;
    is_away.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = edge.get("/api/v1/info", &[]).await;
        assert_eq!(refused.refusal(), (503, Code::Unavailable));
    }
    assert_eq!(edge.figure("edge_origin_away"), 1);
    let before = asked.load(Ordering::SeqCst);
    for path in ["/api/v1/info", "/", "/readyz"] {
        let refused = edge.get(path, &[]).await;
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.json::<Refusal>().retry_after_ms, Some(1_000));
    }
    assert_eq!(edge.get("/healthz", &[]).await.status, 200);
    // Who has leave reads on for the rest of his minute, and nobody else.
    assert_eq!(edge.read(&path, "a").await.body, CHUNK);
    assert_eq!(edge.read(&path, "b").await.status, 503);
    assert_eq!(asked.load(Ordering::SeqCst), before, "nobody has asked");
    edge.pass_ms(60_000);
    assert_eq!(edge.read(&path, "a").await.status, 503);
    assert_eq!(asked.load(Ordering::SeqCst), before + 1, "one has tried");
    assert_eq!(edge.get("/", &[]).await.header("retry-after"), Some("2"));
    is_away.store(false, Ordering::SeqCst);
    edge.pass_ms(2_000);
    assert_eq!(edge.read(&path, "a").await.body, CHUNK);
    assert_eq!(edge.figure("edge_origin_away"), 0);
}

#[tokio::test]
async fn an_origin_that_is_not_there_is_told_to_be_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let edge = TestEdge::before(nobody, Before::default()).await;
    assert_eq!(edge.read(&path_of(CHUNK), "a").await.refusal(), (503, Code::Unavailable));
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(edge.get("/api/v1/info", &[]).await.status, 503);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn what_the_origin_removed_is_served_for_a_day_at_most() {
    let is_there = Arc::new(AtomicBool::new(true));
    let there = Arc::clone(&is_there);
    let origin = origin(move |request| {
        let there = there.load(Ordering::SeqCst);
        async move {
            let mut answer = CHUNK.into_response();
            if !there && request.uri().path() == path_of(CHUNK) {
                answer = StatusCode::NOT_FOUND.into_response();
            }
            answer
        }
    });
    let edge = TestEdge::before(origin.await, Before::default()).await;
    edge.read(&path_of(CHUNK), "a").await.granted().unwrap();
    until(|| edge.figure("edge_chunks") == 1).await;
    is_there.store(false, Ordering::SeqCst);
    edge.pass_ms(24 * 3_600_000);
    // Its leave is new, by another chunk of the vault.
    let other = edge.read(&path_of(b"another"), "a").await;
    assert_eq!(other.status, 502, "this origin knows one chunk");
    assert_eq!(edge.read(&path_of(CHUNK), "a").await.status, 404);
}

#[tokio::test]
async fn an_edge_before_itself_says_so_in_place_of_going_round() {
    let edge = TestEdge::before_itself().await;
    assert_eq!(edge.get("/api/v1/info", &[]).await.refusal(), (508, Code::Unavailable));
    assert_eq!(edge.read(&path_of(CHUNK), "a").await.status, 508);
}

/// Sends a request as it stands, and reads what is answered.
async fn raw(edge: &TestEdge, request: &str) -> String {
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    // It may be refused before all of it is sent.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(5), read).await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn strange_targets_and_huge_heads_reach_nothing_else() {
    let origin = origin(|request: Request| async move {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        format!("{} {host}", request.uri()).into_response()
    });
    let edge = TestEdge::before(origin.await, Before::default()).await;
    let get = async |target: &str| {
        raw(
            &edge,
            &format!("GET {target} HTTP/1.1\r\nhost: drive.example\r\nconnection: close\r\n\r\n"),
        )
        .await
    };
    // Whatever the path says, it is said to the origin, and no file is looked for.
    for (target, heard) in [
        ("/../../etc/passwd", "/etc/passwd"),
        ("//evil.example/x", "//evil.example/x"),
        ("/@evil.example/", "/@evil.example/"),
        ("/%2e%2e/x", "/x"),
        ("http://evil.example/y", "/y"),
    ] {
        let answer = get(target).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{target}: {answer}");
        assert!(answer.contains(&format!("{heard} ")), "{target}: {answer}");
    }
    for request in ["OPTIONS * HTTP/1.1", "CONNECT evil.example:80 HTTP/1.1"] {
        let answer =
            raw(&edge, &format!("{request}\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request}: {answer}");
    }
    let huge = format!("GET / HTTP/1.1\r\nhost: a\r\nx-huge: {}\r\n\r\n", "a".repeat(1_000_000));
    let answer = raw(&edge, &huge).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{}", answer.len());
    assert_eq!(edge.get("/", &[]).await.status, 200);
}

#[tokio::test]
async fn the_origin_hears_who_calls_under_which_name_and_nothing_between_neighbours() {
    let origin = origin(|request: Request| async move {
        let lines = request.headers().iter();
        let lines = lines.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        ([("connection", "x-near"), ("x-near", "1"), ("x-far", "2")], lines.collect::<String>())
            .into_response()
    });
    let edge = TestEdge::before(origin.await, Before::default()).await;
    let heard = edge.get(
        "/",
        &[
            ("host", "drive.example.org"),
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
            ("connection", "x-mine"),
            ("x-mine", "1"),
            ("proxy-authorization", "secret"),
            ("cookie", "__Host-offing=abc"),
            ("via", "1.1 proxy"),
        ],
    );
    let heard = heard.await;
    let text = String::from_utf8(heard.body.to_vec()).unwrap();
    for line in [
        "host: drive.example.org",
        "x-forwarded-for: 127.0.0.1",
        "cookie: __Host-offing=abc",
        "via: 1.1 proxy",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
    for absent in ["203.0.113.9", "x-mine", "proxy-authorization", "secret"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    assert!(text.contains("via: 1.1 offing-"));
    assert_eq!((heard.header("x-far"), heard.header("x-near")), (Some("2"), None));
}
