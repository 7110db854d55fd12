//! Accounts, sessions and logs, as the services keep them.

use offing_core::id::{DeviceId, Hash, VaultId};
use offing_core::log::chain::ChainPoint;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::proto::{AppendResult, PageItem, Wake, encode_append};
use offing_server::service::accounts::INVITE_MS;
use offing_server::service::log::PageLimits;
use offing_server::service::news::News;
use offing_server::service::sessions::GRACE_MS;
use offing_server::service::{Caller, ServiceError, ServiceOptions, Services};
use tempfile::TempDir;

use crate::world::{
    NOW_MS, append, entry, genesis, joined, open, placed_at, sign_up, signed, with_vault,
};

fn in_memory() -> Services {
    Services::in_memory(ServiceOptions::default()).unwrap()
}

#[tokio::test]
async fn a_sign_up_link_makes_one_account() {
    let services = in_memory();
    let invite = services.first_invite(NOW_MS).await.unwrap().unwrap();
    let again = services.first_invite(NOW_MS).await.unwrap().unwrap();
    let ended = services.register(sign_up(&invite, "alice"), NOW_MS).await;
    assert!(matches!(ended, Err(ServiceError::InviteUnknown)));
    let expired = services.check_invite(&again, NOW_MS + INVITE_MS).await;
    assert!(matches!(expired, Err(ServiceError::InviteExpired)));
    let (alice, bob) = tokio::join!(
        services.register(sign_up(&again, "alice"), NOW_MS),
        services.register(sign_up(&again, "bob"), NOW_MS),
    );
    let used = if alice.is_ok() { bob } else { alice };
    assert!(matches!(used, Err(ServiceError::InviteUsed)));
    assert_eq!(services.first_invite(NOW_MS).await.unwrap(), None);
}

#[tokio::test]
async fn a_taken_name_keeps_the_link_usable() {
    let services = in_memory();
    joined(&services, "alice").await;
    let invite = services.create_invite(NOW_MS).await.unwrap();
    let taken = services.register(sign_up(&invite, "alice"), NOW_MS).await;
    assert!(matches!(taken, Err(ServiceError::NameTaken)));
    services.check_invite(&invite, NOW_MS).await.unwrap();
}

#[tokio::test]
async fn a_session_rotates_forgives_a_race_and_ends_when_copied() {
    let services = in_memory();
    let alice = joined(&services, "alice").await;
    let started = services.start_session(alice.account, alice.device, vec![4; 65], NOW_MS).await;
    let (session, first) = started.unwrap();
    let second = services.refresh_session(&first, NOW_MS).await.unwrap().token.unwrap();
    let racing = services.refresh_session(&first, NOW_MS + GRACE_MS).await.unwrap();
    assert!(racing.token.is_none());
    let third = services.refresh_session(&second, NOW_MS).await.unwrap().token.unwrap();
    services.session_of_token(&third, NOW_MS).await.unwrap();
    let copied = services.refresh_session(&first, NOW_MS).await;
    assert!(
        matches!(&copied, Err(ServiceError::CookieReused { username }) if username == "alice"),
        "{copied:?}"
    );
    let ended = services.refresh_session(&third, NOW_MS).await;
    assert!(matches!(ended, Err(ServiceError::SignedOut)));
    assert!(services.session(session.id).await.unwrap().is_none());
}

#[tokio::test]
async fn an_append_is_placed_chained_told_and_repeatable() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let mut pen = with_vault(&services, "alice").await;
    let mut news = services.listen(pen.caller.account);
    let entries = [pen.write(b"one", &[]), pen.write(b"two", &[])];
    let appended = append(&services, &pen, &entries).await;
    assert!(placed_at(&appended.results[0], 2) && placed_at(&appended.results[1], 3));
    let mut point = ChainPoint::START.extend(&Hash(pen.vault.0));
    for bytes in &entries {
        point = point.extend(&Entry::decode(bytes).unwrap().hash());
    }
    assert_eq!((appended.tip.seq, appended.tip.chain), (point.seq, point.chain));
    assert_eq!(news.next().await, News::Grown(Wake { vault: pen.vault, seq: 3 }));
    drop((services, news));

    let services = open(folder.path());
    let again = append(&services, &pen, &entries).await;
    assert_eq!(again.results, [AppendResult::Dup { seq: 2 }, AppendResult::Dup { seq: 3 }]);
    assert_eq!(again.tip, appended.tip, "the same life of the server");
    let page =
        services.read_log(&pen.caller, pen.vault, 1, None, PageLimits::default()).await.unwrap();
    assert_eq!(page.items, entries.map(PageItem::Full));
    let own = Some(pen.caller.device);
    let page =
        services.read_log(&pen.caller, pen.vault, 2, own, PageLimits::default()).await.unwrap();
    assert!(matches!(&page.items[..], [PageItem::Bare { .. }]));
    let past = services.read_log(&pen.caller, pen.vault, 99, None, PageLimits::default()).await;
    assert_eq!((past.as_ref().unwrap().tip, past.unwrap().items.len()), (appended.tip, 0));
}

#[tokio::test]
async fn a_refused_entry_ends_its_append_and_keeps_those_before() {
    let services = in_memory();
    let mut pen = with_vault(&services, "alice").await;
    let (absent, _) = crate::world::chunk(1, 10);
    let first = pen.write(b"one", &[]);
    let needy = pen.write(b"two", &[absent]);
    let after = pen.write(b"three", &[]);
    let appended = append(&services, &pen, &[first, needy.clone(), after.clone()]).await;
    assert!(placed_at(&appended.results[0], 2));
    assert_eq!(appended.results[1], AppendResult::Missing { ids: vec![absent] });
    assert_eq!(appended.results[2], AppendResult::Skipped);
    assert_eq!(appended.tip.seq, 2);

    let (id, bytes) = crate::world::chunk(1, 10);
    let mut upload = services.begin_chunk(&pen.caller, pen.vault, id, bytes.len()).await.unwrap();
    upload.push(&bytes).await.unwrap();
    upload.finish().await.unwrap();
    let appended = append(&services, &pen, &[needy, after]).await;
    assert!(placed_at(&appended.results[0], 3) && placed_at(&appended.results[1], 4));
}

#[tokio::test]
async fn forks_gaps_and_strangers_are_refused() {
    let services = in_memory();
    let mut pen = with_vault(&services, "alice").await;
    let bob = joined(&services, "bob").await;
    let base = pen.header();
    let one = pen.write(b"one", &[]);
    assert!(placed_at(&append(&services, &pen, &[one]).await.results[0], 2));
    let next = pen.header();
    let check = [
        (AppendResult::DeviceFork, base.clone()),
        (AppendResult::DeviceFork, Header { dseq: next.dseq + 1, ..next.clone() }),
        (AppendResult::DeviceFork, Header { prev: Hash([9; 32]), ..next.clone() }),
        (AppendResult::DeviceFork, Header { dseq: 0, ..next.clone() }),
        (AppendResult::DeviceFork, Header { seen_chain: Hash([9; 32]), ..next.clone() }),
        (AppendResult::DeviceFork, Header { seen_seq: 2, ..next.clone() }),
        (AppendResult::DeviceFork, Header { seen_seq: 99, ..next.clone() }),
        (AppendResult::EpochStale, Header { epoch: 2, ..next.clone() }),
        (AppendResult::EpochStale, Header { kind: EntryKind::Epoch, ..next.clone() }),
        (AppendResult::Malformed, Header { vault: Some(VaultId([9; 32])), ..next.clone() }),
        (AppendResult::Malformed, Header { vault: None, ..next.clone() }),
    ];
    for (expected, header) in check {
        let refused = append(&services, &pen, &[entry(header.clone(), b"other").encode()]).await;
        assert_eq!(refused.results, [expected], "{header:?}");
        assert_eq!(refused.tip.seq, 2);
    }
    assert_eq!(append(&services, &pen, &[vec![1, 2]]).await.results, [AppendResult::Malformed]);
    let foreign = Header { device: DeviceId([9; 16]), ..next.clone() };
    let foreign = encode_append(&[entry(foreign, b"other").encode()]);
    let foreign = services.append(&pen.caller, pen.vault, &foreign).await;
    assert!(matches!(foreign, Err(ServiceError::WrongDevice)));
    let garbage = services.append(&pen.caller, pen.vault, &[0, 0, 0, 1]).await;
    assert!(matches!(garbage, Err(ServiceError::Malformed(_))));
    let foreign = services.append(&bob, pen.vault, &encode_append(&[])).await;
    assert!(matches!(foreign, Err(ServiceError::VaultUnknown)));
    let foreign = services.read_log(&bob, pen.vault, 0, None, PageLimits::default()).await;
    assert!(matches!(foreign, Err(ServiceError::VaultUnknown)));

    let rotated = Header { kind: EntryKind::Epoch, epoch: 2, ..next };
    let rotated = entry(rotated, b"members");
    let forged = append(&services, &pen, &[rotated.encode()]).await;
    assert_eq!(forged.results, [AppendResult::Malformed], "whoever has a session has no key");
    let rotated = signed(rotated, "alice");
    assert!(placed_at(&append(&services, &pen, &[rotated.encode()]).await.results[0], 3));
    let stale = Header { dseq: 4, prev: rotated.hash(), ..pen.header() };
    let stale = append(&services, &pen, &[entry(stale, b"late").encode()]).await;
    assert_eq!(stale.results, [AppendResult::EpochStale]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_racing_for_one_counter_one_wins() {
    let folder = TempDir::new().unwrap();
    let services = open(folder.path());
    let mut pen = with_vault(&services, "alice").await;
    for round in 0..10u64 {
        let header = pen.header();
        let (a, b) = (entry(header.clone(), b"a"), entry(header, b"b"));
        let (bytes_a, bytes_b) = ([a.encode()], [b.encode()]);
        let (got_a, got_b) =
            tokio::join!(append(&services, &pen, &bytes_a), append(&services, &pen, &bytes_b));
        let (got_a, got_b) = (&got_a.results[0], &got_b.results[0]);
        let a_won = placed_at(got_a, round + 2) && *got_b == AppendResult::DeviceFork;
        let b_won = placed_at(got_b, round + 2) && *got_a == AppendResult::DeviceFork;
        assert!(a_won != b_won, "{got_a:?} {got_b:?}");
        pen.dseq += 1;
        pen.prev = if a_won { a.hash() } else { b.hash() };
    }
}

#[tokio::test]
async fn a_vault_begins_with_its_genesis_only() {
    let services = in_memory();
    let alice = joined(&services, "alice").await;
    let bob = joined(&services, "bob").await;
    let genesis = genesis(&alice);
    let header = Header::decode(&genesis.header).unwrap();
    let check = [
        Header { kind: EntryKind::Change, ..header.clone() },
        Header { vault: Some(VaultId([1; 32])), ..header.clone() },
        Header { dseq: 2, ..header.clone() },
        Header { prev: Hash([1; 32]), ..header.clone() },
        Header { device: bob.device, ..header },
    ];
    for header in check {
        let refused = services.create_vault(&alice, &entry(header, b"").encode(), NOW_MS).await;
        assert!(matches!(refused, Err(ServiceError::NotGenesis)));
    }
    let (vault, made) = services.create_vault(&alice, &genesis.encode(), NOW_MS).await.unwrap();
    assert!(placed_at(&made.results[0], 1) && vault.0 == genesis.hash().0);
    let (_, again) = services.create_vault(&alice, &genesis.encode(), NOW_MS).await.unwrap();
    assert_eq!(again.results, [AppendResult::Dup { seq: 1 }]);
    let thief = Caller { device: alice.device, ..bob };
    let stolen = services.create_vault(&thief, &genesis.encode(), NOW_MS).await;
    assert!(matches!(stolen, Err(ServiceError::VaultUnknown)));
    assert_eq!(services.vaults(alice.account).await.unwrap(), [vault]);
}

#[tokio::test]
async fn an_append_past_the_quota_is_refused_and_counts_nothing() {
    let services = in_memory();
    let mut pen = with_vault(&services, "alice").await;
    let used = services.account_view(pen.caller.account).await.unwrap().used_bytes;
    services.limit_account(pen.caller.account, Some(used + 400)).await.unwrap();
    let large = entry(pen.header(), &[0; 400]);
    let refused = append(&services, &pen, &[large.encode()]).await;
    assert_eq!(refused.results, [AppendResult::Quota]);
    assert_eq!(services.account_view(pen.caller.account).await.unwrap().used_bytes, used);
    let small = pen.write(&[0; 10], &[]);
    assert!(placed_at(&append(&services, &pen, &[small]).await.results[0], 2));
}
