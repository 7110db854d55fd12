//! The commands of the README, and all they need installed.
//!
//! There is one way to build the app, `cargo xtask build`; `serve`, `test`, `bench` and
//! `.ci/run` go through it. This crate only drives tools (cargo, wasm-bindgen, node, npm)
//! and knows nothing of what it builds beyond names of packages and files.

mod check;
mod corpus;
mod deny;
mod dist;
mod edge;
mod faults;
mod fuzz;
mod joining;
mod kernel;
mod order;
mod overload;
mod rates;
mod run;
mod serve;
mod sim;
mod size;
mod sockets;
mod tools;
mod wasm;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::wasm::Mode;

const HELP: &str = "\
Builds, serves and tests Offing.

Usage: cargo xtask <command>

  serve [options]      build all in release and serve it at http://localhost:7070;
                       options go to the server (see `serve -- --help`)
  test [--only STEP]   all checks and tests, the browser's included
  build [--dev]        the app into dist/ (--dev: not optimised)
  check                the quick half of `test`: format, lints, host tests
  sim [--seeds N] [--from S] [--honest] [--threads T]
                       whole lives of devices and a server, with every fault there is
  sim --seed X         one of them again, in words
  bench [options]      the benchmark; options go to it
  faults [--kills N] [--browser-kills N] [--storage]
                       the server killed N times under load, the browser N times, the
                       browser's storage failing at each of its calls in turn
  fuzz [TARGET…] [--seconds N]
                       decoders under coverage-guided noise, N seconds each (10)
  joining [--nodes N] [--entries N]
                       how long a new device takes, by the log and by a snapshot
  edge [--chunks N] [--namespaces]
                       what an edge is worth before a server that is far (--namespaces:
                       over lines of tc netem, in a Linux of its own)
  overload [--seconds N] [--apart]
                       the most that the server does, and what is left of it at three
                       times as much
  rates [--chunks N]   what the server stores and gives in a second, beside nginx, rclone,
                       an S3 server and PostgreSQL by themselves
  sockets [--count N] [--own-kernel]
                       what live sockets take that wait, and how soon all hear
                       (--own-kernel: in a Linux of its own, with open files enough)
  corpus [--no-fetch]  the previews' parsers on the files that Debian's packages carry
  sign [FOLDER]        a build (dist) signed anew, under a later number
  rotate OLD NEW       a new key for releases, which the old one names as its successor
  setup                only install what is missing
  steps                name the steps of `test`
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "serve" => serve::serve(rest),
        "test" => check::test(rest),
        "check" => {
            no_more(rest)?;
            check::quick()
        }
        "steps" => {
            no_more(rest)?;
            check::list();
            Ok(())
        }
        "build" => match rest {
            [] => dist::build(Mode::Release),
            [flag] if flag == "--dev" => dist::build(Mode::Dev),
            _ => bail!("build takes only --dev"),
        },
        "sim" => sim::sim(rest),
        "bench" => serve::bench(rest),
        "fuzz" => fuzz::fuzz(rest),
        "faults" => faults::faults(rest),
        "joining" => joining::joining(rest),
        "edge" => edge::edge(rest),
        "overload" => overload::overload(rest),
        "rates" => rates::rates(rest),
        "sockets" => sockets::sockets(rest),
        "corpus" => corpus::corpus(rest),
        "sign" => match rest {
            [] => dist::sign(&dist::folder()),
            [build] => dist::sign(build.as_ref()),
            _ => bail!("sign takes one folder"),
        },
        "rotate" => match rest {
            [old, new] => dist::rotate(old, new),
            _ => bail!("rotate takes the file of the old key and that of the new one"),
        },
        "setup" => {
            no_more(rest)?;
            tools::for_build()?;
            tools::for_tests()
        }
        "help" | "--help" | "-h" => {
            eprint!("{HELP}");
            Ok(())
        }
        other => bail!("no command {other:?}\n\n{HELP}"),
    }
}

fn no_more(rest: &[String]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(argument) => bail!("what is {argument:?} for? this command takes no arguments"),
    }
}
