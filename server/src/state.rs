//! What every request shares: configuration, services, secrets, limits, and the clock.
//!
//! Cloning is cheap. The clock is a value so that tests own time; nothing below reads
//! another one for what it decides.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::admin::Keeper;
use crate::api::checkup::Checkups;
use crate::api::live::Sockets;
use crate::assets::Assets;
use crate::auth::factor::passkey::Site;
use crate::auth::secret_file::SecretFileError;
use crate::auth::{Auth, OPAQUE_SETUP, TOKEN_KEY};
use crate::config::Config;
use crate::intake::Intake;
use crate::limit::RateLimiter;
use crate::listening::Running;
use crate::metrics::Metrics;
use crate::rollout::Rollouts;
use crate::service::{ServiceError, ServiceOptions, Services};
use crate::spans::Spans;
use crate::store::chunks::Recovery;
use crate::tickets::Tickets;
use crate::turns::Turns;

/// Tells the time, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What every request shares.
#[derive(Clone)]
pub struct AppState {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    services: Services,
    auth: Auth,
    tickets: Tickets,
    limiter: RateLimiter,
    intake: Intake,
    turns: Turns,
    site: Option<Site>,
    assets: Assets,
    rollouts: Rollouts,
    keeper: Keeper,
    sockets: Sockets,
    checkups: Checkups,
    running: Running,
    spans: OnceLock<Spans>,
    clock: Clock,
}

impl AppState {
    /// Opens the stores and secrets in the data folder of `config`; blocks.
    pub fn open(config: Config) -> Result<(Self, Recovery), StartError> {
        let options = ServiceOptions {
            account_quota_bytes: config.quota_bytes,
            collect_delete: config.collect_delete,
            registration: config.registration,
            counts: config.counts,
            ..ServiceOptions::default()
        };
        let (services, recovery) = Services::open(config.places(), options)?;
        let setup = config.data.join(OPAQUE_SETUP);
        // A new one would be made, and nobody could ever sign in again.
        if !setup.exists() && services.account_count_blocking()? > 0 {
            return Err(StartError::SetupMissing { path: setup });
        }
        Ok((Self::over(config, services, Arc::new(system_clock))?, recovery))
    }

    /// Serves these services by this clock; the secrets are in the data folder of `config`.
    pub fn over(config: Config, services: Services, clock: Clock) -> Result<Self, StartError> {
        let auth = Auth::open(&config.data, Arc::clone(&services.ended))?;
        let tickets = Tickets::open(&config.data.join(TOKEN_KEY))?;
        let shared = Shared {
            assets: Assets::new(config.assets.clone()),
            rollouts: Rollouts::new(config.data.clone()),
            keeper: services.keeper(config.data.clone(), Arc::clone(&clock)),
            turns: Turns::new(config.turns),
            site: Site::of(&config.public_url),
            sockets: Sockets::new(config.live_sockets),
            config,
            services,
            auth,
            tickets,
            limiter: RateLimiter::new(RATE_KEYS_MAX),
            intake: Intake::default(),
            checkups: Checkups::default(),
            running: Running::default(),
            spans: OnceLock::new(),
            clock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends these spans, while it serves.
    pub fn sends(&self, spans: Spans) {
        // Once is enough.
        let _ = self.shared.spans.set(spans);
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The services.
    pub fn services(&self) -> &Services {
        &self.shared.services
    }

    /// Sign-up, sign-in and tokens.
    pub fn auth(&self) -> &Auth {
        &self.shared.auth
    }

    /// What the server is to browsers' passkeys; `None` where it is opened by an address.
    pub(crate) fn site(&self) -> Option<&Site> {
        self.shared.site.as_ref()
    }

    /// Tickets for edges.
    pub(crate) fn tickets(&self) -> &Tickets {
        &self.shared.tickets
    }

    /// The time, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        (self.shared.clock)()
    }

    /// The sign-up link that carries this token, which never reaches the server by itself.
    pub fn join_link(&self, token: &str) -> String {
        join_link(&self.shared.config, token)
    }

    pub(crate) fn limiter(&self) -> &RateLimiter {
        &self.shared.limiter
    }

    pub(crate) fn intake(&self) -> &Intake {
        &self.shared.intake
    }

    /// Who works and who waits.
    pub fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    pub(crate) fn assets(&self) -> &Assets {
        &self.shared.assets
    }

    pub(crate) fn rollouts(&self) -> &Rollouts {
        &self.shared.rollouts
    }

    pub(crate) fn sockets(&self) -> &Sockets {
        &self.shared.sockets
    }

    /// What whoever keeps the server does through it.
    pub fn keeper(&self) -> &Keeper {
        &self.shared.keeper
    }

    pub(crate) fn checkups(&self) -> &Checkups {
        &self.shared.checkups
    }

    pub(crate) fn spans(&self) -> Option<&Spans> {
        self.shared.spans.get()
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.running.metrics
    }

    pub(crate) fn running(&self) -> &Running {
        &self.shared.running
    }
}

/// The sign-up link that carries this token.
pub fn join_link(config: &Config, token: &str) -> String {
    format!("{}/join#{token}", config.public_url)
}

/// The link to the page for whoever keeps the server.
pub fn admin_link(config: &Config, secret: &str) -> String {
    format!("{}/admin#{secret}", config.public_url)
}

/// The machine's clock.
pub fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reports why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A store cannot be opened.
    #[error("cannot open the data folder")]
    Service(#[from] ServiceError),
    /// There are accounts, and not the secret without which none of them can sign in.
    #[error("{path} is missing, though there are accounts: put it back from a backup", path = path.display())]
    SetupMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A secret cannot be read or kept.
    #[error("cannot open the server's secrets")]
    Secret(#[from] SecretFileError),
}

const RATE_KEYS_MAX: usize = 100_000;
