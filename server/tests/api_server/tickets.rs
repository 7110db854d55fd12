//! Tickets: what they open at the server and at an edge, and what they do not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use offing_core::id::{AccountId, DeviceId, VaultId};
use offing_core::proto::Code;
use offing_server::admin::Keeper;
use offing_server::heed_closed;
use offing_server::service::Caller;
use offing_server::store::places::Places;
use offing_server::tickets::Tickets;
use reqwest::Method;
use serde_json::{Value, json};

use crate::calls::{Person, Reply, Vault, chunk_id, reply};
use crate::edges::{Before, TestEdge, origin, path_in, path_of, until};
use crate::harness::{Differs, Store, World};

const CHUNK: [u8; 5_000] = [7; 5_000];
const EDGE: &str = "https://near.example";
const TEN_MINUTES_MS: i64 = 600_000;

/// A server that names an edge, and somebody whose vault has a chunk.
struct Scene {
    world: World,
    alice: Person,
    vault: Vault,
    path: String,
}

async fn scene() -> Scene {
    let edge_urls = Some(vec![EDGE.to_owned()]);
    let differs = Differs { edge_urls, store: Store::Folder, ..Differs::default() };
    let world = World::start_with(differs).await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    world.put_chunk(&alice, &vault, &CHUNK).await.granted().unwrap();
    let path = path_in(vault.id, chunk_id(&CHUNK));
    Scene { world, alice, vault, path }
}

impl Scene {
    async fn issued(&self, person: &Person, vault: VaultId) -> Reply {
        reply(self.world.call(person, Method::GET, &format!("/vaults/{vault}/ticket"))).await
    }

    /// A new ticket, which a new session asks for.
    async fn ticket(&self) -> String {
        let alice = self.world.sign_in("alice", "password").await;
        let issued: Value = self.issued(&alice, self.vault.id).await.json();
        issued["ticket"].as_str().unwrap().to_owned()
    }

    /// Shows a ticket to the server, as an edge does.
    async fn show(&self, path: &str, ticket: &str) -> Reply {
        let asked = self.world.request(Method::GET, path);
        reply(asked.header("authorization", format!("Ticket {ticket}"))).await
    }

    /// An edge with the server's clock.
    async fn edge(&self) -> TestEdge {
        let differs = Before { clock: self.world.clock(), ..Before::default() };
        TestEdge::before(self.world.address, differs).await
    }
}

/// Reads at an edge as a page does.
async fn read(edge: &TestEdge, path: &str, ticket: &str) -> Reply {
    edge.get(&format!("{path}?ticket={ticket}"), &[("origin", "https://page.example")]).await
}

fn altered(ticket: &str) -> String {
    let end = if ticket.ends_with("AA") { "BB" } else { "AA" };
    format!("{}{end}", &ticket[..ticket.len() - 2])
}

/// Chunks that an edge served, fetched, and asked about.
fn figures(edge: &TestEdge) -> [u64; 3] {
    ["served", "fetched", "asked"].map(|name| edge.figure(&format!("edge_{name}_total")))
}

#[tokio::test]
async fn a_ticket_opens_the_chunks_of_its_vault_for_ten_minutes_and_nothing_else() {
    let scene = scene().await;
    let ticket = scene.ticket().await;
    assert_eq!(scene.show(&scene.path, &ticket).await.body, CHUNK[..]);
    let other = path_in(VaultId([9; 32]), chunk_id(&CHUNK));
    assert_eq!(scene.show(&other, &ticket).await.refusal(), (404, Code::VaultUnknown));
    let forged = scene.show(&scene.path, &altered(&ticket)).await;
    assert_eq!(forged.refusal(), (401, Code::SignedOut));
    let log = format!("/api/v1/vaults/{}/log", scene.vault.id);
    for path in [log.as_str(), "/api/v1/account", &format!("{}/ticket", &log[..log.len() - 4])] {
        assert_eq!(scene.show(path, &ticket).await.refusal(), (401, Code::SignedOut), "{path}");
    }
    let put = scene.world.request(Method::PUT, &scene.path).body(CHUNK.to_vec());
    let put = put.header("content-type", "application/octet-stream");
    let put = reply(put.header("authorization", format!("Ticket {ticket}"))).await;
    assert_eq!(put.refusal(), (401, Code::SignedOut));
    scene.world.pass_ms(TEN_MINUTES_MS);
    assert_eq!(scene.show(&scene.path, &ticket).await.refusal(), (401, Code::TokenExpired));
}

#[tokio::test]
async fn nobody_has_a_ticket_for_a_vault_of_somebody_else_or_of_a_closed_account() {
    let scene = scene().await;
    let bob = scene.world.sign_up("bob", "password").await;
    let refused = scene.issued(&bob, scene.vault.id).await;
    assert_eq!(refused.refusal(), (404, Code::VaultUnknown));
    let ticket = scene.ticket().await;
    let keeper = Keeper::beside(&Places::from(scene.world.folder.path())).unwrap();
    keeper.close("alice").await.unwrap();
    heed_closed(&scene.world.state).await;
    assert_eq!(scene.show(&scene.path, &ticket).await.refusal(), (403, Code::AccountClosed));
    assert_eq!(
        scene.issued(&scene.alice, scene.vault.id).await.refusal(),
        (403, Code::AccountClosed)
    );
}

#[tokio::test]
async fn the_app_is_told_of_edges_where_it_was_opened_and_a_policy_lets_it_ask_them() {
    let scene = scene().await;
    let opened = scene.world.state.config().public_url.clone();
    let opened = opened.split_once("://").unwrap().1;
    let read = async |host: &str| {
        let asked = scene.world.request(Method::GET, &scene.path).bearer_auth(&scene.alice.token);
        reply(asked.header("host", host)).await
    };
    assert_eq!(read(opened).await.header("offing-edges"), Some("1"));
    assert_eq!(read("near.example").await.header("offing-edges"), None);
    let ticket = scene.ticket().await;
    assert_eq!(scene.show(&scene.path, &ticket).await.header("offing-edges"), None);
    let issued: Value = scene.issued(&scene.alice, scene.vault.id).await.json();
    assert_eq!((&issued["edges"], &issued["expires_in_s"]), (&json!([EDGE]), &json!(600)));
    let policy = scene.world.get("/").await;
    let policy = policy.header("content-security-policy").unwrap();
    assert!(policy.contains("; connect-src 'self' https://near.example; "), "{policy}");
    assert_eq!(policy.matches(EDGE).count(), 1);
}

#[tokio::test]
async fn an_edge_serves_who_shows_a_ticket_and_asks_nobody() {
    let scene = scene().await;
    let edge = scene.edge().await;
    let pages = scene.world.state.config().public_url.clone();
    for served in 0..3 {
        let ticket = scene.ticket().await;
        let answer = read(&edge, &scene.path, &ticket).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &CHUNK[..]));
        assert_eq!(answer.header("access-control-allow-origin"), Some(pages.as_str()));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        until(|| edge.figure("edge_chunks") == 1).await;
        assert_eq!(figures(&edge), [served, 1, 0]);
        // Another ticket, and its owner is not asked about.
        scene.world.pass_ms(TEN_MINUTES_MS);
    }
    scene.world.pass_ms(24 * 3_600_000);
    let ticket = scene.ticket().await;
    read(&edge, &scene.path, &ticket).await.granted().unwrap();
    assert_eq!(figures(&edge), [3, 1, 1], "once a day whether the origin has it still");
}

#[tokio::test]
async fn an_edge_refuses_what_is_no_ticket_for_the_vault_and_lets_the_page_hear_it() {
    let scene = scene().await;
    let edge = scene.edge().await;
    let ticket = scene.ticket().await;
    read(&edge, &scene.path, &ticket).await.granted().unwrap();
    until(|| edge.figure("edge_chunks") == 1).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token-key"), [9; 32]).unwrap();
    let elsewhere = Tickets::open(&folder.path().join("token-key")).unwrap();
    let reader = Caller { account: scene.alice.account, device: scene.alice.device };
    let now_ms = scene.world.state.now_ms();
    let (forged, foreign) = (altered(&ticket), elsewhere.issue(reader, scene.vault.id, now_ms));
    let other = path_in(VaultId([9; 32]), chunk_id(&CHUNK));
    for (path, ticket, refused) in [
        (&other, &ticket, (404, Code::VaultUnknown)),
        (&scene.path, &forged, (401, Code::SignedOut)),
        (&scene.path, &foreign, (401, Code::SignedOut)),
    ] {
        let answer = read(&edge, path, ticket).await;
        assert_eq!(answer.refusal(), refused);
        assert!(answer.header("access-control-allow-origin").is_some());
    }
    assert_eq!(read(&edge, &scene.path, "x").await.refusal(), (401, Code::SignedOut));
    // Without a ticket all is as it was.
    assert_eq!(edge.get(&scene.path, &[]).await.refusal(), (401, Code::SignedOut));
    let with_token = edge.read(&scene.path, &scene.alice.token).await;
    assert_eq!(with_token.header("access-control-allow-origin"), None);
    scene.world.pass_ms(TEN_MINUTES_MS);
    let over = read(&edge, &scene.path, &ticket).await;
    assert_eq!(over.refusal(), (401, Code::TokenExpired));
}

#[tokio::test]
async fn an_edge_says_how_it_does_to_pages_of_the_app() {
    let scene = scene().await;
    let edge = scene.edge().await;
    let status = edge.get("/edge/status", &[]).await;
    let pages = scene.world.state.config().public_url.clone();
    assert_eq!(status.header("access-control-allow-origin"), Some(pages.as_str()));
    assert_eq!(status.header("cache-control"), Some("no-store"));
    let said: Value = status.json();
    let mut names: Vec<&String> = said.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["connections", "load", "version"]);
    assert!((0.0..=1.0).contains(&said["load"].as_f64().unwrap()));
    assert_eq!(said["connections"], 1);
}

/// An origin that signs under the key that a test puts there, and notes what it hears of chunks.
struct Signs {
    tickets: Arc<Mutex<Tickets>>,
    keys_asked: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Signs {
    fn tickets(folder: &tempfile::TempDir, secret: u8) -> Tickets {
        let path = folder.path().join("token-key");
        std::fs::write(&path, [secret; 32]).unwrap();
        Tickets::open(&path).unwrap()
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tickets = Arc::new(Mutex::new(Self::tickets(&folder, 1)));
        Self { tickets, keys_asked: Arc::default(), heard: Arc::default(), folder }
    }

    fn takes_key(&self, secret: u8) {
        *self.tickets.lock().unwrap() = Self::tickets(&self.folder, secret);
    }

    /// A ticket for the vault of `path_of`.
    fn issued(&self) -> String {
        let reader = Caller { account: AccountId([1; 16]), device: DeviceId([2; 16]) };
        self.tickets.lock().unwrap().issue(reader, VaultId([7; 32]), 0)
    }

    fn answers(&self) -> impl Fn(Request) -> std::future::Ready<Response> + Clone + use<> {
        let (tickets, keys_asked) = (Arc::clone(&self.tickets), Arc::clone(&self.keys_asked));
        let heard = Arc::clone(&self.heard);
        move |request: Request| {
            let answer = if request.uri().path() == "/api/v1/tickets/key" {
                keys_asked.fetch_add(1, Ordering::SeqCst);
                let key = tickets.lock().unwrap().checks().encode();
                Json(json!({ "key": key, "pages": "https://drive.example" })).into_response()
            } else {
                let names = request.headers().keys().map(|name| name.as_str().to_owned());
                heard.lock().unwrap().extend(names);
                heard.lock().unwrap().push(request.uri().to_string());
                CHUNK.into_response()
            };
            std::future::ready(answer)
        }
    }
}

#[tokio::test]
async fn the_origin_hears_of_a_read_with_a_ticket_what_it_needs_and_nothing_that_came_beside() {
    let signs = Signs::new();
    let edge = TestEdge::before(origin(signs.answers()).await, Before::default()).await;
    let path = format!("{}?ticket={}", path_of(&CHUNK), signs.issued());
    let beside = [
        ("cookie", "__Host-offing=abc"),
        ("origin", "https://drive.example"),
        ("user-agent", "somebody's"),
        ("if-none-match", "*"),
    ];
    assert_eq!(edge.get(&path, &beside).await.body, CHUNK[..]);
    let mut heard = signs.heard.lock().unwrap().clone();
    heard.sort();
    let wanted = ["accept", "accept-encoding", "authorization", "host", "via", "x-forwarded-for"];
    heard.retain(|line| !wanted.contains(&line.as_str()));
    assert_eq!(heard, [path_of(&CHUNK)], "no ticket is in the address");
}

#[tokio::test]
async fn a_new_key_of_the_origin_is_asked_for_and_made_up_ones_once_in_a_minute() {
    let signs = Signs::new();
    let edge = TestEdge::before(origin(signs.answers()).await, Before::default()).await;
    let asked = || signs.keys_asked.load(Ordering::SeqCst);
    read(&edge, &path_of(&CHUNK), &signs.issued()).await.granted().unwrap();
    let before = signs.issued();
    signs.takes_key(2);
    let after = signs.issued();
    for _ in 0..5 {
        assert_eq!(read(&edge, &path_of(&CHUNK), &after).await.status, StatusCode::UNAUTHORIZED);
        read(&edge, &path_of(&CHUNK), &before).await.granted().unwrap();
    }
    assert_eq!(asked(), 1);
    edge.pass_ms(60_000);
    read(&edge, &path_of(&CHUNK), &after).await.granted().unwrap();
    assert_eq!(asked(), 2);
    assert_eq!(read(&edge, &path_of(&CHUNK), &before).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn before_an_origin_without_tickets_an_edge_serves_as_ever() {
    let origin = origin(|request: Request| {
        let is_chunk = request.uri().path() == path_of(&CHUNK);
        let answer =
            if is_chunk { CHUNK.into_response() } else { StatusCode::NOT_FOUND.into_response() };
        std::future::ready(answer)
    });
    let edge = TestEdge::before(origin.await, Before::default()).await;
    let ticket = Signs::new().issued();
    assert_eq!(read(&edge, &path_of(&CHUNK), &ticket).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(edge.get("/edge/status", &[]).await.status, StatusCode::OK);
    assert_eq!(edge.read(&path_of(&CHUNK), "a").await.body, CHUNK[..]);
}
