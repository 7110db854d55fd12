//! Passkeys: made and used by an authenticator in software, and what is no passkey of the account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::proto::{
    Bytes, Code, FactorAnswer, FactorAsked, FactorProof, PasskeyFinish, PasskeyProof,
    PasskeyRemove, PasskeyStarted, SecretKind, SpareCodes,
};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use rand::RngCore as _;
use rand::rngs::OsRng;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::calls::{Person, Proved, Reply, reply};
use crate::factors::{OVER, WAITS, WRONG, answers, asks, begins, by_cookie, does, has};
use crate::harness::{Differs, RECOVERY, World};

/// What holds one passkey.
#[derive(Clone)]
struct Authenticator {
    credential: Vec<u8>,
    key: SigningKey,
    origin: String,
    rp_id: String,
    count: u32,
}

impl Authenticator {
    fn new(world: &World) -> Self {
        let mut credential = vec![0; 32];
        OsRng.fill_bytes(&mut credential);
        let key = SigningKey::random(&mut OsRng);
        let (origin, rp_id) = (world.state.config().public_url.clone(), "localhost".to_owned());
        Self { credential, key, origin, rp_id, count: 0 }
    }

    /// Gives an account its passkey.
    async fn joins(world: &World, person: &Person, name: &str) -> (Self, Reply) {
        let authenticator = Self::new(world);
        let started: PasskeyStarted = does(world, person, "/passkeys/start").await.json();
        assert_eq!(started.rp_id, "localhost");
        let asked = authenticator.makes(&started, name);
        let made = finishes(world, person, &asked).await;
        (authenticator, made)
    }

    fn client_data(&self, kind: &str, challenge: &Bytes) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(&challenge.0);
        let data = json!({ "type": kind, "challenge": challenge, "origin": self.origin });
        data.to_string().into_bytes()
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut head = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        head.push(flags);
        head.extend_from_slice(&self.count.to_be_bytes());
        head
    }

    fn makes(&self, started: &PasskeyStarted, name: &str) -> PasskeyFinish {
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut said = self.head(0x41);
        said.extend_from_slice(&[0; 16]);
        said.extend_from_slice(&(self.credential.len() as u16).to_be_bytes());
        said.extend_from_slice(&self.credential);
        said.extend_from_slice(&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20]);
        said.extend_from_slice(point.x().unwrap());
        said.extend_from_slice(&[0x22, 0x58, 0x20]);
        said.extend_from_slice(point.y().unwrap());
        PasskeyFinish {
            name: name.to_owned(),
            client_data: self.client_data("webauthn.create", &started.challenge).into(),
            authenticator_data: said.into(),
        }
    }

    fn signs(&mut self, challenge: &Bytes) -> PasskeyProof {
        self.count += 1;
        let said = self.head(1);
        let client_data = self.client_data("webauthn.get", challenge);
        let signed = [said.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        PasskeyProof {
            credential: self.credential.clone().into(),
            client_data: client_data.into(),
            authenticator_data: said.into(),
            signature: signature.to_der().as_bytes().to_vec().into(),
        }
    }
}

async fn finishes(world: &World, person: &Person, asked: &PasskeyFinish) -> Reply {
    reply(by_cookie(world, person, Method::POST, "/passkeys/finish").json(asked)).await
}

async fn removes(world: &World, person: &Person, credential: &[u8]) -> Reply {
    let asked = PasskeyRemove { credential: credential.to_vec().into() };
    reply(by_cookie(world, person, Method::POST, "/passkeys/remove").json(&asked)).await
}

async fn shows(world: &World, proved: &Proved, proof: PasskeyProof) -> Reply {
    let (login, proof) = (proved.finish.login.clone(), FactorProof::Passkey(proof));
    world.post("/auth/factor/answer", &FactorAnswer { login, proof }).await
}

async fn challenge(world: &World, proved: &Proved) -> Bytes {
    let asked: FactorAsked = asks(world, proved).await.json();
    asked.passkeys.unwrap().challenge
}

const UNFIT: (u16, Code) = (400, Code::BadRequest);

#[tokio::test]
async fn a_passkey_lets_its_account_in_and_comes_with_spare_codes() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let (mut key, made) = Authenticator::joins(&world, &laptop, " Blue key ").await;
    let codes = made.json::<SpareCodes>().spare_codes;
    assert_eq!(codes.len(), 10);
    let (_, second) = Authenticator::joins(&world, &laptop, "Phone").await;
    assert_eq!(second.json::<SpareCodes>().spare_codes, Vec::<String>::new(), "it has some");
    let factors = has(&world, &laptop).await;
    let names: Vec<&str> = factors.passkeys.iter().map(|passkey| &*passkey.name).collect();
    assert!(factors.passkeys_work && names.len() == 2 && names.contains(&"Blue key"));

    let proved = begins(&world, "alice").await;
    let asked: FactorAsked = asks(&world, &proved).await.json();
    assert!(!asked.totp && asked.spare_codes);
    let passkeys = asked.passkeys.unwrap();
    assert_eq!((passkeys.rp_id.as_str(), passkeys.credentials.len()), ("localhost", 2));
    world.pass_ms(1_000);
    assert_eq!(shows(&world, &proved, key.signs(&passkeys.challenge)).await.status, 204);
    let phone = proved.finishes(&world).await.unwrap();
    let used = has(&world, &phone).await.passkeys;
    let used = used.iter().find(|passkey| passkey.name == "Blue key").unwrap();
    assert_eq!(used.used_ms, used.made_ms + 1_000);
    let proved = begins(&world, "alice").await;
    assert_eq!(answers(&world, &proved, &codes[0]).await.status, 204);
}

#[tokio::test]
async fn what_was_signed_counts_for_its_attempt_site_and_key_and_once() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let (mut key, _) = Authenticator::joins(&world, &laptop, "key").await;
    let first = begins(&world, "alice").await;
    let second = begins(&world, "alice").await;
    let (for_first, for_second) =
        (challenge(&world, &first).await, challenge(&world, &second).await);
    assert_ne!(for_first, for_second);
    let stolen = key.signs(&for_first);
    assert_eq!(shows(&world, &second, stolen.clone()).await.refusal(), WRONG, "another attempt's");
    let mut evil = key.clone();
    evil.origin = "https://evil.example".to_owned();
    assert_eq!(shows(&world, &second, evil.signs(&for_second)).await.refusal(), WRONG);
    let mut elsewhere = key.clone();
    elsewhere.rp_id = "evil.example".to_owned();
    assert_eq!(shows(&world, &second, elsewhere.signs(&for_second)).await.refusal(), WRONG);
    let mut other = Authenticator::new(&world);
    other.credential.clone_from(&key.credential);
    assert_eq!(shows(&world, &second, other.signs(&for_second)).await.refusal(), WRONG);
    let unknown = Authenticator::new(&world).signs(&for_second);
    assert_eq!(shows(&world, &second, unknown).await.refusal(), WRONG);
    // Five were wrong.
    let late = key.signs(&for_second);
    assert_eq!(shows(&world, &second, late).await.refusal(), OVER);
    assert_eq!(second.finishes(&world).await.unwrap_err().refusal(), OVER);

    assert_eq!(first.finishes(&world).await.unwrap_err().refusal(), WAITS);
    assert_eq!(shows(&world, &first, stolen).await.status, 204);
    first.finishes(&world).await.unwrap();
}

#[tokio::test]
async fn a_passkey_whose_count_went_back_was_copied_and_is_refused() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let (mut key, _) = Authenticator::joins(&world, &laptop, "key").await;
    let mut copy = key.clone();
    for _ in 0..2 {
        let proved = begins(&world, "alice").await;
        let proof = key.signs(&challenge(&world, &proved).await);
        assert_eq!(shows(&world, &proved, proof).await.status, 204);
    }
    let proved = begins(&world, "alice").await;
    let challenge = challenge(&world, &proved).await;
    assert_eq!(shows(&world, &proved, copy.signs(&challenge)).await.refusal(), WRONG);
    assert_eq!(shows(&world, &proved, copy.signs(&challenge)).await.refusal(), WRONG, "the same");
    assert_eq!(shows(&world, &proved, key.signs(&challenge)).await.status, 204);
}

#[tokio::test]
async fn a_passkey_of_somebody_else_is_none() {
    let world = World::start().await;
    let alice = world.sign_up("alice", "password").await;
    let bob = world.sign_up("bob", "password").await;
    Authenticator::joins(&world, &alice, "hers").await;
    let (mut his, _) = Authenticator::joins(&world, &bob, "his").await;
    let proved = begins(&world, "alice").await;
    let proof = his.signs(&challenge(&world, &proved).await);
    assert_eq!(shows(&world, &proved, proof).await.refusal(), WRONG);
    assert_eq!(removes(&world, &alice, &his.credential).await.refusal(), (404, Code::NotFound));
    assert_eq!(has(&world, &bob).await.passkeys.len(), 1);
}

#[tokio::test]
async fn making_one_wants_a_fresh_session_its_own_challenge_and_a_name() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let started: PasskeyStarted = does(&world, &laptop, "/passkeys/start").await.json();
    let tablet = world.sign_in("alice", "password").await;
    let key = Authenticator::new(&world);
    let asked = key.makes(&started, "key");
    assert_eq!(finishes(&world, &tablet, &asked).await.refusal(), UNFIT, "another session's");
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        let unnamed = key.makes(&started, name);
        assert_eq!(finishes(&world, &laptop, &unnamed).await.refusal(), UNFIT, "{name:?}");
    }
    let guessed = PasskeyStarted { challenge: vec![1; 40].into(), ..started.clone() };
    assert_eq!(finishes(&world, &laptop, &key.makes(&guessed, "key")).await.refusal(), UNFIT);
    let mut evil = key.clone();
    evil.origin = "https://evil.example".to_owned();
    assert_eq!(finishes(&world, &laptop, &evil.makes(&started, "key")).await.refusal(), UNFIT);
    assert_eq!(finishes(&world, &laptop, &asked).await.status, 200);
    assert_eq!(finishes(&world, &laptop, &asked).await.refusal(), UNFIT, "it is there");
    world.pass_ms(5 * 60_000 + 1);
    let again = (403, Code::SignInAgain);
    assert_eq!(does(&world, &laptop, "/passkeys/start").await.refusal(), again);
    assert_eq!(finishes(&world, &laptop, &asked).await.refusal(), again);
    assert_eq!(removes(&world, &laptop, &key.credential).await.refusal(), again);
}

#[tokio::test]
async fn they_are_taken_off_one_by_one_and_spare_codes_go_with_the_last() {
    let world = World::start().await;
    let laptop = world.sign_up("alice", "password").await;
    let (first, _) = Authenticator::joins(&world, &laptop, "first").await;
    let (second, _) = Authenticator::joins(&world, &laptop, "second").await;
    assert_eq!(removes(&world, &laptop, &first.credential).await.status, 204);
    assert_eq!(removes(&world, &laptop, &first.credential).await.refusal(), (404, Code::NotFound));
    let factors = has(&world, &laptop).await;
    assert_eq!((factors.passkeys.len(), factors.spare_codes), (1, 10));
    assert_eq!(removes(&world, &laptop, &second.credential).await.status, 204);
    assert_eq!(has(&world, &laptop).await.spare_codes, 0);
    world.sign_in("alice", "password").await;

    for n in 0..10 {
        let (_, made) = Authenticator::joins(&world, &laptop, &n.to_string()).await;
        assert_eq!(made.status, 200, "{n}");
    }
    let (_, more) = Authenticator::joins(&world, &laptop, "one more").await;
    assert_eq!(more.refusal(), UNFIT);
    world.try_sign_in("alice", SecretKind::Recovery, RECOVERY).await.unwrap();
    assert!(world.state.keeper().accounts_after("").await.unwrap()[0].second_factor);
    world.state.keeper().remove_second_factor("alice").await.unwrap();
    world.sign_in("alice", "password").await;
}

#[tokio::test]
async fn a_server_without_a_name_has_none() {
    let public_url = Some("http://192.0.2.7:7070".to_owned());
    let world = World::start_with(Differs { public_url, ..Differs::default() }).await;
    let laptop = world.sign_up("alice", "password").await;
    assert!(!has(&world, &laptop).await.passkeys_work);
    let none = does(&world, &laptop, "/passkeys/start").await;
    assert_eq!(none.refusal(), (404, Code::NotFound));
}
