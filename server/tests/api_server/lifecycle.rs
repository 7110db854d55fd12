//! Starting, stopping, and the program itself.

use std::process::Stdio;

use offing_core::proto::ServerInfo;
use offing_server::ready;
use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::calls::chunk_id;
use crate::harness::World;

#[tokio::test]
async fn a_running_server_is_alive_ready_and_says_who_it_is() {
    let world = World::start().await;
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(world.get("/readyz").await.status, 200);
    let config = world.state.config().clone();
    ready::ask(&config).await.unwrap();
    let info: ServerInfo = world.get("/api/v1/info").await.json();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.now_ms, world.state.now_ms());
    let (served, _rest) = world.stop();
    served.await.unwrap().unwrap();
    assert!(ready::ask(&config).await.is_err());
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_has_begun() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let vault = world.create_vault(&alice).await;
    let address = world.address;
    let asks = world.call(&alice, Method::GET, "/account");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT /api/v1/vaults/{}/chunks/{} HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 6\r\nExpect: 100-continue\r\n\r\n",
        vault.id,
        chunk_id(b"sealed"),
        alice.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 25];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    let (served, _rest) = world.stop();
    stream.write_all(b"sealed").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    served.await.unwrap().unwrap();
    // The port is free again, and a server of another test may have it: that knows nobody here.
    if let Ok(other) = asks.send().await {
        assert_eq!(other.status(), 401);
    }
}

fn program(data: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offing-server"));
    command
        .env_clear()
        .args(["--listen", "127.0.0.1:0", "--public-url", "http://drive.test", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn line_with(child: &mut Child, wanted: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the line comes");
        if line.contains(wanted) {
            return line.trim().to_owned();
        }
    }
}

#[tokio::test]
async fn the_program_says_its_version_and_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let version = program(folder.path()).arg("--version").output().await.unwrap();
    let text = String::from_utf8(version.stdout).unwrap();
    assert_eq!(text.trim(), concat!("offing-server ", env!("CARGO_PKG_VERSION")));
    let help = program(folder.path()).arg("--help").output().await.unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for option in ["--listen", "--data", "--assets", "--public-url", "OFFING_LISTEN", "invite"] {
        assert!(text.contains(option), "{option}");
    }
}

#[tokio::test]
async fn a_first_start_prints_a_link_a_second_server_is_refused_and_a_signal_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = program(folder.path()).spawn().unwrap();
    let link = line_with(&mut first, "/join#").await;
    let token = link.strip_prefix("http://drive.test/join#").expect(&link);
    assert_eq!(token.len(), 43);

    let second = program(folder.path()).arg("serve").output().await.unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8(second.stderr).unwrap().contains("another server"));
    let invite = program(folder.path()).arg("invite").output().await.unwrap();
    let invite = String::from_utf8(invite.stdout).unwrap();
    assert!(invite.starts_with("http://drive.test/join#"), "{invite}");
    let audit = std::fs::read_to_string(folder.path().join("audit.log")).unwrap();
    assert!(
        audit.contains(r#""action":"invite""#) && audit.contains(r#""by":"command""#),
        "{audit}"
    );

    for secret in ["server-setup", "token-key"] {
        assert!(folder.path().join(secret).is_file(), "{secret}");
    }
    let id = first.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
    assert!(killed.success());
    assert!(first.wait().await.unwrap().success());
}

#[tokio::test]
async fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (of_file, of_environment) = (folder.path().join("file"), folder.path().join("data"));
    let file = folder.path().join("offing.toml");
    let text = format!("public_url = 'http://file.test'\ndata = '{}'\n", of_file.display());
    std::fs::write(&file, text).unwrap();
    let invite = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offing-server"));
        command.env_clear().env("OFFING_CONFIG", &file).env("OFFING_DATA", &of_environment);
        command.envs(variables.iter().copied()).args(flags).arg("invite");
        async move { String::from_utf8(command.output().await.unwrap().stdout).unwrap() }
    };
    let environment = [("OFFING_PUBLIC_URL", "http://environment.test")];
    for (variables, flags, address) in [
        (&[][..], &[][..], "http://file.test/join#"),
        (&environment, &[], "http://environment.test/join#"),
        (&environment, &["--public-url", "http://flag.test"], "http://flag.test/join#"),
    ] {
        let link = invite(variables, flags).await;
        assert!(link.starts_with(address), "{link}");
    }
    assert!(of_environment.join("offing.sqlite").is_file());
    assert!(!of_file.exists());
}
