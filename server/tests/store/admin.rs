//! What whoever runs a server does to accounts, beside the server.

use std::fs;

use offing_server::admin::{AdminError, Keeper};
use offing_server::fsck::fsck;
use offing_server::service::ServiceError;
use offing_server::service::accounts::invite_beside;
use offing_server::store::keeping::Listed;
use offing_server::store::meta::MetaError;
use offing_server::store::places::Places;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::uploads::put;
use crate::world::{NOW_MS, chunk, open, with_vault};

#[test]
fn accounts_are_listed_limited_signed_out_and_closed_beside_a_server_that_runs() {
    let (runtime, folder) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    let services = open(folder.path());
    let (alice, _bob) = runtime.block_on(async {
        let bob = with_vault(&services, "bob").await;
        (with_vault(&services, "alice").await, bob)
    });
    let keeper = Keeper::beside(&Places::from(folder.path())).unwrap();
    let listed = || runtime.block_on(keeper.accounts_after("")).unwrap();
    let names = |rows: Vec<Listed>| rows.into_iter().map(|row| row.username);
    let rows = listed();
    assert!(rows[0].used_bytes > 0 && rows[0].quota_bytes.is_none());
    assert_eq!(names(rows).collect::<Vec<_>>(), ["alice", "bob"]);

    // The name as people write it.
    runtime.block_on(keeper.limit("Alice", Some(1_000))).unwrap();
    assert_eq!(listed()[0].quota_bytes, Some(1_000));
    let large = chunk(1, 2_000);
    let upload = || put(&services, &alice.caller, alice.vault, &large);
    let refused = runtime.block_on(upload());
    assert!(matches!(refused, Err(ServiceError::QuotaExceeded)), "{refused:?}");
    runtime.block_on(keeper.limit("alice", None)).unwrap();
    runtime.block_on(upload()).unwrap();

    let sessions = |name: &'static str| runtime.block_on(keeper.sessions(name)).unwrap();
    assert_eq!(sessions("alice").len(), 1);
    assert_eq!(sessions("alice")[0].device, alice.caller.device);
    assert_eq!(runtime.block_on(keeper.sign_out("alice")).unwrap(), 1);
    assert!(sessions("alice").is_empty());
    assert_eq!(sessions("bob").len(), 1);

    let closed = || listed().into_iter().map(|row| row.is_closed).collect::<Vec<_>>();
    runtime.block_on(keeper.close("alice")).unwrap();
    assert_eq!(closed(), [true, false]);
    runtime.block_on(keeper.open("alice")).unwrap();
    assert_eq!(closed(), [false, false]);
    runtime.block_on(keeper.remove_second_factor("alice")).unwrap();
    assert!(!listed()[0].second_factor);

    let log = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    let said = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["by"], "command");
        (line["action"].to_string(), line["account"].to_string())
    });
    let expected = ["quota", "quota", "sign-out", "close", "open", "second-factor-off"];
    let expected = expected.map(|action| (format!("{action:?}"), format!("{:?}", "alice")));
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()));
    let places = Places::from(folder.path());
    let database = folder.path().join("offing.sqlite");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    let is_refused = |refused: &ServiceError| {
        matches!(refused, ServiceError::Meta(cause)
            if matches!(**cause, MetaError::TooOld { found: 3, .. }))
    };
    let invite = Runtime::new().unwrap().block_on(invite_beside(folder.path(), NOW_MS));
    let checked = fsck(&places, true, &mut |_| {});
    assert!(invite.is_err_and(|error| is_refused(&error)));
    assert!(checked.is_err_and(|error| is_refused(&error)));
    let keeper = Keeper::beside(&places).map(drop);
    assert!(matches!(keeper, Err(AdminError::Service(error)) if is_refused(&error)));
    let version: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 3);
}

#[test]
fn who_is_not_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    let places = Places::from(folder.path());
    assert!(matches!(Keeper::beside(&places), Err(AdminError::Service(_))));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    drop(open(folder.path()));
    let (runtime, keeper) = (Runtime::new().unwrap(), Keeper::beside(&places).unwrap());
    for name in ["nobody", "no name at all", ""] {
        let refused = runtime.block_on(keeper.limit(name, Some(1)));
        assert!(matches!(refused, Err(AdminError::AccountUnknown { .. })), "{name}");
    }
    assert!(!folder.path().join("audit.log").exists());
}
