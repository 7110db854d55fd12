//! What the program logs: lines that say nothing of anybody's, and what whoever keeps it should see.

use std::path::Path;

use offing_core::proto::{Code, SecretKind};
use offing_server::admin::Keeper;
use offing_server::store::places::Places;
use reqwest::Method;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::calls::{chunk_id, reply};
use crate::harness::RECOVERY;
use crate::program::{PROGRAM, Program};

/// What was logged, each line an object.
fn lines(log: &NamedTempFile) -> Vec<Value> {
    objects(&std::fs::read_to_string(log.path()).unwrap())
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Lines for whoever keeps the server.
fn audited(lines: Vec<Value>) -> Vec<Value> {
    lines.into_iter().filter(|line| line["target"] == "offing_server::audit").collect()
}

#[tokio::test]
async fn each_line_for_machines_is_an_object_with_its_request_and_nothing_of_anybody() {
    let options = ["--log", "debug", "--log-format", "json"];
    let (mut program, log) = Program::start_logging(&options).await;
    let alice = program.sign_up(1).await.remove(0);
    let calls = program.calls.clone();
    let vault = calls.create_vault(&alice).await;
    let chunk = b"sealed bytes of somebody".repeat(9);
    let stored = calls.put_chunk(&alice, &vault, &chunk).await.granted().unwrap();
    calls.get("/files/a-secret-place").await;
    program.stop().await;

    let lines = lines(&log);
    let id = stored.header("x-request-id").unwrap();
    let answered = lines
        .iter()
        .find(|line| line["message"] == "answered" && line["spans"].to_string().contains(id));
    let call = &answered.unwrap()["spans"][0];
    assert_eq!(call["id"], id);
    assert_eq!(call["route"], "/api/v1/vaults/{vault}/chunks/{chunk}");
    assert_eq!((&call["method"], &call["status"]), (&"PUT".into(), &200.into()));
    let told = std::fs::read_to_string(log.path()).unwrap();
    let (account, device) = (alice.account.to_string(), alice.device.to_string());
    let (vault, chunk) = (vault.id.to_string(), chunk_id(&chunk).to_string());
    let secrets = [&account, &device, &vault, &chunk, &alice.token, &alice.cookie];
    let words = ["person-0", "a-secret-place", RECOVERY, "sealed bytes"];
    for secret in secrets.into_iter().map(String::as_str).chain(words) {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn whoever_is_refused_what_is_not_theirs_is_logged_with_address_and_request() {
    let (mut program, log) = Program::start_logging(&["--log-format", "json"]).await;
    let [alice, bob]: [_; 2] = program.sign_up(2).await.try_into().unwrap();
    let calls = program.calls.clone();
    let mut refused = Vec::new();

    let unknown = calls.try_sign_up("no such link", "carol", "password", RECOVERY).await;
    refused.push(unknown.unwrap_err());
    let wrong = calls.try_sign_in("person-0", SecretKind::Password, "a guess").await;
    refused.push(wrong.unwrap_err());
    let forged = calls.request(Method::GET, "/api/v1/account").bearer_auth("forged.by.somebody");
    refused.push(reply(forged).await);
    let foreign = calls.request(Method::POST, "/api/v1/auth/refresh");
    let foreign = foreign.header("origin", "https://evil.example").header("cookie", &bob.cookie);
    refused.push(reply(foreign).await);
    let second = calls.refresh(&alice.cookie).await.cookie().unwrap();
    calls.refresh(&second).await;
    refused.push(calls.refresh(&alice.cookie).await);
    Keeper::beside(&Places::from(program.data())).unwrap().close("person-1").await.unwrap();
    let closed = calls.try_sign_in("person-1", SecretKind::Password, "password").await;
    refused.push(closed.unwrap_err());
    let expected = [
        (403, Code::InviteUnknown, "refused"),
        (401, Code::WrongCredentials, "refused"),
        (401, Code::SignedOut, "refused: a token that is not ours"),
        (403, Code::BadRequest, "refused: a foreign origin"),
        (401, Code::SignedOut, "refused: a copied cookie"),
        (403, Code::AccountClosed, "refused"),
    ];
    let answers: Vec<_> = refused.iter().map(|answer| answer.refusal()).collect();
    assert_eq!(answers, expected.map(|(status, code, _)| (status, code)));
    // Whoever goes on is told once a minute.
    for _ in 0..3 {
        while calls
            .try_sign_in("person-0", SecretKind::Password, "a guess")
            .await
            .unwrap_err()
            .status
            != 429
        {}
    }
    // What happens to people who mean well is no matter.
    assert_eq!(calls.get("/api/v1/account").await.status, 401);
    program.stop().await;

    let audited = audited(lines(&log));
    for (line, (answer, (_, code, says))) in audited.iter().zip(refused.iter().zip(expected)) {
        assert_eq!(line["message"], says);
        assert_eq!(line["code"], format!("{code:?}"), "{line}");
        assert_eq!(line["address"], "127.0.0.1");
        assert_eq!(line["request"], answer.header("x-request-id").unwrap());
    }
    let count = |code: &str| audited.iter().filter(|line| line["code"] == code).count();
    assert_eq!((count("RateLimited"), count("SignedOut")), (1, 2));
    assert_eq!(audited[4]["username"], "person-0", "whose cookie it was");
    let told = std::fs::read_to_string(log.path()).unwrap();
    for secret in [&alice.token, &alice.cookie, &bob.cookie, "forged.by", "no such link", "evil"] {
        assert!(!told.contains(secret), "{secret}");
    }
}

/// Runs a command of the program and answers what it has noted, in its log.
async fn command(options: &[&str]) -> Vec<Value> {
    let mut command = Command::new(PROGRAM);
    let output = command.env_clear().args(["--log-format", "json"]).args(options).output().await;
    let output = output.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{options:?}: {log}");
    audited(objects(&log))
}

#[tokio::test]
async fn what_commands_change_is_noted_in_the_folder_and_in_the_log() {
    let mut program = Program::start(&[]).await;
    program.sign_up(1).await;
    let folder = program.stop().await;
    let room = tempfile::tempdir().unwrap();
    let path = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
    let (data, backup, restored) = (folder.path().to_str().unwrap(), path("backup"), path("data"));
    let (old, new, moved) = (path("old.toml"), path("new.toml"), path("moved"));
    std::fs::write(&old, format!("data = '{data}'")).unwrap();
    std::fs::write(&new, format!("data = '{moved}'")).unwrap();
    for (folder, action, options) in [
        (data, "invite", &["invite", "--data", data][..]),
        (data, "quota", &["admin", "quota", "person-0", "5", "--data", data]),
        (data, "fsck-repair", &["fsck", "--repair", "--data", data]),
        (data, "restored", &["restored", "--data", data]),
        (data, "", &["fsck", "--data", data]),
        (data, "", &["backup", "--to", &backup, "--data", data]),
        (&restored, "restore", &["restore", "--from", &backup, "--data", &restored]),
        (&moved, "migrate", &["migrate", "--from", &old, "--to", &new]),
    ] {
        let logged = command(options).await;
        if action.is_empty() {
            assert!(logged.is_empty(), "{options:?} changes nothing: {logged:?}");
            continue;
        }
        assert_eq!(logged.len(), 1, "{options:?}");
        assert_eq!((&logged[0]["action"], &logged[0]["by"]), (&action.into(), &"command".into()));
        let kept = std::fs::read_to_string(Path::new(folder).join("audit.log")).unwrap();
        let last = objects(&kept).pop().unwrap();
        assert_eq!((&last["action"], &last["by"]), (&action.into(), &"command".into()));
    }
}
