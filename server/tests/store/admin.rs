//! What whoever runs a server does to accounts, beside the server.

use std::fs;

use offing_server::admin::{self, AdminError};
use offing_server::fsck::fsck;
use offing_server::service::ServiceError;
use offing_server::service::accounts::invite_beside;
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
    let places = Places::from(folder.path());
    let names = |rows: Vec<admin::Row>| rows.into_iter().map(|row| row.username);
    let rows = admin::accounts(&places).unwrap();
    assert!(rows[0].used_bytes > 0 && rows[0].quota_bytes.is_none());
    assert_eq!(names(rows).collect::<Vec<_>>(), ["alice", "bob"]);

    // The name as people write it.
    admin::limit(&places, "Alice", Some(1_000)).unwrap();
    assert_eq!(admin::accounts(&places).unwrap()[0].quota_bytes, Some(1_000));
    let large = chunk(1, 2_000);
    let upload = || put(&services, &alice.caller, alice.vault, &large);
    let refused = runtime.block_on(upload());
    assert!(matches!(refused, Err(ServiceError::QuotaExceeded)), "{refused:?}");
    admin::limit(&places, "alice", None).unwrap();
    runtime.block_on(upload()).unwrap();

    let sessions = admin::sessions(&places, "alice").unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].device, alice.caller.device);
    assert_eq!(admin::sign_out(&places, "alice").unwrap(), 1);
    assert!(admin::sessions(&places, "alice").unwrap().is_empty());
    assert_eq!(admin::sessions(&places, "bob").unwrap().len(), 1);

    admin::close(&places, "alice").unwrap();
    let closed = |rows: Vec<admin::Row>| rows.into_iter().map(|row| row.is_closed);
    assert_eq!(closed(admin::accounts(&places).unwrap()).collect::<Vec<_>>(), [true, false]);
    admin::open(&places, "alice").unwrap();
    assert_eq!(closed(admin::accounts(&places).unwrap()).collect::<Vec<_>>(), [false, false]);

    let log = fs::read_to_string(folder.path().join("audit.log")).unwrap();
    let said = log.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["action"].to_string(), line["account"].to_string())
    });
    let expected = ["quota", "quota", "sign-out", "close", "open"];
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
    for refused in [admin::accounts(&places).map(drop), admin::limit(&places, "alice", None)] {
        assert!(matches!(refused, Err(AdminError::Service(error)) if is_refused(&error)));
    }
    let version: u32 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 3);
}

#[test]
fn who_is_not_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    let places = Places::from(folder.path());
    assert!(matches!(admin::accounts(&places), Err(AdminError::Service(_))));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    drop(open(folder.path()));
    for name in ["nobody", "no name at all", ""] {
        let refused = admin::limit(&places, name, Some(1));
        assert!(matches!(refused, Err(AdminError::AccountUnknown { .. })), "{name}");
    }
    assert!(!folder.path().join("audit.log").exists());
}
