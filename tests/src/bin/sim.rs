//! Lives of many seeds, or one of them in words: `sim [--seeds N] [--from S] [--honest]
//! [--threads T]`, or `sim --seed X [--steps N]`.

#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use offing_tests::sim::plan::{Kind, Plan};
use offing_tests::sim::runs::{self, Tally, Wanted};

const HELP: &str = "sim [--seeds N] [--from S] [--honest] [--threads T] | --seed X [--steps N]";
/// Failures that are told in full.
const TOLD_MAX: usize = 3;

struct Options {
    wanted: Wanted,
    seed: Option<u64>,
    steps: Option<usize>,
}

fn main() -> ExitCode {
    let Some(options) = read(std::env::args().skip(1)) else {
        eprintln!("{HELP}");
        return ExitCode::FAILURE;
    };
    runs::keeps_panics_quiet();
    let failed = match options.seed {
        Some(seed) => tells(seed, options.wanted.kind, options.steps),
        None => all(options.wanted),
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn read(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = Wanted { from: 1, seeds: 1_000, kind: Kind::Any, threads };
    let mut options = Options { wanted, seed: None, steps: None };
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse::<u64>().ok();
        match word.as_str() {
            "--seeds" => options.wanted.seeds = number()?,
            "--from" => options.wanted.from = number()?,
            "--threads" => options.wanted.threads = usize::try_from(number()?).ok()?,
            "--seed" => options.seed = Some(number()?),
            "--steps" => options.steps = Some(usize::try_from(number()?).ok()?),
            "--honest" => options.wanted.kind = Kind::Honest,
            _ => return None,
        }
    }
    Some(options)
}

/// Lives one seed and tells its history; says whether it failed.
fn tells(seed: u64, kind: Kind, steps: Option<usize>) -> bool {
    let mut plan = Plan::of(seed, kind);
    plan.steps = steps.unwrap_or(plan.steps);
    let outcome = runs::lives(plan);
    for line in &outcome.history {
        println!("{line}");
    }
    match &outcome.failure {
        Some(failure) => println!("\nseed {seed} failed: {failure}"),
        None => println!("\nseed {seed} is well"),
    }
    outcome.failure.is_some()
}

fn all(wanted: Wanted) -> bool {
    let start = std::time::Instant::now();
    let (tally, failed) = runs::run(wanted, |seed, failure| {
        let failure: String = failure.chars().take(600).collect();
        eprintln!("seed {seed} failed: {failure}");
    });
    report(&tally, start.elapsed().as_secs_f64());
    for seed in failed.iter().take(TOLD_MAX) {
        let steps = runs::shorten(*seed, wanted.kind);
        println!("\n── seed {seed}, shortened to {steps} steps\n");
        tells(*seed, wanted.kind, Some(steps));
    }
    if failed.is_empty() {
        println!("\nnothing was lost, forged or claimed in vain");
    } else {
        println!("\n{} of {} seeds failed: {failed:?}", failed.len(), wanted.seeds);
        println!("`cargo xtask sim --seed {}` tells one again", failed[0]);
    }
    !failed.is_empty()
}

fn report(tally: &Tally, seconds: f64) {
    println!("{:>9} lives in {seconds:.0} s, {} of them honest", tally.lives, tally.honest);
    println!("{:>9} things done by people", tally.acts);
    println!("{:>9} entries in the logs", tally.entries);
    println!("{:>9} promises looked for", tally.promises);
    println!("{:>9} times a status said that all is on the server", tally.claims);
    println!("{:>9} alarms, all of them true", tally.alarms);
    println!("{:>9} dead chunks removed", tally.collected);
    println!("{:>9} of them of contents that were deleted for good", tally.ended);
    println!("{:>9} bodies let go of for a countersigned snapshot", tally.pruned);
    println!("{:>9} times a service worker pushed", tally.pushed_aside);
    println!("{:>9} times somebody let go of what was kept", tally.let_go);
    for (harm, times) in &tally.harms {
        println!("{times:>9} {harm}");
    }
}
