//! OPAQUE as proofs use it, wherever it runs.
//!
//! A program has the protocol in itself, so any generator of random numbers will do. The
//! browser loads it as a module of its own (`platform::opaque`).

use offing_core::proto::SecretKind;
use zeroize::Zeroizing;

/// The device's side of OPAQUE, and the randomness for what comes of it.
pub trait Opaque {
    /// A registration or a sign-in that waits for the server's response.
    type Started;

    /// Begins to register a secret; with the request for the server.
    fn register(&mut self, secret: &[u8]) -> Result<(Self::Started, Vec<u8>), OpaqueError>;

    /// Begins to prove a secret; with the request for the server.
    fn sign_in(
        &mut self,
        kind: SecretKind,
        secret: &[u8],
    ) -> Result<(Self::Started, Vec<u8>), OpaqueError>;

    /// Finishes with the server's response. Takes about a quarter of a second.
    fn finish(&mut self, started: Self::Started, response: &[u8]) -> Result<Finished, OpaqueError>;

    /// Fresh random bytes.
    fn random<const N: usize>(&mut self) -> [u8; N];
}

/// A finished registration or sign-in.
pub struct Finished {
    /// For the server.
    pub message: Vec<u8>,
    /// Opens (and seals) the account slot of this secret; the server never learns it.
    pub export_key: Zeroizing<Vec<u8>>,
}

/// Reports that OPAQUE did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpaqueError {
    /// Its module is not on this device and the server cannot be reached.
    #[error("the module for signing in cannot be loaded")]
    NotLoaded,
    /// The secret does not match, or the server does not know it.
    #[error("the secret does not match")]
    WrongSecret,
    /// The server's message is malformed, or memory was short.
    #[error("the protocol failed")]
    Failed,
}

#[cfg(feature = "opaque")]
mod program {
    use offing_core::auth::{AuthError, Login, Registration, Stretch};
    use rand::{CryptoRng, RngCore};

    use super::{Finished, Opaque, OpaqueError, SecretKind};

    /// What waits for the server's response.
    pub enum Started {
        /// A registration.
        Registration(Box<Registration>),
        /// A sign-in.
        Login(Box<Login>),
    }

    impl<R: RngCore + CryptoRng> Opaque for R {
        type Started = Started;

        fn register(&mut self, secret: &[u8]) -> Result<(Started, Vec<u8>), OpaqueError> {
            let (state, request) = Registration::start(self, secret)?;
            Ok((Started::Registration(Box::new(state)), request))
        }

        fn sign_in(
            &mut self,
            kind: SecretKind,
            secret: &[u8],
        ) -> Result<(Started, Vec<u8>), OpaqueError> {
            let (state, request) = Login::start(self, kind, secret)?;
            Ok((Started::Login(Box::new(state)), request))
        }

        fn finish(&mut self, started: Started, response: &[u8]) -> Result<Finished, OpaqueError> {
            let stretch = Stretch::default();
            Ok(match started {
                Started::Registration(state) => {
                    let done = state.finish(self, response, &stretch)?;
                    Finished { message: done.upload, export_key: done.export_key }
                }
                Started::Login(state) => {
                    let done = state.finish(self, response, &stretch)?;
                    Finished { message: done.finalization, export_key: done.export_key }
                }
            })
        }

        fn random<const N: usize>(&mut self) -> [u8; N] {
            let mut bytes = [0; N];
            self.fill_bytes(&mut bytes);
            bytes
        }
    }

    impl From<AuthError> for OpaqueError {
        fn from(error: AuthError) -> Self {
            if error == AuthError::WrongSecret { Self::WrongSecret } else { Self::Failed }
        }
    }
}

#[cfg(feature = "opaque")]
pub use program::Started;
