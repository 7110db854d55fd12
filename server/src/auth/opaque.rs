//! The server's half of OPAQUE: it learns neither password nor anything to guess it with.
//!
//! Stolen records are of no use without `ServerSetup`, which therefore lives in a file of its
//! own. A name that does not exist gets an answer of the same shape, made from the setup,
//! and fails at the last message like a wrong password does.

use std::path::Path;

use hkdf::Hkdf;
use offing_core::auth::{Suite, server_login_parameters};
use offing_core::proto::{Code, SecretKind};
use opaque_ke::{
    CredentialFinalization, CredentialRequest, RegistrationRequest, RegistrationUpload,
    ServerLogin, ServerRegistration, ServerSetup,
};
use rand::SeedableRng as _;
use rand::rngs::{OsRng, StdRng};
use sha2_0_10::Sha256;

use super::secret_file::{SecretFileError, load_or_create};

/// Answers OPAQUE messages.
pub(super) struct OpaqueServer {
    setup: ServerSetup<Suite>,
}

/// A sign-in that waits for its last message.
pub(super) struct OpaqueLogin {
    state: ServerLogin<Suite>,
    kind: SecretKind,
}

impl std::fmt::Debug for OpaqueServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpaqueServer")
    }
}

impl std::fmt::Debug for OpaqueLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpaqueLogin")
    }
}

impl OpaqueServer {
    /// Reads the setup at `path`, or generates it at first start.
    pub(super) fn open(path: &Path) -> Result<Self, SecretFileError> {
        let bytes =
            load_or_create(path, || ServerSetup::<Suite>::new(&mut OsRng).serialize().to_vec())?;
        let setup = ServerSetup::deserialize(&bytes)
            .map_err(|_| SecretFileError::Damaged { path: path.to_owned() })?;
        Ok(Self { setup })
    }

    /// A key for something else that this secret keeps, so that there is no further file to be lost.
    pub(super) fn derive_key(&self, purpose: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        let from = Hkdf::<Sha256>::new(None, &self.setup.serialize());
        from.expand(purpose, &mut key).expect("HKDF gives as much");
        key
    }

    /// Answers the first message of a registration.
    pub(super) fn register(
        &self,
        username: &str,
        kind: SecretKind,
        request: &[u8],
    ) -> Result<Vec<u8>, Code> {
        let request = RegistrationRequest::deserialize(request).map_err(|_| Code::BadRequest)?;
        let credential = credential(username, kind);
        let answer = ServerRegistration::<Suite>::start(&self.setup, request, &credential)
            .map_err(|_| Code::BadRequest)?;
        Ok(answer.message.serialize().to_vec())
    }

    /// Turns the last message of a registration into the record to keep.
    pub(super) fn record(upload: &[u8]) -> Result<Vec<u8>, Code> {
        let upload =
            RegistrationUpload::<Suite>::deserialize(upload).map_err(|_| Code::BadRequest)?;
        Ok(ServerRegistration::finish(upload).serialize().to_vec())
    }

    /// Answers the first message of a sign-in; `record` is `None` for names that do not exist. From the same
    /// `seed`, which nobody else may know, comes the same answer.
    pub(super) fn login(
        &self,
        username: &str,
        kind: SecretKind,
        record: Option<&[u8]>,
        request: &[u8],
        seed: [u8; 32],
    ) -> Result<(OpaqueLogin, Vec<u8>), Code> {
        let request = CredentialRequest::deserialize(request).map_err(|_| Code::BadRequest)?;
        let record = record
            .map(ServerRegistration::<Suite>::deserialize)
            .transpose()
            .map_err(|_| Code::Internal)?;
        let answer = ServerLogin::start(
            &mut StdRng::from_seed(seed),
            &self.setup,
            record,
            request,
            &credential(username, kind),
            server_login_parameters(kind),
        )
        .map_err(|_| Code::BadRequest)?;
        let message = answer.message.serialize().to_vec();
        Ok((OpaqueLogin { state: answer.state, kind }, message))
    }
}

impl OpaqueLogin {
    /// Checks the last message of a sign-in.
    pub(super) fn finish(self, finalization: &[u8]) -> Result<(), Code> {
        let finalization = CredentialFinalization::deserialize(finalization)
            .map_err(|_| Code::WrongCredentials)?;
        self.state
            .finish(finalization, server_login_parameters(self.kind))
            .map(drop)
            .map_err(|_| Code::WrongCredentials)
    }
}

fn credential(username: &str, kind: SecretKind) -> Vec<u8> {
    let kind = match kind {
        SecretKind::Password => "password:",
        SecretKind::Recovery => "recovery:",
    };
    [kind.as_bytes(), username.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use offing_core::auth::{Login, Registration, Stretch};

    use super::*;

    #[test]
    fn what_one_process_answered_another_finishes_by_the_same_seed_and_by_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server-setup");
        let (one, other) = (OpaqueServer::open(&path).unwrap(), OpaqueServer::open(&path).unwrap());
        let kind = SecretKind::Password;
        let (registration, request) = Registration::start(&mut OsRng, b"password").unwrap();
        let response = one.register("alice", kind, &request).unwrap();
        let registered = registration.finish(&mut OsRng, &response, &Stretch::cheap()).unwrap();
        let record = OpaqueServer::record(&registered.upload).unwrap();

        let (login, request) = Login::start(&mut OsRng, kind, b"password").unwrap();
        let answers = |server: &OpaqueServer, record: Option<&[u8]>, seed| {
            server.login("alice", kind, record, &request, [seed; 32]).unwrap()
        };
        let (_, response) = answers(&one, Some(&record), 1);
        let finalization =
            login.finish(&mut OsRng, &response, &Stretch::cheap()).unwrap().finalization;
        let (state, again) = answers(&other, Some(&record), 1);
        assert_eq!(again, response);
        assert_eq!(state.finish(&finalization), Ok(()));
        for (record, seed) in [(Some(record.as_slice()), 2), (None, 1)] {
            let (state, _) = answers(&other, record, seed);
            assert_eq!(state.finish(&finalization), Err(Code::WrongCredentials));
        }
    }
}
