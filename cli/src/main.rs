//! The `offing` program.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use offing_cli::drive::Drive;
use offing_cli::export::{Exported, export};
use offing_cli::failure::{EXIT_CODES, Failure};
use offing_cli::get::get;
use offing_cli::listing::{self, Found};
use offing_cli::profile::Profile;
use offing_cli::put::put;
use offing_cli::session;
use offing_core::id::NodeId;
use offing_core::rpc::{Kind, Row};
use offing_worker::replica::Verified;

/// Files and folders of an Offing drive, from a terminal.
///
/// Everything is sealed and opened on this device, as in the browser; the server reads nothing.
/// Paths lead from "My files": /Photos/2026/sea.jpg.
#[derive(Debug, Parser)]
#[command(name = "offing", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder for keys and everything else that is kept on this device
    /// [default: $XDG_DATA_HOME/offing, else ~/.local/share/offing]
    #[arg(long, env = "OFFING_PROFILE", global = true)]
    profile: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign in; makes this profile a device of the account
    Login {
        /// Address of the server, as in a browser: scheme, name, port
        url: String,
        /// Name to sign in with [default: asked for]
        #[arg(long)]
        username: Option<String>,
        /// File whose first line is the password [default: asked for]
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// What the other devices call this one
        #[arg(long, default_value = "Command line")]
        device_name: String,
    },
    /// List a folder
    Ls {
        /// The folder, or a file
        #[arg(default_value = "/")]
        path: String,
    },
    /// Get a file, or a folder with all in it
    Get {
        /// What to get
        path: String,
        /// Where to; - prints a file [default: its own name, here]
        to: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Put a file, or a folder with all in it; one broken off goes on when it is put again
    Put {
        /// What to put
        file: PathBuf,
        /// Folder of the drive
        #[arg(default_value = "/")]
        folder: String,
        /// Keep a file that has the name, rather than giving it this as a new version
        #[arg(long)]
        keep_both: bool,
    },
    /// Write the whole drive as ordinary files; two versions of a file become two files
    Export {
        /// An empty folder, or one to be made
        to: PathBuf,
    },
    /// Check all that the server keeps: chain, signatures, every entry and every chunk
    Verify,
    /// Sign out and forget everything on this device
    Logout {
        /// Even what is not on the server yet, and with the server away
        #[arg(long)]
        force: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => tokio::task::LocalSet::new().block_on(&runtime, run(arguments)),
        Err(error) => Err(Failure::Output(error)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output had enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("offing: {failure}");
            failure.code()
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let folder = arguments.profile.map_or_else(Profile::default_folder, Ok)?;
    let profile = Profile::open(&folder)?;
    match arguments.command {
        Command::Login { url, username, password_file, device_name } => {
            log_in(&profile, &url, username, password_file.as_deref(), &device_name).await
        }
        Command::Ls { path } => list(&open(&profile).await?, &path).await,
        Command::Get { path, to, force } => {
            let drive = open(&profile).await?;
            let found = listing::find(&drive.replica, &path).await?;
            tell_exported(&get(&drive.replica, &found, to.as_deref(), force).await?)
        }
        Command::Put { file, folder, keep_both } => {
            let drive = open(&profile).await?;
            let to = listing::find(&drive.replica, &folder).await?.folder(&folder)?;
            let put = put(&drive, &file, to, keep_both).await?;
            say(&format!("{} files, {} bytes, all on the server", put.files, put.bytes))
        }
        Command::Export { to } => {
            let drive = open(&profile).await?;
            empty_folder(&to)?;
            let exported = export(&drive.replica, NodeId::ROOT, &to).await?;
            say(&format!(
                "{} files in {} folders, {} bytes",
                exported.files, exported.folders, exported.bytes
            ))?;
            tell_exported(&exported)
        }
        Command::Verify => verify(&Drive::open(&profile).await?).await,
        Command::Logout { force } => session::log_out(&profile, force).await,
    }
}

/// Opens the vault as the server has it, or as it was here where that is away.
async fn open(profile: &Profile) -> Result<Drive, Failure> {
    let drive = Drive::open(profile).await?;
    drive.refresh().await?;
    Ok(drive)
}

async fn log_in(
    profile: &Profile,
    url: &str,
    username: Option<String>,
    password_file: Option<&Path>,
    device_name: &str,
) -> Result<(), Failure> {
    let username = match username {
        Some(username) => username,
        None => ask("Username: ")?,
    };
    let password = match password_file {
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|source| Failure::File { path: path.to_owned(), source })?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None => rpassword::prompt_password("Password: ").map_err(Failure::Terminal)?,
    };
    let drive = session::log_in(profile, url, &username, &password, device_name, &ask_code).await?;
    drive.settle().await?;
    let signed_in = drive.signed_in();
    let (username, server) = (&signed_in.username, &signed_in.server);
    say(&format!("{username} at {server}, as {:?}", signed_in.identity.device_name))
}

/// Asks for a code of a second factor.
fn ask_code(was_wrong: bool) -> Option<String> {
    let question =
        if was_wrong { "That is not right. Code: " } else { "Code of your app, or a spare code: " };
    ask(question).ok().filter(|code| !code.is_empty())
}

fn ask(question: &str) -> Result<String, Failure> {
    write!(stderr(), "{question}").map_err(Failure::Terminal)?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line).map_err(Failure::Terminal)?;
    Ok(line.trim().to_owned())
}

async fn list(drive: &Drive, path: &str) -> Result<(), Failure> {
    let found = listing::find(&drive.replica, path).await?;
    let rows = match found {
        Found::Node(row) if row.kind != Kind::Folder => vec![row],
        found @ (Found::Root | Found::Node(_)) => {
            listing::list(&drive.replica, found.node()).await?
        }
    };
    rows.iter().try_for_each(|row| say(&line_of(row)))
}

/// Size, name, and what is to be known of it.
fn line_of(row: &Row) -> String {
    let name = if row.node == NodeId::RECOVERED { "Recovered" } else { &row.name };
    if row.kind == Kind::Folder {
        return format!("{:>14}  {name}/", "-");
    }
    let size = row.size.unwrap_or(0);
    let versions = if row.two_versions { "  (two versions)" } else { "" };
    format!("{size:>14}  {name}{versions}")
}

/// Tells what has another name here and what is missing.
fn tell_exported(exported: &Exported) -> Result<(), Failure> {
    for (path, name) in &exported.renamed {
        eprintln!("offing: {path} is called {name} here");
    }
    for (path, why) in &exported.missing {
        eprintln!("offing: {path} is missing: {why}");
    }
    match exported.missing.len() {
        0 => Ok(()),
        count => Err(Failure::Damaged { what: format!("{count} files could not be had") }),
    }
}

fn empty_folder(path: &Path) -> Result<(), Failure> {
    let failure = |source| Failure::File { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failure)?;
    let mut inside = fs::read_dir(path).map_err(failure)?;
    match inside.next() {
        None => Ok(()),
        Some(_) => Err(Failure::NotEmpty { path: path.to_owned() }),
    }
}

async fn verify(drive: &Drive) -> Result<(), Failure> {
    drive.settle().await?;
    let shows = stderr().is_terminal();
    let mut looked = |done: u64, all: u64| {
        if shows {
            eprint!("\r{done} of {all} chunks");
        }
    };
    let found = drive.replica.verify(&mut looked).await?;
    if shows {
        eprintln!();
    }
    say(&format!(
        "{} entries: chain and signatures checked, {} bad",
        found.entries,
        found.bad_entries.len()
    ))?;
    if found.gone > 0 {
        say(&format!("{} of them are kept in a snapshot alone", found.gone))?;
    }
    say(&format!(
        "{} chunks, {} bytes: sound; {} lost, {} damaged",
        found.chunks,
        found.chunk_bytes,
        found.lost.len(),
        found.damaged.len()
    ))?;
    say(&format!("{} contents of files, {} files damaged", found.contents, found.files.len()))?;
    tell_bad(&found);
    if found.is_sound() {
        Ok(())
    } else {
        Err(Failure::Damaged { what: "the server does not hold this vault whole".to_owned() })
    }
}

fn tell_bad(found: &Verified) {
    if let Some(contradiction) = &found.history {
        eprintln!("offing: the history is not to be trusted: {contradiction}");
    }
    for (seq, why) in &found.bad_entries {
        eprintln!("offing: entry {seq}: {why}");
    }
    for id in &found.lost {
        eprintln!("offing: chunk {id} is lost");
    }
    for id in &found.damaged {
        eprintln!("offing: chunk {id} is damaged");
    }
    for path in &found.files {
        eprintln!("offing: {path} is damaged");
    }
}

/// What a person waits for goes to standard output.
fn say(line: &str) -> Result<(), Failure> {
    writeln!(stdout().lock(), "{line}").map_err(Failure::Output)
}
