//! The `offing-server` program: `serve` (also without a word), `edge`, `invite`, and what keeps the data
//! folder well: `backup`, `restore`, `restored`, `fsck`, `migrate`, `admin`; `release` offers a new version of the app
//! step by step; `ready` asks one that runs.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use offing_core::id::DeviceId;
use offing_core::proto::Registration;
use offing_server::admin::{Audit, Keeper, Way};
use offing_server::config::{Config, Settings};
use offing_server::edge::Patience;
use offing_server::fsck::Finding;
use offing_server::migrate::Part;
use offing_server::rollout::Rollout;
use offing_server::spans::Spans;
use offing_server::state::{AppState, admin_link, join_link, system_clock};
use offing_server::store::check::Checked;
use offing_server::store::keeping::Listed;
use offing_server::store::places;
use offing_server::{
    Edge, backup, fsck, migrate, open_files, ready, serve, serve_edge, service, telemetry,
};
use serde_json::json;
use tokio::net::TcpListener;

/// The static program's: that of musl's C library has its threads wait for one another.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the drive (what happens without a command)
    Serve,
    /// Stand before a server elsewhere (--origin): keep sealed chunks near people and pass
    /// everything else on. It can read nothing, and has no accounts
    Edge,
    /// Print a new one-time sign-up link, also while the server runs
    Invite,
    /// Say that the data folder was restored from a backup: devices then give back what it
    /// lacks. Once, before the server is started on it
    Restored,
    /// Copy everything into a folder, also while the server runs; into the same folder again,
    /// only what is new
    Backup {
        /// An empty folder, or one with an earlier backup
        #[arg(long)]
        to: PathBuf,
    },
    /// Put a backup into an empty data folder (and database, and bucket), and look whether it is
    /// whole
    Restore {
        /// The folder of the backup
        #[arg(long)]
        from: PathBuf,
    },
    /// Read all chunks and look whether they are what the database says, also while the server
    /// runs
    Fsck {
        /// Forget where damaged chunks are, so that they can be uploaded again
        #[arg(long)]
        repair: bool,
    },
    /// Look at accounts and change what they may, also while the server runs
    Admin {
        #[command(subcommand)]
        action: Action,
    },
    /// Offer the next version of the app to some devices before the others, also while the server
    /// runs
    Release {
        #[command(subcommand)]
        action: ReleaseAction,
    },
    /// Ask the server that runs with these options whether it is ready, for health checks
    Ready,
    /// Move everything to another database, another chunk store, or both. With --ahead while servers
    /// run, as often as you like; then without it, when they have stopped, which takes seconds. What
    /// was broken off goes on
    Migrate {
        /// Configuration file of what there is
        #[arg(long)]
        from: PathBuf,
        /// Configuration file of where it goes: a new data folder, an empty database and bucket
        #[arg(long)]
        to: PathBuf,
        /// Copy what there is now while servers go on; nothing is finished by it
        #[arg(long)]
        ahead: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All accounts: name, bytes used, most bytes, when it was made (milliseconds since 1970),
    /// open or closed, and whether a sign-in is asked for a second factor or for the password alone
    List,
    /// Set the most bytes that an account may store, or lift it
    Quota {
        /// The account's name
        name: String,
        /// The most bytes; none lifts the limit
        bytes: Option<u64>,
    },
    /// The sessions of an account: device, when it signed in, when it was last here
    Sessions {
        /// The account's name
        name: String,
    },
    /// Close an account: its devices are refused, nothing is deleted
    Close {
        /// The account's name
        name: String,
    },
    /// Open a closed account again
    Open {
        /// The account's name
        name: String,
    },
    /// Take the second factor off an account whose person lost it; the password is enough then
    SecondFactorOff {
        /// The account's name
        name: String,
    },
    /// End all sessions of an account
    SignOut {
        /// The account's name
        name: String,
    },
    /// Print a link to the page that does all of this, good once and for ten minutes
    Link,
    /// End every such link, and every session of that page
    Lock,
}

#[derive(Debug, Subcommand)]
enum ReleaseAction {
    /// What is offered, to whom, and whether it was stopped
    Show,
    /// Offer the build in a folder beside the one that is served
    Offer {
        /// The folder of the build; it stays where it is
        folder: PathBuf,
        /// Of a hundred devices, so many
        #[arg(long, default_value_t = 0)]
        percent: u8,
        /// A device that is offered it in any case, by its id (`admin sessions` lists them); may be
        /// repeated
        #[arg(long)]
        allow: Vec<DeviceId>,
    },
    /// Offer it to nobody any more
    Stop,
}

/// What a command answers that found damage.
const DAMAGED: u8 = 2;
/// Segments, databases, connections to S3 and PostgreSQL, and what is being written.
const FILES_OF_STORES: u64 = 512;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let file = arguments.config.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let config = arguments.settings.or(file).finish()?;
    let spans = config.otlp.as_deref().map(Spans::to);
    telemetry::start(&config.log, config.log_format, spans.as_ref());
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => runtime.block_on(run(config, spans)).map(|()| ExitCode::SUCCESS),
        Command::Edge => runtime.block_on(run_edge(config)).map(|()| ExitCode::SUCCESS),
        Command::Invite => runtime.block_on(invite(&config)).map(|()| ExitCode::SUCCESS),
        Command::Restored => runtime.block_on(restored(&config)).map(|()| ExitCode::SUCCESS),
        Command::Backup { to } => back_up(&config, &to),
        Command::Restore { from } => restore(&config, &from),
        Command::Fsck { repair } => check(&config, repair),
        Command::Admin { action } => {
            runtime.block_on(administer(&config, action)).map(|()| ExitCode::SUCCESS)
        }
        Command::Release { action } => release(&config, action).map(|()| ExitCode::SUCCESS),
        Command::Ready => {
            runtime.block_on(ready::ask(&config)).map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
        Command::Migrate { from, to, ahead } => {
            move_all(&from, &to, if ahead { Part::Ahead } else { Part::Rest })
        }
    }
}

fn make_data(config: &Config) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot create the data folder {}", config.data.display()))
}

/// Two servers over one folder would each believe that they alone append to it.
fn lock(config: &Config) -> anyhow::Result<File> {
    make_data(config)?;
    match places::lock(&config.data.join("lock")) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err(error).context("another server uses this data folder")
        }
        locked => locked.context("cannot lock the data folder"),
    }
}

/// Asks for as many open files as there may be connections, and for those of the stores.
fn allow_files(connections_max: u32) {
    let wanted = u64::from(connections_max) + FILES_OF_STORES;
    let allowed = open_files::allow(wanted);
    if allowed < wanted {
        tracing::warn!(
            allowed,
            wanted,
            "fewer files may be open than connections may come (LimitNOFILE of systemd, `ulimit -Hn`)"
        );
    }
}

async fn run(config: Config, spans: Option<Spans>) -> anyhow::Result<()> {
    let _lock = lock(&config)?;
    allow_files(config.connections_max());
    let (state, recovery) = tokio::task::spawn_blocking(move || AppState::open(config))
        .await
        .context("opening the data folder panicked")??;
    tracing::info!(?recovery, "opened the data folder");
    if let Some(spans) = spans {
        state.sends(spans);
    }
    let listen = state.config().listen;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    say(&format!("Offing is at {}", state.config().public_url))?;
    if state.config().registration == Registration::Open && state.config().quota_bytes.is_none() {
        tracing::warn!("everybody may sign up, and store as much as they like: set quota_bytes");
    }
    if let Some(token) = state.services().first_invite(state.now_ms()).await? {
        say(&format!(
            "Nobody has an account yet. Create the first one with this link, which works once:\n  {}",
            state.join_link(&token)
        ))?;
    }
    serve(listener, state, stop_signal()).await.context("the server failed")
}

async fn run_edge(config: Config) -> anyhow::Result<()> {
    let _lock = lock(&config)?;
    // A live socket goes on to the origin.
    allow_files(config.connections_max() + config.live_sockets);
    let listen = config.listen;
    let clock = Arc::new(system_clock);
    let opened = move || Edge::open(config, Patience::default(), clock);
    let edge = tokio::task::spawn_blocking(opened).await.context("opening panicked")??;
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    say(&format!("This edge of Offing listens on {listen}"))?;
    serve_edge(listener, edge, stop_signal()).await.context("the edge failed")
}

async fn invite(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.registration != Registration::Closed,
        "nobody can sign up here (registration is closed), with a link neither"
    );
    make_data(config)?;
    note(config, "invite", json!({}))?;
    let token = service::accounts::invite_beside(config.places(), system_clock()).await?;
    say(&join_link(config, &token))
}

async fn restored(config: &Config) -> anyhow::Result<()> {
    let _lock = lock(config)?;
    note(config, "restored", json!({}))?;
    let vaults = service::recovery::restored(config.places()).await?;
    say(&format!(
        "{vaults} vaults wait for what this backup lacks. Start the server; each person is asked \
         in the app to give it back."
    ))
}

fn back_up(config: &Config, to: &Path) -> anyhow::Result<ExitCode> {
    let copied = backup::backup(&config.places(), to)?;
    say(&format!(
        "Backed up: {} segments, {} bytes copied, {} already there",
        copied.segments, copied.new_bytes, copied.old_bytes
    ))?;
    if copied.chunks.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&damage(&copied.chunks))?;
    Ok(DAMAGED.into())
}

fn restore(config: &Config, from: &Path) -> anyhow::Result<ExitCode> {
    let restored = backup::restore(from, &config.places())?;
    let chunks = restored.chunks;
    // Afterwards, since the folder has to be empty until then.
    note(config, "restore", json!({ "from": from, "vaults": restored.vaults }))?;
    say(&format!(
        "Restored: {} vaults, {} chunks, {} bytes. Start the server; each person is asked in the \
         app to give back what the backup lacks.",
        restored.vaults, chunks.chunks, chunks.bytes
    ))?;
    if chunks.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&damage(&chunks))?;
    Ok(DAMAGED.into())
}

fn check(config: &Config, repair: bool) -> anyhow::Result<ExitCode> {
    let told = &mut |Finding { vault, id, segment, fault }: Finding| {
        // Who reads it no longer wants to know.
        let _ = say(&format!("{fault:?}: chunk {id} of vault {vault} in segment {segment}"));
    };
    if repair {
        note(config, "fsck-repair", json!({}))?;
    }
    let found = fsck::fsck(&config.places(), repair, told)?;
    let chunks = found.chunks;
    say(&format!(
        "{} segments; {} chunks, {} bytes; {} bytes to be reclaimed, {} unknown, {} damaged",
        found.segments,
        chunks.chunks,
        chunks.bytes,
        found.dead_bytes,
        found.unknown_bytes,
        found.damaged_bytes
    ))?;
    if chunks.is_sound() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("{}; the places of {} are forgotten", damage(&chunks), found.forgotten))?;
    Ok(DAMAGED.into())
}

fn move_all(from: &Path, to: &Path, part: Part) -> anyhow::Result<ExitCode> {
    let config = |path: &Path| anyhow::Ok(Settings::read(path)?.finish()?);
    let (old, new) = (config(from)?, config(to)?);
    let (mut at, mut last) = (0, 0);
    let told = &mut |done: usize, all: usize| {
        at = done * 10 / all.max(1);
        if at > last {
            // Who reads it no longer wants to know.
            let _ = say(&format!("{done} of {all} segments"));
            last = at;
        }
    };
    let moved = migrate::migrate(&old.places(), &new.places(), part, told)?;
    if part == Part::Ahead {
        say(&format!(
            "Copied ahead: {} rows that were new or have changed; of {} chunks all but {} before. Once more \
             makes the rest shorter; then stop the servers, and run it without --ahead.",
            moved.rows,
            moved.chunks,
            moved.chunks - moved.chunks_before
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    // Where it is from now on: nothing of the old one is changed.
    note(&new, "migrate", json!({ "from": from, "rows": moved.rows, "chunks": moved.chunks }))?;
    say(&format!(
        "Moved and compared: {} rows, {} chunks ({} of them before). Start the server with {}; \
         what was left is as it was.",
        moved.rows,
        moved.chunks,
        moved.chunks_before,
        to.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn administer(config: &Config, action: Action) -> anyhow::Result<()> {
    let keeper = Keeper::beside(&config.places())?;
    match action {
        Action::List => list(&keeper).await?,
        Action::Quota { name, bytes } => keeper.limit(&name, bytes).await?,
        Action::Sessions { name } => {
            for seen in keeper.sessions(&name).await? {
                say(&format!("{}\t{}\t{}", seen.device, seen.signed_in_ms, seen.used_ms))?;
            }
        }
        Action::Close { name } => {
            keeper.close(&name).await?;
            say(&format!("{name} is closed, for a server that runs within five seconds"))?;
        }
        Action::Open { name } => {
            keeper.open(&name).await?;
            say(&format!("{name} is open; its devices come back by themselves"))?;
        }
        Action::SignOut { name } => {
            let ended = keeper.sign_out(&name).await?;
            say(&format!("{ended} sessions ended; access tokens work on for ten minutes at most"))?;
        }
        Action::SecondFactorOff { name } => {
            keeper.remove_second_factor(&name).await?;
            say(&format!("{name} signs in with the password alone"))?;
        }
        Action::Link => say(&admin_link(config, &keeper.make_link().await?))?,
        Action::Lock => {
            let ended = keeper.lock().await?;
            say(&format!("{ended} links and sessions of the page ended"))?;
        }
    }
    Ok(())
}

async fn list(keeper: &Keeper) -> anyhow::Result<()> {
    let mut last = String::new();
    loop {
        let listed = keeper.accounts_after(&last).await?;
        let Some(end) = listed.last() else {
            return Ok(());
        };
        last.clone_from(&end.username);
        for Listed { username, used_bytes, quota_bytes, created_ms, is_closed, second_factor } in
            listed
        {
            let quota = quota_bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
            let standing = if is_closed { "closed" } else { "open" };
            let factor = if second_factor { "second factor" } else { "password" };
            say(&format!("{username}\t{used_bytes}\t{quota}\t{created_ms}\t{standing}\t{factor}"))?;
        }
    }
}

fn release(config: &Config, action: ReleaseAction) -> anyhow::Result<()> {
    let rollout = match action {
        ReleaseAction::Show => Rollout::read(&config.data)?,
        ReleaseAction::Offer { folder, percent, allow } => {
            let offered = json!({ "folder": folder, "percent": percent, "devices": allow.len() });
            note(config, "release", offered)?;
            Some(Rollout::offer(&config.data, &folder, percent, &allow)?)
        }
        ReleaseAction::Stop => {
            note(config, "release", json!({ "stopped": true }))?;
            Rollout::stop(&config.data, "stopped by hand")?
        }
    };
    let Some(Rollout { folder, version, percent, allow, stopped }) = rollout else {
        return say("nothing is offered");
    };
    let standing = stopped.map_or("offered".to_owned(), |why| format!("offered no more: {why}"));
    let devices = allow.len();
    say(&format!("{version}\t{percent} %\t{devices} devices\t{}\t{standing}", folder.display()))
}

/// Notes what a command is about to change.
fn note(config: &Config, action: &str, more: serde_json::Value) -> anyhow::Result<()> {
    let audit = Audit::of(&config.data, Way::Command);
    audit.note(system_clock(), action, more).context("cannot write the audit log")
}

fn damage(chunks: &Checked) -> String {
    let Checked { missing, rotten, unreadable, .. } = chunks;
    format!("chunks: {missing} missing, {rotten} damaged, {unreadable} unreadable")
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

#[cfg(test)]
#[path = "main/deploy.rs"]
mod deploy;
