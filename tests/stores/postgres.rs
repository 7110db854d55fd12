//! The metadata in PostgreSQL.

use std::sync::mpsc;

use offing_core::id::{AccountId, DeviceId, Hash, VaultId};
use offing_server::store::conformance::META_CLAIMS;
use offing_server::store::growth::{Growth, Question};
use offing_server::store::meta::{
    Account, Answer, Durability, MetaError, MetaStore, MetaTx, StoredEntry, Vault, WriteJob,
};
use offing_server::store::note::Note;
use offing_server::store::postgres::PostgresMeta;
use offing_tests::engines::postgres::Postgres;

pub(crate) const ALICE: AccountId = AccountId([1; 16]);
const VAULT: VaultId = VaultId([2; 32]);
const PHONE: DeviceId = DeviceId([3; 16]);

pub(crate) fn alice() -> Account {
    Account {
        id: ALICE,
        username: "alice".to_owned(),
        password_file: vec![1],
        recovery_file: vec![2],
        identity_public: vec![3],
        identity_sealed: vec![4],
        password_slot: vec![5],
        recovery_slot: vec![6],
        kit_confirmed: false,
        quota_bytes: None,
        used_bytes: 0,
        created_ms: 7,
    }
}

fn used(meta: &dyn MetaStore) -> u64 {
    meta.read_blocking(|state| state.account(&ALICE)).unwrap().unwrap().used_bytes
}

#[test]
fn postgres_meta_conforms() {
    let cluster = Postgres::shared();
    for claim in META_CLAIMS {
        claim(&PostgresMeta::open(&cluster.database()).unwrap());
    }
}

#[test]
fn processes_take_turns_and_lose_nothing_of_each_other() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    // Opened at once, as processes that start together do.
    let open = || PostgresMeta::open(&url).unwrap();
    let stores: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..3).map(|_| scope.spawn(open)).collect();
        opening.into_iter().map(|store| store.join().unwrap()).collect()
    });
    let add = |tx: &mut dyn MetaTx| tx.add_account(&alice());
    (&stores[0] as &dyn MetaStore).write_blocking(Durability::Now, add).unwrap();
    // Each reads what there is and writes one more: what is not serialised is lost.
    let count = || -> WriteJob {
        Box::new(|tx| {
            let used = tx.account(&ALICE)?.expect("it was added").used_bytes;
            tx.limit_account(&ALICE, Some(used + 1))?;
            tx.add_usage(&ALICE, 1)?;
            Ok(Box::new(()))
        })
    };
    let answers: Vec<_> = (0..300)
        .map(|n| {
            let durability = if n % 2 == 0 { Durability::Now } else { Durability::Later };
            stores[n % 3].submit_write(durability, count())
        })
        .collect();
    for answer in answers {
        answer.blocking_recv().unwrap().unwrap();
    }
    let account = (&stores[1] as &dyn MetaStore).read_blocking(|state| state.account(&ALICE));
    let account = account.unwrap().unwrap();
    assert_eq!((account.used_bytes, account.quota_bytes), (300, Some(300)));
    let commits: u64 = stores.iter().map(|store| store.stats().durable_commits).sum();
    assert!(commits < 150, "jobs share commits: {commits}");
}

fn vault(id: u8, seq: u64) -> Vault {
    let id = VaultId([id; 32]);
    Vault { id, account: ALICE, seq, chain: Hash([0; 32]), epoch: 1, recovering: false }
}

/// Alice with eight vaults, in which nothing is yet.
fn populate(meta: &dyn MetaStore) {
    let add = |tx: &mut dyn MetaTx| {
        tx.add_account(&alice())?;
        (0..8).try_for_each(|id| tx.add_vault(&vault(id, 0), 1))
    };
    meta.write_blocking(Durability::Now, add).unwrap();
}

/// The next entry of the vault, behind `seq`.
fn next(id: u8, seq: u64) -> Growth {
    let entry = StoredEntry {
        seq: seq + 1,
        device: PHONE,
        dseq: seq + 1,
        hash: Hash([7; 32]),
        chain: Hash([0; 32]),
        header: vec![1; 10],
        signature: [9; 64],
        body_hash: Hash([8; 32]),
        body: Some(vec![0; 100]),
    };
    Growth { vault: vault(id, seq + 1), entries: vec![entry], bytes: 10, declared: Vec::new() }
}

/// Appends an entry to the end of a vault, or where the vault does not end; says how many bytes were
/// stored before.
fn append(meta: &dyn MetaStore, id: u8, off: u64) -> Answer {
    let question = Question {
        vault: VaultId([id; 32]),
        account: ALICE,
        device: PHONE,
        seen: 0,
        chunks: Vec::new(),
    };
    let asked = question.clone();
    let job = move |tx: &mut dyn MetaTx| {
        let found = tx.standing(&asked)?.expect("it was added");
        assert_eq!(found.vault.seq, found.counter.map_or(0, |last| last.dseq));
        tx.grow(next(id, found.vault.seq + off))?;
        Ok(Box::new(found.used_bytes) as _)
    };
    meta.submit_append(question, Box::new(job))
}

/// Holds the writer until what it gives is dropped: what is queued meanwhile shares a commit.
fn hold(meta: &dyn MetaStore) -> mpsc::Sender<()> {
    let (held, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let job: WriteJob = Box::new(move |_| {
        begun.send(()).unwrap();
        let _ = gate.recv();
        Ok(Box::new(()))
    });
    drop(meta.submit_write(Durability::Now, job));
    begins.recv().unwrap();
    held
}

#[test]
fn appends_that_share_a_commit_share_their_statements() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    drop(PostgresMeta::open(&url).unwrap());
    let logs = "DO $$ BEGIN EXECUTE \
        format('ALTER DATABASE %I SET log_statement = %L', current_database(), 'all'); END $$";
    cluster.run(&url, logs);
    let store = PostgresMeta::open(&url).unwrap();
    let meta: &dyn MetaStore = &store;
    populate(meta);
    // Statements are prepared when they are used first.
    append(meta, 0, 0).blocking_recv().unwrap().unwrap();
    let of_appends = |count: u8| {
        let held = hold(meta);
        let before = cluster.log().len();
        let answers: Vec<_> = (0..count).map(|n| append(meta, n % 8, 0)).collect();
        drop(held);
        for answer in answers {
            answer.blocking_recv().unwrap().unwrap();
        }
        let log = cluster.log();
        let said = log[before..].lines().filter_map(|line| line.split_once("LOG:  "));
        let said = said.map(|(_, said)| said.chars().take(40).collect::<String>());
        // What held the writer ends with a commit of its own.
        said.skip_while(|said| said != "statement: COMMIT").skip(1).collect::<Vec<_>>()
    };
    // A transaction with its lock, the questions, what grows, the notes, the commit.
    let alone = of_appends(1);
    assert_eq!(alone.len(), 5, "{alone:?}");
    // What grows is in a savepoint, so that nobody is harmed if it is refused.
    let many = of_appends(40);
    assert_eq!(many.len(), 7, "{many:?}");
}

/// Filled at once, so that the database has counted nothing, and asked for plans that are made once.
#[test]
fn an_append_looks_each_row_up_by_its_key_and_compiles_no_plan() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    drop(PostgresMeta::open(&url).unwrap());
    // The plan of each statement, with what running it came to, in the log.
    let explains = "DO $$ DECLARE setting TEXT; BEGIN FOREACH setting IN ARRAY ARRAY[ \
        'session_preload_libraries = auto_explain', 'auto_explain.log_min_duration = 0', \
        'auto_explain.log_analyze = on'] LOOP \
        EXECUTE format('ALTER DATABASE %I SET %s', current_database(), setting); \
        END LOOP; END $$";
    cluster.run(&url, explains);
    let store = PostgresMeta::open(&url).unwrap();
    let meta: &dyn MetaStore = &store;
    populate(meta);
    for _ in 0..8 {
        append(meta, 0, 0).blocking_recv().unwrap().unwrap();
    }
    let before = cluster.log().len();
    append(meta, 0, 0).blocking_recv().unwrap().unwrap();
    let log = cluster.log();
    let said = &log[before..];
    assert!(
        said.contains("Index Scan using log_pkey") && said.contains("Update on vaults"),
        "{said}"
    );
    assert!(!said.contains("JIT:"), "{said}");
    // Everything that was read was wanted.
    assert!(!said.contains("Rows Removed"), "{said}");
}

#[test]
fn appends_that_share_a_commit_see_each_other_and_one_that_fails_harms_none() {
    let cluster = Postgres::shared();
    let store = PostgresMeta::open(&cluster.database()).unwrap();
    let meta: &dyn MetaStore = &store;
    populate(meta);
    for refused in [None, Some(3)] {
        let before = (used(meta), meta.stats().durable_commits);
        let held = hold(meta);
        let mut good: Vec<_> = (0..24).map(|n| append(meta, n % 8, 0)).collect();
        // It believes what is not so; what comes behind it in that vault was misled.
        let misled = refused.map(|id| [append(meta, id, 5), append(meta, id, 0)]);
        // Others ask, change and fail between them.
        let looks: WriteJob = Box::new(|tx| {
            tx.add_usage(&ALICE, 1_000)?;
            let seqs = (0..8).map(|id| Ok(tx.vault(&VaultId([id; 32]))?.expect("it is there").seq));
            Ok(Box::new(seqs.collect::<Result<Vec<_>, MetaError>>()?))
        });
        let looks = meta.submit_write(Durability::Now, looks);
        let gives_up: WriteJob = Box::new(|tx| {
            tx.grow(next(0, tx.vault(&VaultId([0; 32]))?.expect("it is there").seq))?;
            tx.add_account(&alice())?;
            Ok(Box::new(()))
        });
        let gives_up = meta.submit_write(Durability::Now, gives_up);
        good.extend((0..8).map(|n| append(meta, n, 0)));
        drop(held);
        for (n, answer) in (0..).zip(good) {
            let others = if n < 24 { 0 } else { 1_000 };
            let stored = answer.blocking_recv().unwrap().unwrap();
            assert_eq!(stored.downcast_ref(), Some(&(before.0 + 10 * n + others)), "{n}");
        }
        for answer in misled.into_iter().flatten() {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(MetaError::Constraint)));
        }
        let seqs = looks.blocking_recv().unwrap().unwrap();
        let expected = vec![if refused.is_some() { 7_u64 } else { 3 }; 8];
        assert_eq!(seqs.downcast_ref(), Some(&expected));
        assert!(matches!(gives_up.blocking_recv().unwrap(), Err(MetaError::Constraint)));
        assert_eq!(used(meta), before.0 + 320 + 1_000, "who was refused pays nothing");
        assert_eq!(meta.stats().durable_commits, before.1 + 1);
    }
}

#[test]
fn growth_is_told_to_the_other_processes_and_not_to_its_own() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    let (here, there) = (PostgresMeta::open(&url).unwrap(), PostgresMeta::open(&url).unwrap());
    let (at_home, heard_here) = mpsc::channel();
    let (abroad, heard_there) = mpsc::channel();
    here.listen(Box::new(move |note| at_home.send(note).unwrap()));
    there.listen(Box::new(move |note| abroad.send(note).unwrap()));
    // Each begins by saying that it knows nothing yet.
    assert_eq!((heard_here.recv(), heard_there.recv()), (Ok(Note::Missed), Ok(Note::Missed)));
    let vault = |seq| vault(2, seq);
    let here: &dyn MetaStore = &here;
    let grow = move |tx: &mut dyn MetaTx| {
        tx.add_account(&alice())?;
        tx.add_vault(&vault(0), 1)?;
        tx.advance_vault(&vault(1))?;
        tx.advance_vault(&vault(2))
    };
    here.write_blocking(Durability::Now, grow).unwrap();
    let fail = move |tx: &mut dyn MetaTx| {
        tx.advance_vault(&vault(3))?;
        tx.add_account(&alice())
    };
    assert!(here.write_blocking(Durability::Now, fail).is_err());
    let there: &dyn MetaStore = &there;
    there.write_blocking(Durability::Now, move |tx| tx.advance_vault(&vault(4))).unwrap();
    let grown = |seq| Ok(Note::Grown { account: ALICE, vault: VAULT, seq });
    assert_eq!(heard_there.recv(), grown(2), "once for each job, and not what failed");
    assert_eq!(heard_here.recv(), grown(4), "its own was not told");
}

#[test]
fn a_lost_connection_is_made_again() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    let store = PostgresMeta::open(&url).unwrap();
    let (told, heard) = mpsc::channel();
    store.listen(Box::new(move |note| {
        // The test may be over.
        let _ = told.send(note);
    }));
    assert_eq!(heard.recv(), Ok(Note::Missed));
    let meta: &dyn MetaStore = &store;
    meta.write_blocking(Durability::Now, |tx| tx.add_account(&alice())).unwrap();
    // In the middle of a job, which is lost as a whole.
    let (url_there, cluster_there) = (url.clone(), cluster.clone());
    let cut = meta.write_blocking(Durability::Now, move |tx| {
        tx.add_usage(&ALICE, 5)?;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        cluster_there.run(&url_there, others);
        tx.account(&ALICE)
    });
    assert!(matches!(cut, Err(MetaError::RolledBack)), "{cut:?}");
    assert_eq!(heard.recv(), Ok(Note::Missed), "what happened meanwhile was not told");
    meta.write_blocking(Durability::Now, |tx| tx.add_usage(&ALICE, 1)).unwrap();
    // Readers find out when they ask.
    let read = (0..8).find_map(|_| meta.read_blocking(|state| state.account(&ALICE)).ok());
    assert_eq!(read.flatten().unwrap().used_bytes, 1);
}

#[test]
fn everything_is_kept_over_a_reopening_and_a_later_version_is_refused() {
    let cluster = Postgres::shared();
    let url = cluster.database();
    let store = PostgresMeta::open(&url).unwrap();
    let meta: &dyn MetaStore = &store;
    let life = meta.read_blocking(|state| state.incarnation()).unwrap();
    meta.write_blocking(Durability::Later, |tx| {
        tx.add_account(&Account { used_bytes: 9, ..alice() })
    })
    .unwrap();
    drop(store);
    let store = PostgresMeta::open(&url).unwrap();
    let meta: &dyn MetaStore = &store;
    assert_eq!(meta.read_blocking(|state| state.incarnation()).unwrap(), life);
    assert_eq!(used(meta), 9);
    for _ in 0..10 {
        let panics = |tx: &mut dyn MetaTx| -> Result<(), MetaError> {
            tx.add_usage(&ALICE, 1)?;
            panic!("this test panics on purpose")
        };
        let panicked = meta.write_blocking(Durability::Now, panics);
        assert!(matches!(panicked, Err(MetaError::Panicked)));
    }
    assert_eq!(used(meta), 9);
    drop(store);
    drop(PostgresMeta::open_beside(&url).unwrap());
    let empty = PostgresMeta::open_beside(&cluster.database());
    assert!(matches!(empty.map(drop), Err(MetaError::TooOld { found: 0, .. })));
    cluster.run(&url, "INSERT INTO schema SELECT generate_series(100, 1099)");
    for refused in [PostgresMeta::open(&url), PostgresMeta::open_beside(&url)] {
        assert!(matches!(refused.map(drop), Err(MetaError::TooNew { .. })));
    }
    cluster.run(&url, "DELETE FROM schema WHERE version > 1");
    let refused = PostgresMeta::open_beside(&url);
    assert!(matches!(refused.map(drop), Err(MetaError::TooOld { found: 1, .. })));
}
