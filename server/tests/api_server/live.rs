//! The live socket.

use std::time::Duration;

use futures_util::StreamExt as _;
use offing_core::proto::{Code, Refusal, Wake};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};

use crate::calls::Calls;
use crate::harness::World;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn connect(
    world: &Calls,
    cookie: &str,
    origin: Option<&str>,
) -> Result<Socket, Error> {
    let stream = TcpStream::connect(world.address).await?;
    connect_over(stream, world, cookie, origin).await
}

/// The same over a connection that is there. What is told is short, and so are its buffers.
pub(crate) async fn connect_over(
    stream: TcpStream,
    world: &Calls,
    cookie: &str,
    origin: Option<&str>,
) -> Result<Socket, Error> {
    let url = format!("ws://{}/api/v1/live", world.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let stream = MaybeTlsStream::Plain(stream);
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
    client_async_with_config(request, stream, Some(config)).await.map(|(socket, _)| socket)
}

pub(crate) async fn next(socket: &mut Socket) -> Message {
    let next = tokio::time::timeout(Duration::from_secs(20), socket.next());
    next.await.expect("a message comes").unwrap().unwrap()
}

async fn next_wake(socket: &mut Socket) -> Wake {
    serde_json::from_str(next(socket).await.to_text().unwrap()).unwrap()
}

pub(crate) fn refusal(refused: Error) -> (u16, Code) {
    let Error::Http(response) = refused else { panic!("not an answer: {refused}") };
    let body = response.body().as_deref().unwrap_or_default();
    let code = serde_json::from_slice::<Refusal>(body).map_or(Code::Internal, |body| body.code);
    (response.status().as_u16(), code)
}

#[tokio::test]
async fn a_socket_tells_the_tips_and_then_each_growth_of_its_account() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    let mut vault = world.create_vault(&alice).await;
    let mut foreign = world.create_vault(&bob).await;
    let origin = format!("http://{}", world.address);
    let mut socket = connect(&world, &alice.cookie, Some(&origin)).await.unwrap();
    assert_eq!(next_wake(&mut socket).await, Wake { vault: vault.id, seq: 1 });
    let entry = foreign.next(&[]);
    world.append(&bob, &foreign, &[entry]).await;
    let entry = vault.next(&[]);
    world.append(&alice, &vault, &[entry]).await;
    assert_eq!(next_wake(&mut socket).await, Wake { vault: vault.id, seq: 2 });
    let second = world.create_vault(&alice).await;
    assert_eq!(next_wake(&mut socket).await.vault, second.id);
}

#[tokio::test]
async fn a_socket_wants_the_cookie_and_a_page_of_this_server() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let origin = format!("http://{}", world.address);
    let foreign = connect(&world, &alice.cookie, Some("https://evil.example")).await.unwrap_err();
    assert_eq!(refusal(foreign).0, 403);
    let nameless = connect(&world, &alice.cookie, None).await.unwrap_err();
    assert_eq!(refusal(nameless).0, 403);
    let nobody = connect(&world, "a=b", Some(&origin)).await.unwrap_err();
    assert_eq!(refusal(nobody).0, 401);
}

#[tokio::test]
async fn a_stopping_server_says_so_to_its_sockets() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let origin = format!("http://{}", world.address);
    let mut socket = connect(&world, &alice.cookie, Some(&origin)).await.unwrap();
    let (served, _rest) = world.stop();
    let Message::Close(Some(frame)) = next(&mut socket).await else { panic!("not a close") };
    assert_eq!(u16::from(frame.code), 1001);
    served.await.unwrap().unwrap();
}
