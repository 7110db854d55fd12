//! Second factors: who is asked, what is taken, and what no thief of a password gets by.

use hmac::{Hmac, Mac as _};
use offing_core::proto::{
    Code, FactorAnswer, FactorAsk, FactorAsked, FactorProof, Factors, Refusal, SecretKind,
    SpareCodes, TotpFinish, TotpStarted,
};
use reqwest::Method;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::calls::{Calls, Person, Proved, Reply, device_binding, reply};
use crate::harness::{Differs, RECOVERY, Store, World};

/// The app of a person.
pub(crate) struct App {
    pub(crate) secret: Vec<u8>,
    pub(crate) spare_codes: Vec<String>,
}

impl App {
    /// Sets one up.
    async fn of(world: &World, person: &Person) -> Self {
        Self::set_up(world, person, world.state.now_ms()).await
    }

    /// Sets one up where it is as late as this.
    pub(crate) async fn set_up(world: &Calls, person: &Person, now_ms: i64) -> Self {
        let started: TotpStarted = starts(world, person).await.granted().unwrap().json();
        let secret = from_base32(&started.secret);
        let code = code_of(&secret, now_ms);
        let finished = finishes(world, person, &started, &code).await.granted().unwrap();
        Self { secret, spare_codes: finished.json::<SpareCodes>().spare_codes }
    }

    /// What it shows now.
    fn shows(&self, world: &World) -> String {
        code_of(&self.secret, world.state.now_ms())
    }

    /// A code that it does not show in these minutes.
    fn never_shows(&self, world: &World) -> String {
        let now_ms = world.state.now_ms();
        let shown: Vec<String> =
            (-10..10).map(|step| code_of(&self.secret, now_ms + step * STEP_MS)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !shown.contains(code)).unwrap()
    }
}

pub(crate) const STEP_MS: i64 = 30_000;

/// RFC 6238, as the app has it.
pub(crate) fn code_of(secret: &[u8], at_ms: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).unwrap();
    mac.update(&(at_ms / STEP_MS).to_be_bytes());
    let sum = mac.finalize().into_bytes();
    let at = usize::from(sum[19] & 15);
    let word = u32::from_be_bytes(sum[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn from_base32(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for char in text.bytes() {
        let value = if char.is_ascii_uppercase() { char - b'A' } else { char - b'2' + 26 };
        bits.push_str(&format!("{value:05b}"));
    }
    let byte = |bits: &[u8]| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap();
    bits.as_bytes().chunks_exact(8).map(byte).collect()
}

pub(crate) fn by_cookie(
    world: &Calls,
    person: &Person,
    method: Method,
    path: &str,
) -> reqwest::RequestBuilder {
    let path = format!("/api/v1/account/factors{path}");
    world.request(method, &path).header("cookie", &person.cookie)
}

pub(crate) async fn has(world: &Calls, person: &Person) -> Factors {
    reply(by_cookie(world, person, Method::GET, "")).await.json()
}

async fn starts(world: &Calls, person: &Person) -> Reply {
    reply(by_cookie(world, person, Method::POST, "/totp/start")).await
}

async fn finishes(world: &Calls, person: &Person, started: &TotpStarted, code: &str) -> Reply {
    let asked = TotpFinish { seed: started.seed.clone(), code: code.to_owned() };
    reply(by_cookie(world, person, Method::POST, "/totp/finish").json(&asked)).await
}

pub(crate) async fn does(world: &Calls, person: &Person, path: &str) -> Reply {
    reply(by_cookie(world, person, Method::POST, path)).await
}

/// An account without passkeys.
fn only(totp_since_ms: Option<i64>, spare_codes: u64) -> Factors {
    Factors { totp_since_ms, spare_codes, passkeys: Vec::new(), passkeys_work: true }
}

/// Proves the password, which is not enough.
pub(crate) async fn begins(world: &Calls, name: &str) -> Proved {
    let proved = world.proves(name, SecretKind::Password, "password").await.unwrap();
    let refused = proved.finishes(world).await.unwrap_err();
    assert_eq!(refused.refusal(), (401, Code::SecondFactor));
    assert_eq!(refused.cookie(), None);
    proved
}

pub(crate) async fn answers(world: &Calls, proved: &Proved, code: &str) -> Reply {
    let (login, proof) = (proved.finish.login.clone(), FactorProof::Code(code.to_owned()));
    world.post("/auth/factor/answer", &FactorAnswer { login, proof }).await
}

pub(crate) async fn asks(world: &Calls, proved: &Proved) -> Reply {
    let login = proved.finish.login.clone();
    world.post("/auth/factor/ask", &FactorAsk { login }).await
}

pub(crate) const WRONG: (u16, Code) = (401, Code::WrongCredentials);
pub(crate) const WAITS: (u16, Code) = (401, Code::SecondFactor);
pub(crate) const OVER: (u16, Code) = (410, Code::LoginExpired);

#[tokio::test]
async fn a_sign_in_with_the_password_is_asked_for_a_code_and_goes_on_with_it() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    assert_eq!(has(&world, &laptop).await, only(None, 0));
    let app = App::of(&world, &laptop).await;
    assert_eq!(app.spare_codes.len(), 10);
    let since = Some(world.state.now_ms());
    assert_eq!(has(&world, &laptop).await, only(since, 10));
    world.pass_ms(STEP_MS);

    let proved = begins(&world, "alice").await;
    let asked: FactorAsked = asks(&world, &proved).await.json();
    assert_eq!(asked, FactorAsked { totp: true, spare_codes: true, passkeys: None });
    assert_eq!(proved.finishes(&world).await.unwrap_err().refusal(), WAITS, "nothing was answered");
    let wrong = answers(&world, &proved, &app.never_shows(&world)).await;
    assert_eq!(wrong.refusal(), WRONG);
    assert_eq!(proved.finishes(&world).await.unwrap_err().refusal(), WAITS, "it was wrong");
    // As people type it.
    let shown = app.shows(&world);
    let spaced = format!(" {} {}", &shown[..3], &shown[3..]);
    assert_eq!(answers(&world, &proved, &spaced).await.status, 204);
    let phone = proved.finishes(&world).await.unwrap();
    assert_eq!(phone.session.record, laptop.session.record);
    assert_eq!(reply(world.call(&phone, Method::GET, "/account")).await.status, 200);
    assert_eq!(proved.finishes(&world).await.unwrap_err().refusal(), OVER, "it was used");
}

#[tokio::test]
async fn a_code_works_once_and_none_before_it_afterwards() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    let first = begins(&world, "alice").await;
    let confirmed = app.shows(&world);
    assert_eq!(answers(&world, &first, &confirmed).await.refusal(), WRONG, "it set the app up");
    let early = code_of(&app.secret, world.state.now_ms() + STEP_MS);
    assert_eq!(answers(&world, &first, &early).await.status, 204, "a clock may be fast");
    let second = begins(&world, "alice").await;
    assert_eq!(answers(&world, &second, &early).await.refusal(), WRONG, "it was used");
    world.pass_ms(STEP_MS);
    assert_eq!(answers(&world, &second, &early).await.refusal(), WRONG, "it is shown now");
    world.pass_ms(STEP_MS);
    let late = app.shows(&world);
    world.pass_ms(STEP_MS);
    assert_eq!(answers(&world, &second, &late).await.status, 204, "people type slowly");
    let third = begins(&world, "alice").await;
    world.pass_ms(2 * STEP_MS);
    let old = code_of(&app.secret, world.state.now_ms() - 2 * STEP_MS);
    assert_eq!(answers(&world, &third, &old).await.refusal(), WRONG, "it is too late");
    let next = code_of(&app.secret, world.state.now_ms() + 2 * STEP_MS);
    assert_eq!(answers(&world, &third, &next).await.refusal(), WRONG, "it is too early");
}

#[tokio::test]
async fn a_spare_code_works_once_however_it_is_written() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    let code = app.spare_codes[3].to_lowercase().replace('-', " ");
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &code).await.status, 204);
    let phone = proved.finishes(&world).await.unwrap();
    assert_eq!(has(&world, &phone).await.spare_codes, 9);
    let again = begins(&world, "alice").await;
    assert_eq!(answers(&world, &again, &code).await.refusal(), WRONG);

    let renewed: SpareCodes = does(&world, &phone, "/spare-codes").await.json();
    assert_eq!(renewed.spare_codes.len(), 10);
    assert_eq!(answers(&world, &again, &app.spare_codes[4]).await.refusal(), WRONG, "it is void");
    assert_eq!(answers(&world, &again, &renewed.spare_codes[0]).await.status, 204);
}

#[tokio::test]
async fn nobody_learns_of_a_second_factor_without_the_password() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    App::of(&world, &laptop).await;
    for name in ["alice", "nobody"] {
        let proved = world.proves(name, SecretKind::Password, "a guess").await.unwrap();
        assert_eq!(asks(&world, &proved).await.refusal(), OVER, "{name}");
        assert_eq!(answers(&world, &proved, "123456").await.refusal(), OVER, "{name}");
        assert_eq!(proved.finishes(&world).await.unwrap_err().refusal(), WRONG, "{name}");
        assert_eq!(asks(&world, &proved).await.refusal(), OVER, "{name}");
    }
    for login in ["", "00", &"00".repeat(16)] {
        let asked = FactorAsk { login: login.to_owned() };
        assert_eq!(world.post("/auth/factor/ask", &asked).await.refusal(), OVER);
    }
}

#[tokio::test]
async fn codes_of_another_account_open_nothing() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    App::of(&world, &alice).await;
    let of_bob = App::of(&world, &bob).await;
    world.pass_ms(STEP_MS);
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &of_bob.shows(&world)).await.refusal(), WRONG);
    assert_eq!(answers(&world, &proved, &of_bob.spare_codes[0]).await.refusal(), WRONG);
    assert_eq!(has(&world, &bob).await.spare_codes, 10, "Bob lost none by it");
    // Nor can a secret be taken over that was made for somebody else.
    let mut started: TotpStarted = starts(&world, &bob).await.json();
    let code = code_of(&from_base32(&started.secret), world.state.now_ms());
    assert_eq!(finishes(&world, &alice, &started, &code).await.refusal(), WRONG);
    started.seed.0.pop();
    let cut = finishes(&world, &bob, &started, &code).await;
    assert_eq!(cut.refusal(), (400, Code::BadRequest));
}

#[tokio::test]
async fn what_was_answered_is_for_the_one_who_proved_the_password() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    world.pass_ms(STEP_MS);
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &app.shows(&world)).await.status, 204);
    // Somebody who saw the name of the attempt, and wants a session for a device of theirs.
    let mut stolen = proved.clone();
    stolen.finish.device = device_binding();
    assert_eq!(stolen.finishes(&world).await.unwrap_err().refusal(), WRONG);
    let mut guessed = proved.clone();
    guessed.finish.finalization = vec![0; 64].into();
    assert_eq!(guessed.finishes(&world).await.unwrap_err().refusal(), WRONG);
    // An answer counts for one attempt.
    let other = begins(&world, "alice").await;
    assert_eq!(other.finishes(&world).await.unwrap_err().refusal(), WAITS);
    proved.finishes(&world).await.unwrap();
}

#[tokio::test]
async fn an_attempt_waits_five_minutes_and_takes_five_wrong_answers() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    let late = begins(&world, "alice").await;
    world.pass_ms(5 * 60_000 - 1);
    assert_eq!(asks(&world, &late).await.status, 200);
    world.pass_ms(1);
    assert_eq!(answers(&world, &late, &app.shows(&world)).await.refusal(), OVER);
    assert_eq!(late.finishes(&world).await.unwrap_err().refusal(), OVER);

    let proved = begins(&world, "alice").await;
    for _ in 0..5 {
        assert_eq!(answers(&world, &proved, "nonsense").await.refusal(), WRONG);
    }
    assert_eq!(answers(&world, &proved, &app.spare_codes[0]).await.refusal(), OVER);
    assert_eq!(proved.finishes(&world).await.unwrap_err().refusal(), OVER);
    assert_eq!(has(&world, &laptop).await.spare_codes, 10);
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_for_an_account_whatever_attempt_they_come_to() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    for _ in 0..5 {
        let proved = begins(&world, "alice").await;
        assert_eq!(answers(&world, &proved, &app.never_shows(&world)).await.refusal(), WRONG);
        world.pass_ms(10_000);
    }
    let proved = begins(&world, "alice").await;
    let held = answers(&world, &proved, &app.shows(&world)).await;
    assert_eq!(held.refusal(), (429, Code::RateLimited), "a right one is not looked at either");
    assert_eq!(held.json::<Refusal>().retry_after_ms, Some(20_000));
    // Who has a spare code is not held up by a thief of the password.
    assert_eq!(answers(&world, &proved, &app.spare_codes[0]).await.status, 204);
    proved.finishes(&world).await.unwrap();

    world.pass_ms(20_000);
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &app.never_shows(&world)).await.refusal(), WRONG);
    let held = answers(&world, &proved, &app.shows(&world)).await;
    assert_eq!(held.json::<Refusal>().retry_after_ms, Some(60_000), "twice as long");
    world.pass_ms(60_000);
    assert_eq!(answers(&world, &proved, &app.shows(&world)).await.status, 204);
    world.pass_ms(STEP_MS);
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &app.never_shows(&world)).await.refusal(), WRONG);
    assert_eq!(answers(&world, &proved, &app.shows(&world)).await.status, 204, "counted anew");
}

#[tokio::test]
async fn the_recovery_code_is_enough_and_lets_its_person_take_the_factor_off() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    App::of(&world, &laptop).await;
    let tablet = world.try_sign_in("alice", SecretKind::Recovery, RECOVERY).await.unwrap();
    begins(&world, "alice").await;
    assert_eq!(does(&world, &tablet, "/totp/remove").await.status, 204);
    assert_eq!(has(&world, &tablet).await, only(None, 0));
    world.sign_in("alice", "password").await;
    let no_use = does(&world, &tablet, "/spare-codes").await;
    assert_eq!(no_use.refusal(), (404, Code::NotFound));
}

#[tokio::test]
async fn setting_up_wants_a_fresh_sign_in_and_a_code_of_the_app() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let started: TotpStarted = starts(&world, &laptop).await.json();
    let host = world.state.config().host();
    let url = format!("otpauth://totp/Offing:alice@{host}?secret={}&issuer=Offing", started.secret);
    assert_eq!(started.url, url);
    for code in ["", "12345", "1234567", "no code", &"1".repeat(100)] {
        assert_eq!(finishes(&world, &laptop, &started, code).await.refusal(), WRONG, "{code}");
    }
    assert_eq!(has(&world, &laptop).await.totp_since_ms, None);
    world.sign_in("alice", "password").await;

    world.pass_ms(5 * 60_000 + 1);
    let again = (403, Code::SignInAgain);
    let code = code_of(&from_base32(&started.secret), world.state.now_ms());
    assert_eq!(finishes(&world, &laptop, &started, &code).await.refusal(), again);
    for path in ["/totp/start", "/totp/remove", "/spare-codes"] {
        assert_eq!(does(&world, &laptop, path).await.refusal(), again, "{path}");
    }
    assert_eq!(has(&world, &laptop).await.spare_codes, 0, "looking needs none");
}

#[tokio::test]
async fn another_page_and_a_closed_account_set_nothing_up() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    for path in ["/totp/start", "/totp/remove", "/spare-codes"] {
        let foreign = by_cookie(&world, &laptop, Method::POST, path);
        let foreign = reply(foreign.header("origin", "https://evil.example")).await;
        assert_eq!(foreign.status, 403, "{path}");
        let nobody = world.request(Method::POST, &format!("/api/v1/account/factors{path}"));
        assert_eq!(reply(nobody).await.refusal(), (401, Code::SignedOut), "{path}");
    }
    world.state.keeper().close("alice").await.unwrap();
    let closed = starts(&world, &laptop).await;
    assert_eq!(closed.refusal(), (403, Code::AccountClosed));
}

#[tokio::test]
async fn who_keeps_the_server_takes_it_off_and_it_is_noted() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    App::of(&world, &laptop).await;
    let waits = begins(&world, "alice").await;
    let keeper = world.state.keeper();
    assert!(keeper.accounts_after("").await.unwrap()[0].second_factor);
    let entered = json!({ "secret": keeper.make_link().await.unwrap() });
    let page = world.post("/admin/enter", &entered).await.cookie().unwrap();
    let off = |name: &'static str| {
        let request = world.request(Method::POST, "/api/v1/admin/second-factor-off");
        reply(request.header("cookie", &page).json(&json!({ "username": name })))
    };
    assert_eq!(off("nobody").await.refusal(), (404, Code::NotFound));
    assert_eq!(off("Alice").await.status, 204);
    assert!(!keeper.accounts_after("").await.unwrap()[0].second_factor);
    assert_eq!(has(&world, &laptop).await, only(None, 0));
    assert_eq!(waits.finishes(&world).await.unwrap_err().refusal(), WAITS, "it begins anew");
    world.sign_in("alice", "password").await;
    let log = std::fs::read_to_string(world.folder.path().join("audit.log")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["action"], &last["account"]), (&json!("second-factor-off"), &json!("alice")));
}

#[tokio::test]
async fn the_database_tells_no_code_and_no_secret() {
    let world = World::start_with(Differs { store: Store::Folder, ..Differs::default() }).await;
    let laptop = world.sign_up("alice", "password").await;
    let app = App::of(&world, &laptop).await;
    let mut files = 0;
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if !path.is_file() {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&path).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!holds(&app.secret), "{}", path.display());
        for code in &app.spare_codes {
            let plain = code.replace('-', "");
            assert!(!holds(code.as_bytes()) && !holds(plain.as_bytes()), "{}", path.display());
        }
    }
    assert!(files > 2);
}
