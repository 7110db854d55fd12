//! An edge before a real server: it answers as the server would, and to nobody else.

use std::process::Command;

use offing_core::proto::{Code, Wake, encode_chunk_batch};
use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::calls::{Calls, OCTETS, Person, Vault, chunk_id, reply};
use crate::edges::{Before, TestEdge, path_in, until};
use crate::harness::{THROUGH_EDGE, World};
use crate::live;

/// A server, an edge before it, and somebody whose vault has a chunk.
struct Scene {
    world: World,
    edge: TestEdge,
    alice: Person,
    vault: Vault,
    path: String,
}

/// An edge with the server's clock.
fn by(world: &World) -> Before {
    Before { clock: world.clock(), ..Before::default() }
}

const CHUNK: [u8; 5_000] = [7; 5_000];

async fn scene() -> Scene {
    let world = World::start().await;
    let edge = TestEdge::before(world.address, by(&world)).await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    world.put_chunk(&alice, &vault, &CHUNK).await.granted().unwrap();
    let path = path_in(vault.id, chunk_id(&CHUNK));
    Scene { world, edge, alice, vault, path }
}

impl Scene {
    /// Chunks that the edge served, fetched, and asked about.
    fn figures(&self) -> [u64; 3] {
        ["served", "fetched", "asked"].map(|name| self.edge.figure(&format!("edge_{name}_total")))
    }
}

#[test]
fn every_other_test_of_the_server_passes_through_an_edge_too() {
    if std::env::var_os(THROUGH_EDGE).is_some() {
        return;
    }
    // Those of edges and of the program, and of what each has for itself: certificate, figures, how
    // connections end.
    let edges = ["edge::", "edge_far::", "edge_hostile::", "tickets::"];
    let program = ["peak::", "sockets::", "spans::"];
    let others = ["acme::", "figures::", "tls::", "what_it_has_begun"];
    let mut again = Command::new(std::env::current_exe().unwrap());
    let skipped = edges.iter().chain(&program).chain(&others).flat_map(|name| ["--skip", name]);
    again.args(skipped).env(THROUGH_EDGE, "1");
    let ran = again.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[tokio::test]
async fn a_chunk_is_fetched_once_and_then_served_with_the_origin_s_leave() {
    let scene = scene().await;
    let token = &scene.alice.token;
    for (pass_ms, figures) in [
        (0, [0, 1, 0]),
        // The yes is remembered …
        (59_000, [1, 1, 0]),
        // … for a minute.
        (1_000, [2, 1, 1]),
        (59_000, [3, 1, 1]),
    ] {
        scene.world.pass_ms(pass_ms);
        let read = scene.edge.read(&scene.path, token).await;
        assert_eq!((read.status.as_u16(), &read.body[..]), (200, &CHUNK[..]));
        assert_eq!(scene.figures(), figures);
    }
}

#[tokio::test]
async fn a_long_scan_does_not_push_out_what_is_read_every_day() {
    let world = World::start().await;
    let edge = TestEdge::before(world.address, Before { bytes: 30 * 4_096, ..by(&world) }).await;
    let [alice, bob] = [world.sign_up("alice", "a").await, world.sign_up("bob", "b").await];
    let store = async |person: &Person, numbers: std::ops::Range<u8>| {
        let vault = world.create_vault(person).await;
        let mut paths = Vec::new();
        for number in numbers {
            let chunk = [number; 4_000];
            world.put_chunk(person, &vault, &chunk).await.granted().unwrap();
            paths.push(path_in(vault.id, chunk_id(&chunk)));
        }
        paths
    };
    let read = async |person: &Person, paths: &[String]| {
        for path in paths {
            edge.read(path, &person.token).await.granted().unwrap();
            // It is kept when it was sent.
            let [chunks, evicted, fetched] =
                ["edge_chunks", "edge_evicted_total", "edge_fetched_total"];
            until(|| edge.figure(chunks) + edge.figure(evicted) == edge.figure(fetched)).await;
        }
        edge.figure("edge_fetched_total")
    };
    let (daily, backup) = (store(&alice, 0..20).await, store(&bob, 20..220).await);
    assert_eq!([read(&alice, &daily).await, read(&alice, &daily).await], [20, 20]);
    assert_eq!(read(&bob, &backup).await, 220);
    assert_eq!(read(&alice, &daily).await, 220, "all of it is there still");
}

#[tokio::test]
async fn a_kept_chunk_is_answered_as_the_origin_would() {
    let scene = scene().await;
    let bearer = format!("Bearer {}", scene.alice.token);
    let etag = format!("\"{}\"", chunk_id(&CHUNK));
    let comparable = |mut headers: HeaderMap| {
        for name in ["date", "x-request-id"] {
            headers.remove(name);
        }
        headers
    };
    scene.edge.read(&scene.path, &scene.alice.token).await.granted().unwrap();
    for asked in [
        &[][..],
        &[("range", "bytes=10-19")],
        &[("range", "bytes=-5")],
        &[("range", "bytes=5000-")],
        &[("range", "bytes=0-1,3-4")],
        &[("range", "bytes=10-19"), ("if-range", "\"another\"")],
        &[("if-none-match", &etag)],
        &[("if-none-match", "\"another\"")],
    ] {
        let mut direct = scene.world.request(Method::GET, &scene.path);
        let mut through = vec![("authorization", bearer.as_str())];
        through.extend(asked);
        for (name, value) in &through {
            direct = direct.header(*name, *value);
        }
        let (direct, through) = (reply(direct).await, scene.edge.get(&scene.path, &through).await);
        assert_eq!((through.status, &through.body), (direct.status, &direct.body), "{asked:?}");
        assert_eq!(comparable(through.headers), comparable(direct.headers), "{asked:?}");
    }
    assert_eq!(scene.figures(), [8, 1, 0]);
}

#[tokio::test]
async fn nobody_else_reads_what_is_kept_and_asking_for_it_changes_nothing() {
    let scene = scene().await;
    let bob = scene.world.sign_up("bob", "password").await;
    scene.edge.read(&scene.path, &scene.alice.token).await.granted().unwrap();
    let stranger = scene.edge.read(&scene.path, &bob.token).await;
    assert_eq!(stranger.refusal(), (404, Code::VaultUnknown));
    assert_eq!(scene.edge.get(&scene.path, &[]).await.refusal(), (401, Code::SignedOut));
    assert_eq!(scene.edge.read(&scene.path, "made.up.token").await.refusal().0, 401);
    // Nor in a vault of his own.
    let his = scene.world.create_vault(&bob).await;
    let elsewhere = scene.edge.read(&path_in(his.id, chunk_id(&CHUNK)), &bob.token).await;
    assert_eq!(elsewhere.refusal(), (404, Code::ChunkUnknown));
    let known = [("authorization", "Bearer x"), ("if-none-match", "*")];
    assert_eq!(scene.edge.get(&scene.path, &known).await.status, 401);
    assert_eq!(scene.edge.figure("edge_chunks"), 1);
    scene.edge.read(&scene.path, &scene.alice.token).await.granted().unwrap();
}

#[tokio::test]
async fn who_was_signed_out_reads_on_for_a_minute_and_no_longer() {
    let scene = scene().await;
    let path = &scene.path;
    scene.edge.read(path, &scene.alice.token).await.granted().unwrap();
    let end = scene.world.request(Method::POST, "/api/v1/auth/sign-out");
    reply(end.header("cookie", &scene.alice.cookie)).await.granted().unwrap();
    scene.edge.read(path, &scene.alice.token).await.granted().unwrap();
    scene.world.pass_ms(60_000);
    let refused = scene.edge.read(path, &scene.alice.token).await;
    assert_eq!(refused.refusal(), (401, Code::SignedOut));
    // A no is not forgotten in favour of the yes before it.
    assert_eq!(scene.edge.read(path, &scene.alice.token).await.status, 401);
}

#[tokio::test]
async fn a_token_that_is_over_is_told_to_be() {
    let scene = scene().await;
    scene.edge.read(&scene.path, &scene.alice.token).await.granted().unwrap();
    scene.world.pass_ms(601_000);
    let over = scene.edge.read(&scene.path, &scene.alice.token).await;
    assert_eq!(over.refusal(), (401, Code::TokenExpired));
}

#[tokio::test]
async fn what_is_damaged_on_the_edge_s_disk_is_fetched_again() {
    let scene = scene().await;
    let token = &scene.alice.token;
    scene.edge.read(&scene.path, token).await.granted().unwrap();
    until(|| scene.edge.figure("edge_chunks") == 1).await;
    let of_vault = scene.edge.folder.path().join("edge").join(scene.vault.id.to_string());
    std::fs::write(of_vault.join(chunk_id(&CHUNK).to_string()), [8; 5_000]).unwrap();
    assert_eq!(scene.edge.read(&scene.path, token).await.body, CHUNK[..]);
    assert_eq!(scene.edge.figure("edge_damaged_total"), 1);
    assert_eq!(scene.figures(), [0, 2, 0]);
}

#[tokio::test]
async fn signing_up_uploading_and_the_live_socket_go_through() {
    let mut world = World::start().await;
    let origin_url = world.url("");
    let edge = TestEdge::before(world.address, by(&world)).await;
    // From here on everybody calls the edge.
    world.calls = Calls::to(edge.address);
    let alice = world.sign_up("alice", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let mut socket =
        live::connect(&world, &alice.cookie, Some(&world.url(""))).await.expect("its own page");
    let tip: Wake = serde_json::from_str(live::next(&mut socket).await.to_text().unwrap()).unwrap();
    assert_eq!(tip, Wake { vault: vault.id, seq: 1 });
    let large = vec![3; 4 * 1024 * 1024];
    world.put_chunk(&alice, &vault, &large).await.granted().unwrap();
    let entry = vault.next(&[chunk_id(&large)]);
    world.append(&alice, &vault, &[entry]).await;
    let grown = live::next(&mut socket).await;
    let grown: Wake = serde_json::from_str(grown.to_text().unwrap()).unwrap();
    assert_eq!(grown, Wake { vault: vault.id, seq: 2 });
    let read = world.send(&alice, Method::GET, &path_in(vault.id, chunk_id(&large))[7..], "").await;
    assert_eq!(read.granted().unwrap().body, large);
    // A page of another address is none of this one's, the origin's included.
    for page in ["https://evil.example", &origin_url] {
        let refused = live::connect(&world, &alice.cookie, Some(page)).await.unwrap_err();
        assert_eq!(live::refusal(refused).0, 403);
    }
    assert_eq!(edge.figure("live_sockets"), 1);
    drop(socket);
    until(|| edge.figure("live_sockets") == 0).await;
}

#[tokio::test]
async fn what_is_larger_than_any_call_takes_is_refused() {
    let scene = scene().await;
    let path = format!("/api/v1/vaults/{}/chunks", scene.vault.id);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}{path}", scene.edge.address);
    let asked = || http.post(&url).bearer_auth(&scene.alice.token).header("content-type", OCTETS);
    // Chunks of a megabyte, one more than a batch may have.
    let piece = || Ok::<_, std::io::Error>(batch_of(&vec![1; 1 << 20]));
    let pieces = futures_util::stream::iter(std::iter::repeat_with(piece).take(33));
    let unannounced = asked().body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap();
    assert_eq!(unannounced.status(), 413);
    let announced = asked().body(vec![1; 33 << 20]).send().await.unwrap();
    assert_eq!(announced.status(), 413);
    scene.edge.read(&scene.path, &scene.alice.token).await.granted().unwrap();
}

fn batch_of(chunk: &[u8]) -> Vec<u8> {
    encode_chunk_batch([(chunk_id(chunk), chunk)])
}

#[tokio::test]
async fn who_is_refused_before_the_body_is_read_is_no_sign_that_the_origin_is_away() {
    let mut scene = scene().await;
    scene.world.pass_ms(601_000);
    let large = vec![3; 4 * 1024 * 1024];
    scene.world.calls = Calls::to(scene.edge.address);
    for _ in 0..5 {
        let refused = scene.world.put_chunk(&scene.alice, &scene.vault, &large).await;
        assert_eq!(refused.refusal(), (401, Code::TokenExpired));
    }
    assert_eq!(scene.edge.figure("edge_origin_away"), 0);
}
