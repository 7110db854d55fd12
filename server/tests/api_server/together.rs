//! Two processes over one database and one bucket: any call may reach either of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use offing_core::proto::{Code, SecretKind};
use offing_server::state::system_clock;
use reqwest::Method;

use crate::calls::{Calls, Person, reply};
use crate::factors::{App, OVER, STEP_MS, WAITS, WRONG, answers, asks, begins, code_of};
use crate::postgres::Postgres;
use crate::program::Program;
use crate::s3::S3;

const NAME: &str = "person-0";
const SIGNED_OUT: (u16, Code) = (401, Code::SignedOut);
/// Sooner than a process looks by itself.
const SOON: Duration = Duration::from_secs(4);

struct Together {
    one: Program,
    other: Program,
    person: Person,
    cluster: Arc<Postgres>,
    database: String,
    _bucket: S3,
}

impl Together {
    async fn start() -> Self {
        let (cluster, bucket) = (Postgres::shared(), S3::start());
        let (database, address) = (cluster.database(), bucket.address("together"));
        let options = [
            ["--database", &database],
            ["--chunks", &address.url],
            ["--s3-access-key", &address.access_key],
            ["--s3-secret-key", &address.secret_key],
            ["--logins-per-minute", "1000"],
        ];
        let options = options.concat();
        let one = Program::start(&options).await;
        // Its link is the one that counts.
        let mut other = Program::start_beside(&one, &options).await;
        let person = other.sign_up(1).await.remove(0);
        Self { one, other, person, cluster, database, _bucket: bucket }
    }

    /// Both, and the other way round.
    fn ways(&self) -> [[&Calls; 2]; 2] {
        let (one, other) = (&self.one.calls, &self.other.calls);
        [[one, other], [other, one]]
    }
}

async fn looks(calls: &Calls, person: &Person) -> (u16, Option<Code>) {
    let answer = reply(calls.call(person, Method::GET, "/account")).await;
    if answer.status.is_success() {
        return (answer.status.as_u16(), None);
    }
    let (status, code) = answer.refusal();
    (status, Some(code))
}

async fn signs_out(calls: &Calls, person: &Person) {
    let out = calls.request(Method::POST, "/api/v1/auth/sign-out");
    assert_eq!(reply(out.header("cookie", &person.cookie)).await.status, 204);
}

/// Waits until a token is refused, which it is soon.
async fn is_refused(calls: &Calls, person: &Person) {
    let refused = async {
        while looks(calls, person).await != (SIGNED_OUT.0, Some(SIGNED_OUT.1)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, refused).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_of_a_sign_in_may_reach_another_process_and_one_session_begins() {
    let both = Together::start().await;
    for [first, second] in both.ways() {
        for kind in [SecretKind::Password, SecretKind::Recovery] {
            let secret = if kind == SecretKind::Password { "password" } else { "a recovery code" };
            let proved = first.proves(NAME, kind, secret).await.unwrap();
            let phone = proved.finishes(second).await.unwrap();
            assert_eq!(phone.account, both.person.account);
            for calls in [first, second] {
                assert_eq!(looks(calls, &phone).await, (200, None));
                assert_eq!(proved.finishes(calls).await.unwrap_err().refusal(), OVER);
            }
        }
        for name in [NAME, "nobody"] {
            let guessed = first.proves(name, SecretKind::Password, "a guess").await.unwrap();
            assert_eq!(guessed.finishes(second).await.unwrap_err().refusal(), WRONG);
        }
        let proved = first.proves(NAME, SecretKind::Password, "password").await.unwrap();
        let (here, there) = join(proved.finishes(first), proved.finishes(second)).await;
        let [Ok(_), Err(refused)] = (if here.is_ok() { [here, there] } else { [there, here] })
        else {
            panic!("of two at once one begins a session");
        };
        assert_eq!(refused.refusal(), OVER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_about_a_second_factor_may_reach_another_process() {
    let both = Together::start().await;
    let app = App::set_up(&both.one.calls, &both.person, system_clock()).await;
    let mut codes = app.spare_codes.iter();
    for [first, second] in both.ways() {
        let proved = first.proves(NAME, SecretKind::Password, "password").await.unwrap();
        assert_eq!(proved.finishes(second).await.unwrap_err().refusal(), WAITS);
        assert_eq!(asks(first, &proved).await.status, 200);
        assert_eq!(answers(second, &proved, "0000-0000-0000-0000").await.refusal(), WRONG);
        assert_eq!(proved.finishes(first).await.unwrap_err().refusal(), WAITS);
        assert_eq!(answers(first, &proved, codes.next().unwrap()).await.status, 204);
        let phone = proved.finishes(second).await.unwrap();
        assert_eq!(looks(first, &phone).await, (200, None));
        assert_eq!(proved.finishes(first).await.unwrap_err().refusal(), OVER);
        assert_eq!(asks(second, &proved).await.refusal(), OVER);

        // Five wrong ones, wherever they come to.
        let guessed = begins(first, NAME).await;
        for at in [second, first, second, second, first] {
            assert_eq!(answers(at, &guessed, "0000-0000-0000-0000").await.refusal(), WRONG);
        }
        let late = answers(second, &guessed, codes.next().unwrap()).await;
        assert_eq!(late.refusal(), OVER);
        assert_eq!(guessed.finishes(first).await.unwrap_err().refusal(), OVER);
    }
    // The code of an app works at one of them, once.
    let [first, second] = both.ways()[0];
    let code = code_of(&app.secret, system_clock() + STEP_MS);
    let (proved, again) = (begins(first, NAME).await, begins(second, NAME).await);
    assert_eq!(answers(second, &proved, &code).await.status, 204);
    assert_eq!(answers(first, &again, &code).await.refusal(), WRONG);
    assert!(proved.finishes(first).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_one_process_is_refused_at_the_other() {
    let mut both = Together::start().await;
    for [first, second] in both.ways() {
        let phone = first.sign_in(NAME, "password").await;
        assert_eq!(looks(second, &phone).await, (200, None));
        signs_out(first, &phone).await;
        assert_eq!(looks(first, &phone).await, (SIGNED_OUT.0, Some(SIGNED_OUT.1)));
        is_refused(second, &phone).await;
    }
    assert_eq!(looks(&both.other.calls, &both.person).await, (200, None), "nobody else is");

    // Who did not hear it reads it.
    let phone = both.one.calls.sign_in(NAME, "password").await;
    assert_eq!(looks(&both.other.calls, &phone).await, (200, None));
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN offing1'";
    both.cluster.run(&both.database, end);
    signs_out(&both.one.calls, &phone).await;
    is_refused(&both.other.calls, &phone).await;

    // So does who was away.
    let phone = both.one.calls.sign_in(NAME, "password").await;
    assert_eq!(looks(&both.other.calls, &phone).await, (200, None));
    signs_out(&both.one.calls, &phone).await;
    both.other.restarts().await;
    let refused = looks(&both.other.calls, &phone).await;
    assert_eq!(refused, (SIGNED_OUT.0, Some(SIGNED_OUT.1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ended_is_refused_after_a_restart() {
    let mut alone = Program::start(&[]).await;
    let person = alone.sign_up(1).await.remove(0);
    let phone = alone.calls.sign_in(NAME, "password").await;
    signs_out(&alone.calls, &phone).await;
    alone.restarts().await;
    let refused = looks(&alone.calls, &phone).await;
    assert_eq!(refused, (SIGNED_OUT.0, Some(SIGNED_OUT.1)));
    assert_eq!(looks(&alone.calls, &person).await, (200, None));
}
