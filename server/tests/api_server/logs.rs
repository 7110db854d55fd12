//! What the program logs: lines that say nothing of anybody's, and what whoever keeps it should see.

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::calls::chunk_id;
use crate::harness::RECOVERY;
use crate::program::Program;

/// What was logged, each line an object.
fn lines(log: &NamedTempFile) -> Vec<Value> {
    let text = std::fs::read_to_string(log.path()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
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
    let answered = lines.iter().find(|line| {
        line["message"] == "answered" && line["spans"].to_string().contains(id)
    });
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
