//! Sign-up, sign-in and passwords.

use offing_core::auth::{Login, Registration, Stretch};
use offing_core::proto::{self, AccountView, Code, SecretKind};
use offing_server::config::RateConfig;
use rand::rngs::OsRng;
use reqwest::Method;

use crate::calls::{Person, Reply, account_record, device_binding, reply};
use crate::harness::{Differs, RECOVERY, World};

#[tokio::test]
async fn a_person_signs_up_and_signs_in_with_either_secret() {
    let world = World::start().await;
    let laptop = world.sign_up("Alice", "correct horse").await;
    let phone = world.sign_in("alice", "correct horse").await;
    assert_eq!(phone.session.record, laptop.session.record);
    assert_ne!(phone.device, laptop.device);
    let tablet = world.try_sign_in("ALICE", SecretKind::Recovery, RECOVERY).await.unwrap();
    assert_eq!(tablet.account, laptop.account);
    let view = reply(world.call(&phone, Method::GET, "/account")).await;
    let view: AccountView = view.json();
    assert_eq!((view.username.as_str(), view.used_bytes), ("alice", 0));
}

#[tokio::test]
async fn a_sign_up_link_works_once_and_for_seven_days() {
    let world = World::start().await;
    let link = world.invite().await;
    let late = world.invite().await;
    world.try_sign_up(&link, "alice", "password", RECOVERY).await.unwrap();
    let again = world.try_sign_up(&link, "bob", "password", RECOVERY).await.unwrap_err();
    assert_eq!(again.refusal(), (410, Code::InviteUsed));
    let foreign = world.try_sign_up("no such link", "bob", "password", RECOVERY).await.unwrap_err();
    assert_eq!(foreign.refusal(), (403, Code::InviteUnknown));
    world.pass_ms(7 * 24 * 3_600 * 1_000);
    let late = world.try_sign_up(&late, "bob", "password", RECOVERY).await.unwrap_err();
    assert_eq!(late.refusal(), (410, Code::InviteExpired));
}

#[tokio::test]
async fn taken_and_malformed_names_are_refused_and_cost_no_link() {
    let world = World::start().await;
    world.sign_up("alice", "password").await;
    let link = world.invite().await;
    for (name, refusal) in [
        ("ALICE", (409, Code::NameTaken)),
        ("a", (422, Code::NameMalformed)),
        ("two words", (422, Code::NameMalformed)),
        (&"x".repeat(65), (422, Code::NameMalformed)),
    ] {
        let refused = world.try_sign_up(&link, name, "password", RECOVERY).await.unwrap_err();
        assert_eq!(refused.refusal(), refusal, "{name}");
    }
    assert!(world.try_sign_up(&link, "bob", "password", RECOVERY).await.is_ok());
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let world = World::start().await;
    world.sign_up("alice", "password").await;
    let mut shapes = Vec::new();
    for name in ["alice", "carol"] {
        let (_, request) = Login::start(&mut OsRng, SecretKind::Password, b"wrong").unwrap();
        let asked = proto::LoginStart {
            username: name.to_owned(),
            kind: SecretKind::Password,
            request: request.into(),
        };
        let started = world.post("/auth/login/start", &asked).await;
        let body: proto::LoginStarted = started.json();
        shapes.push((started.status, body.login.len(), body.response.0.len()));
        let refused = world.try_sign_in(name, SecretKind::Password, "wrong").await.unwrap_err();
        assert_eq!(refused.refusal(), (401, Code::WrongCredentials), "{name}");
    }
    assert_eq!(shapes[0], shapes[1]);
    let refused = world.try_sign_in("alice", SecretKind::Recovery, "password").await.unwrap_err();
    assert_eq!(refused.refusal(), (401, Code::WrongCredentials));
}

#[tokio::test]
async fn a_sign_in_is_finished_once_and_within_two_minutes() {
    let world = World::start().await;
    world.sign_up("alice", "password").await;
    for (wait_ms, expected) in [(0, 200), (120_000, 410)] {
        let (login, request) = Login::start(&mut OsRng, SecretKind::Password, b"password").unwrap();
        let asked = proto::LoginStart {
            username: "alice".to_owned(),
            kind: SecretKind::Password,
            request: request.into(),
        };
        let started: proto::LoginStarted = world.post("/auth/login/start", &asked).await.json();
        let logged_in = login.finish(&mut OsRng, &started.response.0, &Stretch::cheap()).unwrap();
        let asked = proto::LoginFinish {
            login: started.login,
            finalization: logged_in.finalization.into(),
            device: device_binding(),
        };
        world.pass_ms(wait_ms);
        assert_eq!(world.post("/auth/login/finish", &asked).await.status, expected);
        let again = world.post("/auth/login/finish", &asked).await;
        assert_eq!(again.refusal(), (410, Code::LoginExpired));
    }
}

#[tokio::test]
async fn a_device_is_named_by_its_key() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let mut stolen = device_binding();
    stolen.device = device_binding().device;
    let request = world.call(&alice, Method::POST, "/auth/device").json(&stolen);
    assert_eq!(reply(request).await.refusal(), (400, Code::BadRequest));
    let minted = device_binding();
    let request = world.call(&alice, Method::POST, "/auth/device").json(&minted);
    assert_eq!(reply(request).await.status, 200);
}

#[tokio::test]
async fn a_record_with_a_broken_key_makes_no_account() {
    let world = World::start().await;
    let mut record = account_record();
    record.identity_public = vec![4; 65].into();
    let asked = proto::RegisterFinish {
        invite: world.invite().await,
        username: "alice".to_owned(),
        password_upload: vec![1; 192].into(),
        recovery_upload: vec![1; 192].into(),
        record,
        device: device_binding(),
    };
    let refused = world.post("/auth/register/finish", &asked).await;
    assert_eq!(refused.refusal(), (400, Code::BadRequest));
    assert!(world.state.services().name_is_free("alice").await.unwrap());
}

#[tokio::test]
async fn a_new_password_wants_a_fresh_sign_in_and_ends_the_other_sessions() {
    let world = World::start().await;
    let old = world.sign_up("alice", "forgotten").await;
    world.pass_ms(10 * 60 * 1_000 - 1_000);
    let refused = set_secret(&world, &old, SecretKind::Password, "new password").await;
    assert_eq!(refused.unwrap_err().refusal(), (403, Code::SignInAgain));

    let fresh = world.try_sign_in("alice", SecretKind::Recovery, RECOVERY).await.unwrap();
    set_secret(&world, &fresh, SecretKind::Password, "new password").await.unwrap();

    let refused = world.try_sign_in("alice", SecretKind::Password, "forgotten").await.unwrap_err();
    assert_eq!(refused.refusal(), (401, Code::WrongCredentials));
    let phone = world.sign_in("alice", "new password").await;
    assert_eq!(phone.session.record.password_slot.0, [9; 100]);
    assert_eq!(world.refresh(&old.cookie).await.refusal(), (401, Code::SignedOut));
    let stale = reply(world.call(&old, Method::GET, "/account")).await;
    assert_eq!(stale.refusal(), (401, Code::SignedOut));
    assert_eq!(reply(world.call(&fresh, Method::GET, "/account")).await.status, 200);
}

#[tokio::test]
async fn a_new_recovery_code_voids_the_old_one_and_has_to_be_read_back() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    assert!(!laptop.session.kit_confirmed);
    let kept = reply(world.call(&laptop, Method::POST, "/account/kit")).await;
    assert_eq!(kept.status, 204);
    let phone = world.sign_in("alice", "password").await;
    assert!(phone.session.kit_confirmed);

    set_secret(&world, &phone, SecretKind::Recovery, "another code").await.unwrap();
    let old = world.try_sign_in("alice", SecretKind::Recovery, RECOVERY).await.unwrap_err();
    assert_eq!(old.refusal(), (401, Code::WrongCredentials));
    let tablet = world.try_sign_in("alice", SecretKind::Recovery, "another code").await.unwrap();
    assert!(!tablet.session.kit_confirmed);
    assert_eq!(tablet.session.record.recovery_slot.0, [9; 100]);
    assert_eq!(reply(world.call(&laptop, Method::GET, "/account")).await.status, 200);
}

/// Sets a new secret; the refusal of the start, if it was refused.
async fn set_secret(
    world: &World,
    person: &Person,
    kind: SecretKind,
    secret: &str,
) -> Result<(), Reply> {
    let (registration, request) = Registration::start(&mut OsRng, secret.as_bytes()).unwrap();
    let asked = proto::SecretStart { kind, request: request.into() };
    let start = reply(world.call(person, Method::POST, "/auth/secret/start").json(&asked)).await;
    if start.status != 200 {
        return Err(start);
    }
    let started: proto::SecretStarted = start.json();
    let upload =
        registration.finish(&mut OsRng, &started.response.0, &Stretch::cheap()).unwrap().upload;
    let slot = vec![9; 100].into();
    let asked = proto::SecretFinish { kind, upload: upload.into(), slot };
    let finish = reply(world.call(person, Method::POST, "/auth/secret/finish").json(&asked)).await;
    assert_eq!(finish.status, 204);
    Ok(())
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_name_and_address() {
    let rate = RateConfig { logins_per_minute: 2, ..RateConfig::default() };
    let world = World::start_with(Differs { rate: Some(rate), ..Differs::default() }).await;
    world.sign_up("alice", "password").await;
    for _ in 0..2 {
        let refused = world.try_sign_in("alice", SecretKind::Password, "guess").await.unwrap_err();
        assert_eq!(refused.refusal(), (401, Code::WrongCredentials));
    }
    let slowed = world.try_sign_in("Alice", SecretKind::Password, "password").await.unwrap_err();
    assert_eq!(slowed.refusal(), (429, Code::RateLimited));
    assert_eq!(slowed.header("retry-after"), Some("30"));
    world.pass_ms(30_000);
    assert!(world.try_sign_in("alice", SecretKind::Password, "password").await.is_ok());
}
