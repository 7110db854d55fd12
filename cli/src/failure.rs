//! Why a command failed, in words, and the exit code that says so to scripts.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use offing_core::proto::Code;
use offing_core::rpc::{Alarm, Fault};
use offing_worker::store::StoreError;

/// Exit codes, as `--help` explains them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed; standard error says why
  2  called wrongly
  3  nobody is signed in here, or the sign-in was refused
  4  the server cannot be reached; what was put is kept and sent by the next command
  5  damage: verify found some, or export could not get everything";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The address of the server is no origin.
    #[error("{given} is no address of a server; it looks like https://drive.example.org")]
    AddressUnfit {
        /// What was given.
        given: String,
    },
    /// The address would send everything unencrypted.
    #[error("{given} is not encrypted on its way; use https:// for other machines")]
    AddressInTheClear {
        /// What was given.
        given: String,
    },
    /// TLS cannot be used here.
    #[error("TLS cannot be set up: {cause}")]
    Tls {
        /// Why.
        cause: String,
    },
    /// Nobody is signed in.
    #[error("nobody is signed in here; run `offing login URL`")]
    SignedOut,
    /// The session ended.
    #[error("the session has ended; run `offing login {server}` again: nothing here is lost")]
    SessionEnded {
        /// The server.
        server: String,
    },
    /// Another account uses the profile.
    #[error("{username} at {server} is signed in here; log out first, or name another --profile")]
    OtherAccount {
        /// Who.
        username: String,
        /// Where.
        server: String,
    },
    /// Another program uses the profile.
    #[error("another offing uses {folder}", folder = folder.display())]
    ProfileInUse {
        /// The profile.
        folder: PathBuf,
    },
    /// There is no folder to keep the profile in.
    #[error("neither XDG_DATA_HOME nor HOME is set; name a --profile")]
    NoProfile,
    /// A file with a secret can be read by others.
    #[error("others may read {path}; take their rights away (chmod 600)", path = path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// What is kept in the profile cannot be read.
    #[error("{path} is damaged", path = path.display())]
    ProfileDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Work would be lost.
    #[error("changes that are not on the server yet would be lost: {pending} (--force loses them)")]
    Unsynced {
        /// How many.
        pending: u32,
    },
    /// The server cannot be reached.
    #[error("{server} cannot be reached: {cause}{kept}", kept = kept(*pending))]
    Offline {
        /// The server.
        server: String,
        /// Why.
        cause: String,
        /// Changes that wait here.
        pending: u32,
    },
    /// There is nothing at the path.
    #[error("there is no {path} in the vault")]
    NoSuchPath {
        /// The path.
        path: String,
    },
    /// The path leads to something of another kind.
    #[error("{path} is no folder")]
    NotAFolder {
        /// The path.
        path: String,
    },
    /// It would be overwritten.
    #[error("{path} exists already (--force replaces it)", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder to export to holds something.
    #[error("{path} is not an empty folder", path = path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Files could not be put.
    #[error("{} of the files could not be put:\n{}", .failed.len(), .failed.join("\n"))]
    NotPut {
        /// Each with its reason.
        failed: Vec<String>,
    },
    /// Damage was found; what it is was printed.
    #[error("{what}")]
    Damaged {
        /// In short.
        what: String,
    },
    /// Something a person must know stops the work.
    #[error("{}", alarm_in_words(.0))]
    Alarm(Alarm),
    /// The engine failed.
    #[error("{}", in_words(.0))]
    Fault(Fault),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The terminal could not be used.
    #[error("the terminal cannot be used: {0}; name a --password-file")]
    Terminal(io::Error),
    /// Standard output cannot be written.
    #[error("cannot write: {0}")]
    Output(io::Error),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        let refused = matches!(
            self,
            Self::Fault(
                Fault::SignedOut
                    | Fault::CannotOpen
                    | Fault::Server(
                        Code::WrongCredentials
                            | Code::SignedOut
                            | Code::AccountClosed
                            | Code::SecondFactor
                            | Code::LoginExpired
                    )
            )
        );
        let code = if refused || matches!(self, Self::SignedOut | Self::SessionEnded { .. }) {
            3
        } else if matches!(self, Self::Damaged { .. } | Self::Fault(Fault::Corrupt { .. })) {
            5
        } else if matches!(
            self,
            Self::Offline { .. } | Self::Fault(Fault::Offline | Fault::NotHere { .. })
        ) {
            4
        } else if matches!(self, Self::AddressUnfit { .. } | Self::AddressInTheClear { .. }) {
            2
        } else {
            1
        };
        ExitCode::from(code)
    }

    /// A failure about a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn kept(pending: u32) -> String {
    match pending {
        0 => String::new(),
        1 => "; 1 change is kept here and sent by the next command".to_owned(),
        many => format!("; {many} changes are kept here and sent by the next command"),
    }
}

/// A fault in words.
#[expect(clippy::wildcard_enum_match_arm, reason = "a program meets few of the page's faults")]
pub(crate) fn in_words(fault: &Fault) -> String {
    match fault {
        Fault::Server(code) => refusal_in_words(*code),
        Fault::Offline => "the server cannot be reached".to_owned(),
        Fault::SignedOut => "nobody is signed in".to_owned(),
        Fault::NameUnfit { name, .. } => format!("{name:?} cannot be a name"),
        Fault::NotHere { name } => {
            format!("{name} is not on this device and the server cannot be reached")
        }
        Fault::FileVanished { name } => format!("{name} changed or vanished while it was read"),
        Fault::StorageFull => "this disk is full".to_owned(),
        Fault::Storage => "this profile's storage failed".to_owned(),
        Fault::CannotOpen => {
            "a key does not open what it should: another account's, or tampered with".to_owned()
        }
        Fault::Corrupt { name } if name.is_empty() => "content is damaged".to_owned(),
        Fault::Corrupt { name } => format!("{name} is damaged"),
        Fault::TooMany => "that is too much at once".to_owned(),
        other => format!("it failed ({other:?})"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a program meets few of the refusals")]
fn refusal_in_words(code: Code) -> String {
    match code {
        Code::WrongCredentials => "username or password is wrong".to_owned(),
        Code::AccountClosed => "whoever runs the server has closed this account; nothing of it is \
             gone, ask them"
            .to_owned(),
        Code::SecondFactor => {
            "this account is asked for a second factor: a code of its app, or a spare \
             code (a passkey works in a browser alone)"
                .to_owned()
        }
        Code::LoginExpired => {
            "that took too long, or too many codes were wrong; run it again".to_owned()
        }
        Code::TooManyDevices => {
            "the account has as many devices as it may; take one off in the app's settings"
                .to_owned()
        }
        Code::RegistrationClosed => "this server makes no new accounts".to_owned(),
        Code::RateLimited => "too many attempts; wait a minute".to_owned(),
        Code::QuotaExceeded => "the account's space is used up".to_owned(),
        Code::StorageFull => "the server's disk is full".to_owned(),
        Code::Recovering => "the server was restored from a backup, and waits for what it lacks; \
             open the app in a browser to give it back"
            .to_owned(),
        Code::VaultUnknown => "the server does not know this vault".to_owned(),
        other => format!("the server refused ({other:?})"),
    }
}

/// An alarm in words.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others stop nothing")]
pub(crate) fn alarm_in_words(alarm: &Alarm) -> String {
    match alarm {
        Alarm::HistoryChanged { seq } => format!(
            "the server's history contradicts what this device saw (after entry {seq}); \
             nothing more is taken from it"
        ),
        Alarm::StorageFailing => "this profile's storage fails".to_owned(),
        Alarm::ServerRefuses(code) => refusal_in_words(*code),
        Alarm::ServerRestored => "the server was restored from a backup, and waits for what it \
             lacks; open the app in a browser to give it back"
            .to_owned(),
        Alarm::LeftBehind { seq } => format!(
            "the server was restored from a backup and went on without what this device has seen \
             (up to entry {seq}); nothing more is taken from it"
        ),
        Alarm::DeviceCopied => {
            "a copy of this profile is in use, so this one became a device of its own".to_owned()
        }
        other => format!("{other:?}"),
    }
}
