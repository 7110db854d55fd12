//! What the page at `/checkup` asks: anybody may, it costs little, and it tells nothing of others.

use futures_util::SinkExt as _;
use offing_core::limits::{CHUNK_BATCH_BYTES_MAX, CHUNK_SEALED_BYTES_MAX};
use offing_core::proto::Code;
use offing_server::api::headers::CONTENT_SECURITY_POLICY;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::calls::{OCTETS, Reply, reply};
use crate::harness::World;
use crate::live::{Socket, next, refusal};

const CHECKUP: &str = "/api/v1/checkup";

async fn sends(world: &World, bytes: usize) -> Reply {
    let request = world.request(Method::POST, &format!("{CHECKUP}/body"));
    reply(request.header("content-type", OCTETS).body(vec![0; bytes])).await
}

async fn connect(world: &World, origin: Option<&str>) -> Result<Socket, Error> {
    let url = format!("ws://{}{CHECKUP}/live", world.address);
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

#[tokio::test]
async fn a_page_of_the_server_is_no_place_of_the_app() {
    let world = World::start().await;
    let dist = world.folder.path().join("dist");
    std::fs::create_dir_all(dist.join("checkup")).unwrap();
    for (name, content) in [
        ("index.html", "the app"),
        ("checkup/index.html", "the checkup"),
        ("checkup/checkup.js", "// asks"),
    ] {
        std::fs::write(dist.join(name), content).unwrap();
    }
    for path in ["/checkup", "/checkup/"] {
        let page = world.get(path).await;
        assert_eq!((page.body.as_ref(), page.status.as_u16()), (&b"the checkup"[..], 200));
        assert_eq!(page.header("content-security-policy"), Some(CONTENT_SECURITY_POLICY));
        assert_eq!(page.header("cache-control"), Some("no-cache"));
    }
    assert_eq!(world.get("/checkup/checkup.js").await.body, "// asks");
    assert_eq!(world.get("/checkups").await.body, "the app");
    assert_eq!(world.get("/checkup/more").await.refusal(), (404, Code::NotFound));
    std::fs::remove_file(dist.join("checkup/index.html")).unwrap();
    assert_eq!(world.get("/checkup").await.refusal(), (404, Code::NotFound));
}

#[tokio::test]
async fn a_caller_is_told_what_came_of_the_call_and_what_leaves_with_the_answer() {
    let world = World::start().await;
    let request = world.request(Method::GET, CHECKUP).header("range", "bytes=0-0");
    let answer = reply(request).await;
    let seen: Value = answer.json();
    assert_eq!(seen["host"], world.address.to_string());
    assert_eq!(seen["public_url"], world.state.config().public_url);
    assert_eq!(seen["now_ms"], world.state.now_ms());
    assert_eq!(seen["heard"], json!(["range"]));
    assert_eq!(seen["bodies_bytes"], json!([CHUNK_SEALED_BYTES_MAX, CHUNK_BATCH_BYTES_MAX]));
    let sent = seen["headers"].as_array().unwrap();
    assert!(sent.len() >= 9);
    for header in sent {
        let name = header["name"].as_str().unwrap();
        assert_eq!(answer.header(name), header["value"].as_str(), "{name}");
    }
    let known = world.request(Method::GET, CHECKUP).bearer_auth("checkup");
    assert_eq!(reply(known).await.json::<Value>()["heard"], json!(["authorization"]));
}

#[tokio::test]
async fn a_body_as_large_as_any_is_counted_and_a_larger_one_is_refused() {
    let world = World::start().await;
    for bytes in [0, CHUNK_SEALED_BYTES_MAX, CHUNK_BATCH_BYTES_MAX] {
        let counted: Value = sends(&world, bytes).await.json();
        assert_eq!(counted, json!({ "received_bytes": bytes }));
    }
    let more = sends(&world, CHUNK_BATCH_BYTES_MAX + 1).await;
    assert_eq!(more.refusal(), (413, Code::TooLarge));
}

#[tokio::test]
async fn one_address_can_ask_only_so_often_for_what_takes_a_while() {
    let world = World::start().await;
    for _ in 0..24 {
        assert_eq!(sends(&world, 1).await.status, 200);
    }
    assert_eq!(sends(&world, 1).await.refusal(), (429, Code::RateLimited));
    let pieces = world.get(&format!("{CHECKUP}/pieces")).await;
    assert_eq!(pieces.refusal(), (429, Code::RateLimited));
    let origin = format!("http://{}", world.address);
    let socket = connect(&world, Some(&origin)).await.unwrap_err();
    assert_eq!(refusal(socket), (429, Code::RateLimited));
    world.pass_ms(60_000);
    assert_eq!(sends(&world, 1).await.status, 200);
}

#[tokio::test]
async fn an_answer_in_pieces_comes_in_pieces() {
    let world = World::start().await;
    let request = world.request(Method::GET, &format!("{CHECKUP}/pieces"));
    let mut answer = request.send().await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        pieces.push(piece.len());
    }
    assert_eq!(pieces, [256; 5]);
}

#[tokio::test]
async fn a_socket_says_what_it_was_told_to_a_page_of_this_server() {
    let world = World::start().await;
    for foreign in [Some("https://evil.example"), None] {
        assert_eq!(refusal(connect(&world, foreign).await.unwrap_err()).0, 403);
    }
    let origin = format!("http://{}", world.address);
    let mut socket = connect(&world, Some(&origin)).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text(r#"{"received_bytes":5}"#));
    assert!(matches!(next(&mut socket).await, Message::Close(_)));
}
