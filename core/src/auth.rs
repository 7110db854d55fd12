//! OPAQUE: how a password or a recovery code is proved without being shown.
//!
//! Engine and server share this suite (RFC 9807: ristretto255, SHA-512, 3DH, Argon2id), so
//! its parameters are constants that no server can choose. The client helpers return the
//! *export key*, which the server never learns and which opens an account slot.
//! Identifiers are left at their defaults (the public keys); the context separates the two
//! kinds of secret.
//!
//! Stretching happens on the client alone. [`Stretch::default`] is the real cost;
//! tests of other things may pass `Stretch::cheap()`, which the `testing` feature offers.

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::errors::{InternalError, ProtocolError};
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialResponse, Identifiers, RegistrationResponse,
    ServerLoginParameters,
};
use rand::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::proto::SecretKind;

/// Argon2id memory, in KiB.
pub const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
/// Argon2id passes.
pub const ARGON2_PASSES: u32 = 3;
/// Argon2id lanes.
pub const ARGON2_LANES: u32 = 1;

/// The one OPAQUE suite of this project.
#[derive(Debug, Clone, Copy)]
pub struct Suite;

impl CipherSuite for Suite {
    type OprfCs = opaque_ke::Ristretto255;
    type KeyExchange = opaque_ke::TripleDh<opaque_ke::Ristretto255, sha2_0_10::Sha512>;
    type Ksf = Stretch;
}

/// Argon2id with the suite's parameters and, as OPAQUE has it, a zero salt: the OPRF has
/// salted the input already.
#[derive(Debug, Clone)]
pub struct Stretch {
    memory_kib: u32,
    passes: u32,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { memory_kib: ARGON2_MEMORY_KIB, passes: ARGON2_PASSES }
    }
}

#[cfg(feature = "testing")]
impl Stretch {
    /// The least that Argon2id can do. Secrets registered with it open with it alone.
    pub fn cheap() -> Self {
        Self { memory_kib: 8, passes: 1 }
    }
}

impl Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let params = Params::new(self.memory_kib, self.passes, ARGON2_LANES, None)
            .map_err(|_| InternalError::KsfError)?;
        let mut output = GenericArray::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&input, &[0; 16], &mut output)
            .map_err(|_| InternalError::KsfError)?;
        Ok(output)
    }
}

/// Reports that OPAQUE did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Password or recovery code do not match, or the server does not know them.
    #[error("the secret does not match")]
    WrongSecret,
    /// The other side's message does not decode or breaks the protocol.
    #[error("the other side's message is malformed")]
    Malformed,
    /// The key stretching failed, as for want of memory.
    #[error("the key stretching failed")]
    Stretch,
}

impl From<ProtocolError> for AuthError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::InvalidLoginError => Self::WrongSecret,
            ProtocolError::LibraryError(InternalError::KsfError) => Self::Stretch,
            ProtocolError::LibraryError(_)
            | ProtocolError::SerializationError
            | ProtocolError::ReflectedValueError
            | ProtocolError::SizeError { .. }
            | ProtocolError::Custom(_) => Self::Malformed,
        }
    }
}

/// The context that both sides mix in, so that one kind's messages never serve the other.
pub fn context(kind: SecretKind) -> &'static [u8] {
    match kind {
        SecretKind::Password => b"offing/1/password",
        SecretKind::Recovery => b"offing/1/recovery",
    }
}

/// The parameters for the server's start and finish of a sign-in.
pub fn server_login_parameters(kind: SecretKind) -> ServerLoginParameters<'static, 'static> {
    ServerLoginParameters { context: Some(context(kind)), identifiers: Identifiers::default() }
}

/// A registration that waits for the server's response.
pub struct Registration {
    state: ClientRegistration<Suite>,
    secret: Zeroizing<Vec<u8>>,
}

/// A finished registration.
pub struct Registered {
    /// The upload for the server.
    pub upload: Vec<u8>,
    /// Opens (and seals) the account slot of this secret; 64 bytes.
    pub export_key: Zeroizing<Vec<u8>>,
}

impl Registration {
    /// Begins to register a secret; returns the request for the server.
    pub fn start<R: RngCore + CryptoRng>(
        rng: &mut R,
        secret: &[u8],
    ) -> Result<(Self, Vec<u8>), AuthError> {
        let started = ClientRegistration::<Suite>::start(rng, secret)?;
        let request = started.message.serialize().to_vec();
        Ok((Self { state: started.state, secret: Zeroizing::new(secret.to_vec()) }, request))
    }

    /// Finishes with the server's response. Takes about a quarter of a second.
    pub fn finish<R: RngCore + CryptoRng>(
        self,
        rng: &mut R,
        response: &[u8],
        stretch: &Stretch,
    ) -> Result<Registered, AuthError> {
        let response = RegistrationResponse::<Suite>::deserialize(response)?;
        let parameters =
            ClientRegistrationFinishParameters::new(Identifiers::default(), Some(stretch));
        let finished = self.state.finish(rng, &self.secret, response, parameters)?;
        Ok(Registered {
            upload: finished.message.serialize().to_vec(),
            export_key: Zeroizing::new(finished.export_key.to_vec()),
        })
    }
}

/// A sign-in that waits for the server's response.
pub struct Login {
    state: ClientLogin<Suite>,
    secret: Zeroizing<Vec<u8>>,
    kind: SecretKind,
}

/// A finished sign-in.
pub struct LoggedIn {
    /// The finalization for the server.
    pub finalization: Vec<u8>,
    /// Opens the account slot of this secret; 64 bytes.
    pub export_key: Zeroizing<Vec<u8>>,
    /// Shared with the server; 64 bytes.
    pub session_key: Zeroizing<Vec<u8>>,
}

impl Login {
    /// Begins a sign-in; returns the request for the server.
    pub fn start<R: RngCore + CryptoRng>(
        rng: &mut R,
        kind: SecretKind,
        secret: &[u8],
    ) -> Result<(Self, Vec<u8>), AuthError> {
        let started = ClientLogin::<Suite>::start(rng, secret)?;
        let request = started.message.serialize().to_vec();
        Ok((Self { state: started.state, secret: Zeroizing::new(secret.to_vec()), kind }, request))
    }

    /// Finishes with the server's response; `WrongSecret` if it does not fit.
    pub fn finish<R: RngCore + CryptoRng>(
        self,
        rng: &mut R,
        response: &[u8],
        stretch: &Stretch,
    ) -> Result<LoggedIn, AuthError> {
        let response = CredentialResponse::<Suite>::deserialize(response)?;
        let parameters = ClientLoginFinishParameters::new(
            Some(context(self.kind)),
            Identifiers::default(),
            Some(stretch),
        );
        let finished = self.state.finish(rng, &self.secret, response, parameters)?;
        Ok(LoggedIn {
            finalization: finished.message.serialize().to_vec(),
            export_key: Zeroizing::new(finished.export_key.to_vec()),
            session_key: Zeroizing::new(finished.session_key.to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opaque_ke::{
        CredentialFinalization, CredentialRequest, RegistrationRequest, RegistrationUpload,
        ServerLogin, ServerRegistration, ServerSetup,
    };
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const LOW: Stretch = Stretch { memory_kib: 8, passes: 1 };

    struct Server {
        setup: ServerSetup<Suite>,
        record: ServerRegistration<Suite>,
    }

    fn register(rng: &mut StdRng, secret: &[u8]) -> (Server, Registered) {
        let setup = ServerSetup::<Suite>::new(rng);
        let (registration, request) = Registration::start(rng, secret).unwrap();
        let request = RegistrationRequest::deserialize(&request).unwrap();
        let started = ServerRegistration::start(&setup, request, b"alice").unwrap();
        let registered = registration.finish(rng, &started.message.serialize(), &LOW).unwrap();
        let upload = RegistrationUpload::deserialize(&registered.upload).unwrap();
        (Server { setup, record: ServerRegistration::finish(upload) }, registered)
    }

    /// Signs in; returns the client's result and whether the server agreed.
    fn log_in(
        rng: &mut StdRng,
        server: &Server,
        kinds: (SecretKind, SecretKind),
        secret: &[u8],
        known: bool,
    ) -> Result<(LoggedIn, bool), AuthError> {
        let (login, request) = Login::start(rng, kinds.0, secret)?;
        let request = CredentialRequest::deserialize(&request)?;
        let record = known.then(|| server.record.clone());
        let parameters = server_login_parameters(kinds.1);
        let started =
            ServerLogin::start(rng, &server.setup, record, request, b"alice", parameters.clone())?;
        let logged_in = login.finish(rng, &started.message.serialize(), &LOW)?;
        let finalization = CredentialFinalization::deserialize(&logged_in.finalization)?;
        let agreed = started
            .state
            .finish(finalization, parameters)
            .is_ok_and(|f| f.session_key[..] == logged_in.session_key[..]);
        Ok((logged_in, agreed))
    }

    const PASSWORD: (SecretKind, SecretKind) = (SecretKind::Password, SecretKind::Password);

    #[test]
    fn signing_in_yields_the_export_key_of_the_registration() {
        let rng = &mut StdRng::seed_from_u64(1);
        let (server, registered) = register(rng, b"correct horse");
        let (logged_in, agreed) = log_in(rng, &server, PASSWORD, b"correct horse", true).unwrap();
        assert!(agreed);
        assert_eq!(logged_in.export_key, registered.export_key);
        assert_eq!(logged_in.export_key.len(), 64);
    }

    #[test]
    fn a_wrong_secret_and_an_unknown_name_look_the_same() {
        let rng = &mut StdRng::seed_from_u64(2);
        let (server, _) = register(rng, b"correct horse");
        for (secret, known) in [(&b"wrong"[..], true), (b"correct horse", false)] {
            let refused = log_in(rng, &server, PASSWORD, secret, known).err();
            assert_eq!(refused, Some(AuthError::WrongSecret));
        }
    }

    #[test]
    fn a_sign_in_of_one_kind_does_not_pass_as_the_other() {
        let rng = &mut StdRng::seed_from_u64(3);
        let (server, _) = register(rng, b"correct horse");
        let kinds = (SecretKind::Password, SecretKind::Recovery);
        let refused = log_in(rng, &server, kinds, b"correct horse", true).err();
        assert_eq!(refused, Some(AuthError::WrongSecret));
    }

    #[test]
    fn a_malformed_response_is_refused() {
        let rng = &mut StdRng::seed_from_u64(4);
        let (login, _) = Login::start(rng, SecretKind::Password, b"x").unwrap();
        assert_eq!(login.finish(rng, &[0; 12], &LOW).err(), Some(AuthError::Malformed));
        let (registration, _) = Registration::start(rng, b"x").unwrap();
        assert_eq!(registration.finish(rng, &[], &LOW).err(), Some(AuthError::Malformed));
    }

    #[test]
    fn the_stretch_is_the_suite_s_by_default() {
        let input = GenericArray::<u8, opaque_ke::generic_array::typenum::U64>::default();
        let real = Stretch::default().hash(input).unwrap();
        let low = LOW.hash(input).unwrap();
        assert_ne!(real, low);
    }
}
