//! The `offing-server` program: `serve` (also without a word), `invite`, `restored`.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use offing_server::config::{Config, Settings};
use offing_server::state::{AppState, join_link, system_clock};
use offing_server::{serve, service, telemetry};
use tokio::net::TcpListener;

/// The blind server of Offing: it keeps sealed chunks and signed logs, and can read neither.
///
/// Flags win over OFFING_* environment variables, which win over the configuration file,
/// which wins over the defaults.
#[derive(Debug, Parser)]
#[command(name = "offing-server", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Configuration file (TOML; the same names as the flags, with _ for -)
    #[arg(long, env = "OFFING_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Serve the drive (what happens without a command)
    Serve,
    /// Print a new one-time sign-up link, also while the server runs
    Invite,
    /// Say that the data folder was restored from a backup: devices then give back what it
    /// lacks. Once, before the server is started on it
    Restored,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let file = arguments.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let config = arguments.settings.or(file).finish()?;
    telemetry::start(&config.log);
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot create the data folder {}", config.data.display()))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => runtime.block_on(run(config)),
        Command::Invite => runtime.block_on(invite(&config)),
        Command::Restored => runtime.block_on(restored(&config)),
    }
}

/// Two servers over one folder would each believe that they alone append to it.
fn lock(config: &Config) -> anyhow::Result<File> {
    let lock = config.data.join("lock");
    let lock = File::create(&lock).with_context(|| format!("cannot open {}", lock.display()))?;
    lock.try_lock().context("another server uses this data folder")?;
    Ok(lock)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let _lock = lock(&config)?;
    let (state, recovery) = tokio::task::spawn_blocking(move || AppState::open(config))
        .await
        .context("opening the data folder panicked")??;
    tracing::info!(?recovery, "opened the data folder");
    let listen = state.config().listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    say(&format!("Offing is at {}", state.config().public_url))?;
    if let Some(token) = state.services().first_invite(state.now_ms()).await? {
        say(&format!(
            "Nobody has an account yet. Create the first one with this link, which works once:\n  {}",
            state.join_link(&token)
        ))?;
    }
    serve(listener, state, stop_signal()).await.context("the server failed")
}

async fn invite(config: &Config) -> anyhow::Result<()> {
    let token = service::accounts::invite_beside(config.places(), system_clock()).await?;
    say(&join_link(config, &token))
}

async fn restored(config: &Config) -> anyhow::Result<()> {
    let _lock = lock(config)?;
    let vaults = service::recovery::restored(config.places()).await?;
    say(&format!(
        "{vaults} vaults wait for what this backup lacks. Start the server; each person is asked \
         in the app to give it back."
    ))
}

/// Waits for an interrupt or a request to terminate.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// What a person waits for goes to standard output, at once; logs go to standard error.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write")
}
