//! What a sign-in with the password is asked for beside it, and how that is set up.
//!
//! A second factor guards against a password that somebody else knows: the server asks for it before it hands
//! out what the password opens. It is no guard against the server, which holds what it is compared with. A sign-in
//! with the recovery code is not asked, since the code is no password: nobody chooses it, or uses it elsewhere.
//!
//! A sign-in whose password is proved waits here. Whoever has its name answers, and then says the last message of
//! the sign-in again, word for word.

use offing_core::id::{AccountId, Hash};
use offing_core::proto::{
    Bytes, Code, FactorAnswer, FactorAsk, FactorAsked, FactorProof, Factors, LoginFinish,
    PasskeyFinish, PasskeyProof, PasskeyRemove, PasskeyStarted, PasskeysAsked, SpareCodes,
    TotpFinish, TotpStarted,
};
use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

use super::{Auth, check_fresh};
use crate::error::ApiError;
use crate::service::Services;
use crate::service::factors::{AddedPasskey, Tried};
use crate::service::sign_ins::is_over;
use crate::store::factors::{Passkey, Totp};
use crate::store::meta::{Account, Session};
use crate::store::sign_ins::{SignIn, Stage};

mod key;
pub mod passkey;
mod spare;
mod totp;

pub(super) use key::FactorKey;
use passkey::{PasskeyKey, Site, check_assertion, read_attested};
use spare::SpareCode;

/// Spare codes that an account is given.
pub const SPARE_CODES: usize = 10;

/// Says whose sign-in goes on with what is said; it does not as long as it is not answered.
pub(super) fn goes_on(sign_in: &SignIn, said: &Hash, now_ms: i64) -> Result<AccountId, Code> {
    if is_over(sign_in, now_ms) {
        return Err(Code::LoginExpired);
    }
    if sign_in.said != *said {
        return Err(Code::WrongCredentials);
    }
    match sign_in.stage {
        Stage::Waits => Err(Code::SecondFactor),
        Stage::Answered => Ok(sign_in.account),
        Stage::Used => Err(Code::LoginExpired),
    }
}

/// What somebody typed.
enum Typed {
    OfApp(u32),
    Spare(SpareCode),
}

impl Typed {
    fn read(typed: &str) -> Option<Self> {
        // Bounded before the work.
        if typed.len() > TYPED_BYTES_MAX {
            return None;
        }
        let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == totp::DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return digits.parse().ok().map(Self::OfApp);
        }
        SpareCode::read(typed).map(Self::Spare)
    }
}

impl Auth {
    /// Says what a sign-in that waits is asked for.
    pub async fn factor_ask(
        &self,
        services: &Services,
        site: Option<&Site>,
        asked: &FactorAsk,
        now_ms: i64,
    ) -> Result<FactorAsked, ApiError> {
        let attempt = self.attempts.read(&asked.login)?;
        let sign_in = services.sign_in(attempt.id).await?;
        let sign_in = sign_in.filter(|sign_in| !is_over(sign_in, now_ms));
        let account = sign_in.ok_or(Code::LoginExpired)?.account;
        let challenge = self.attempts.challenge(&attempt);
        let factors = services.factors(account).await?;
        let credentials: Vec<Bytes> =
            factors.passkeys.into_iter().map(|passkey| passkey.credential).collect();
        let passkeys = site.filter(|_| !credentials.is_empty()).map(|site| PasskeysAsked {
            challenge: challenge.to_vec().into(),
            rp_id: site.id.clone(),
            credentials,
        });
        Ok(FactorAsked {
            totp: factors.totp_since_ms.is_some(),
            spare_codes: factors.spare_codes > 0,
            passkeys,
        })
    }

    /// Takes the answer of a sign-in that waits; the sign-in goes on if it is right.
    pub async fn factor_answer(
        &self,
        services: &Services,
        site: Option<&Site>,
        asked: FactorAnswer,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let attempt = self.attempts.read(&asked.login)?;
        // Counted before it is looked at, so that no more are looked at at once than may be wrong.
        let account = services.count_answer(attempt.id, now_ms).await?;
        let challenge = self.attempts.challenge(&attempt);
        let is_right = match (asked.proof, site) {
            (FactorProof::Code(typed), _) => {
                self.try_code(services, account, &typed, now_ms).await?
            }
            (FactorProof::Passkey(_), None) => false,
            (FactorProof::Passkey(proof), Some(site)) => {
                let PasskeyProof { credential, client_data, authenticator_data, signature } = proof;
                let site = site.clone();
                let count_of = move |passkey: &Passkey| {
                    let key = PasskeyKey::of_bytes(&passkey.public_key)?;
                    let signed = (authenticator_data.0.as_slice(), signature.0.as_slice());
                    check_assertion(&site, &challenge, &key, &client_data.0, signed)
                };
                services.try_passkey(account, credential.0, now_ms, count_of).await?
            }
        };
        if !is_right {
            return Err(Code::WrongCredentials.into());
        }
        Ok(services.answered(attempt.id, now_ms).await?)
    }

    /// What an account has.
    pub async fn factors(
        &self,
        services: &Services,
        site: Option<&Site>,
        session: &Session,
    ) -> Result<Factors, ApiError> {
        let factors = services.factors(session.account).await?;
        Ok(Factors { passkeys_work: site.is_some(), ..factors })
    }

    /// Makes a secret for an app; nothing is kept of it before [`Self::totp_finish`].
    pub async fn totp_start(
        &self,
        services: &Services,
        session: &Session,
        host: &str,
        now_ms: i64,
    ) -> Result<TotpStarted, ApiError> {
        check_fresh(session, now_ms)?;
        let account = services.account(session.account).await?.ok_or(Code::SignedOut)?;
        let mut seed = vec![0; SEED_BYTES];
        OsRng.fill_bytes(&mut seed);
        let secret = totp::base32(&self.factor_key.secret(&account.id, &seed));
        let url = url(&account, host, &secret);
        Ok(TotpStarted { secret, url, seed: Bytes(seed) })
    }

    /// Gives an account an app that has shown a right code, and spare codes if it has none.
    pub async fn totp_finish(
        &self,
        services: &Services,
        session: &Session,
        asked: TotpFinish,
        now_ms: i64,
    ) -> Result<SpareCodes, ApiError> {
        check_fresh(session, now_ms)?;
        let account = session.account;
        if asked.seed.0.len() != SEED_BYTES {
            return Err(Code::BadRequest.into());
        }
        let secret = self.factor_key.secret(&account, &asked.seed.0);
        let Some(Typed::OfApp(code)) = Typed::read(&asked.code) else {
            return Err(Code::WrongCredentials.into());
        };
        let step = totp::step_of(&secret, code, now_ms, i64::MIN).ok_or(Code::WrongCredentials)?;
        let totp =
            Totp { seed: asked.seed.0, since_ms: now_ms, last_step: step, wrong: 0, wrong_ms: 0 };
        let (codes, hashes) = self.new_spare_codes(&account);
        let given = services.set_totp(account, totp, hashes).await?;
        Ok(if given { codes } else { SpareCodes { spare_codes: Vec::new() } })
    }

    /// Takes an account's app off.
    pub async fn totp_remove(
        &self,
        services: &Services,
        session: &Session,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        check_fresh(session, now_ms)?;
        Ok(services.remove_totp(session.account).await?)
    }

    /// Says what a browser makes a new passkey by; nothing is kept of it before [`Self::passkey_finish`].
    pub async fn passkey_start(
        &self,
        services: &Services,
        site: Option<&Site>,
        session: &Session,
        now_ms: i64,
    ) -> Result<PasskeyStarted, ApiError> {
        check_fresh(session, now_ms)?;
        let site = site.ok_or(Code::NotFound)?;
        let account = services.account(session.account).await?.ok_or(Code::SignedOut)?;
        let factors = services.factors(session.account).await?;
        Ok(PasskeyStarted {
            challenge: self.factor_key.challenge(&session.id, now_ms).into(),
            rp_id: site.id.clone(),
            user: account.id.0.to_vec().into(),
            username: account.username,
            credentials: factors.passkeys.into_iter().map(|passkey| passkey.credential).collect(),
        })
    }

    /// Gives an account a passkey that was made for this session, and spare codes if it has none.
    pub async fn passkey_finish(
        &self,
        services: &Services,
        site: Option<&Site>,
        session: &Session,
        asked: PasskeyFinish,
        now_ms: i64,
    ) -> Result<SpareCodes, ApiError> {
        check_fresh(session, now_ms)?;
        let site = site.ok_or(Code::NotFound)?;
        let name = asked.name.trim();
        let is_fit = (1..=PASSKEY_NAME_CHARS_MAX).contains(&name.chars().count());
        if !is_fit || name.contains(char::is_control) {
            return Err(Code::BadRequest.into());
        }
        let challenge = passkey::challenge_of(&asked.client_data.0).ok_or(Code::BadRequest)?;
        let at_ms = self.factor_key.challenged_ms(&session.id, &challenge);
        let at_ms = at_ms.ok_or(Code::BadRequest)?;
        if !(0..=super::FRESH_SESSION_MS).contains(&(now_ms - at_ms)) {
            return Err(Code::BadRequest.into());
        }
        let (data, said) = (&asked.client_data.0, &asked.authenticator_data.0);
        let read = read_attested(site, &challenge, data, said).ok_or(Code::BadRequest)?;
        let passkey = Passkey {
            credential: read.credential,
            name: name.to_owned(),
            public_key: read.key.as_bytes().to_vec(),
            count: read.count,
            made_ms: now_ms,
            used_ms: now_ms,
        };
        let account = session.account;
        let (codes, hashes) = self.new_spare_codes(&account);
        match services.add_passkey(account, passkey, hashes).await? {
            AddedPasskey::Added(true) => Ok(codes),
            AddedPasskey::Added(false) => Ok(SpareCodes { spare_codes: Vec::new() }),
            AddedPasskey::Known | AddedPasskey::TooMany => Err(Code::BadRequest.into()),
        }
    }

    /// Takes a passkey off.
    pub async fn passkey_remove(
        &self,
        services: &Services,
        session: &Session,
        asked: PasskeyRemove,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        check_fresh(session, now_ms)?;
        let was_there = services.remove_passkey(session.account, asked.credential.0).await?;
        if was_there { Ok(()) } else { Err(Code::NotFound.into()) }
    }

    /// Gives an account new spare codes, in place of those that it has.
    pub async fn renew_spare_codes(
        &self,
        services: &Services,
        session: &Session,
        now_ms: i64,
    ) -> Result<SpareCodes, ApiError> {
        check_fresh(session, now_ms)?;
        let (codes, hashes) = self.new_spare_codes(&session.account);
        if services.renew_spare_codes(session.account, hashes).await? {
            Ok(codes)
        } else {
            Err(Code::NotFound.into())
        }
    }

    async fn try_code(
        &self,
        services: &Services,
        account: AccountId,
        typed: &str,
        now_ms: i64,
    ) -> Result<bool, ApiError> {
        match Typed::read(typed) {
            None => Ok(false),
            Some(Typed::Spare(code)) => {
                Ok(services.use_spare_code(account, self.factor_key.hash(&account, &code)).await?)
            }
            Some(Typed::OfApp(code)) => {
                let key = self.factor_key.clone();
                let step_of = move |totp: &Totp| {
                    let secret = key.secret(&account, &totp.seed);
                    totp::step_of(&secret, code, now_ms, totp.last_step)
                };
                match services.try_totp(account, now_ms, step_of).await? {
                    Tried::Right => Ok(true),
                    Tried::Wrong => Ok(false),
                    Tried::TooSoon { wait } => {
                        Err(ApiError::new(Code::RateLimited).retry_after(wait))
                    }
                }
            }
        }
    }

    fn new_spare_codes(&self, account: &AccountId) -> (SpareCodes, Vec<Hash>) {
        let codes: [SpareCode; SPARE_CODES] = std::array::from_fn(|_| SpareCode::generate());
        let hashes = codes.iter().map(|code| self.factor_key.hash(account, code)).collect();
        (SpareCodes { spare_codes: codes.iter().map(ToString::to_string).collect() }, hashes)
    }
}

/// What a picture for an app says (`otpauth:`, as Google's has it).
fn url(account: &Account, host: &str, secret: &str) -> String {
    let mut url = reqwest::Url::parse("otpauth://totp/").expect("a constant is well formed");
    url.set_path(&format!("/Offing:{}@{host}", account.username));
    url.query_pairs_mut().append_pair("secret", secret).append_pair("issuer", "Offing");
    url.into()
}

/// What proved a secret, and for which device.
pub(super) fn said(finish: &LoginFinish) -> Hash {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(&finish.finalization.0));
    hash.update(Sha256::digest(&finish.device.public.0));
    Hash(hash.finalize().into())
}

/// Bytes of what an app's secret is made of.
const SEED_BYTES: usize = 16;
/// Most characters of what somebody calls a passkey.
const PASSKEY_NAME_CHARS_MAX: usize = 64;
/// Most bytes of what somebody types; a spare code with blanks has some dozens.
const TYPED_BYTES_MAX: usize = 64;
