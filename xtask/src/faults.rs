//! Real faults: the server and the browser killed again and again, and the browser's storage
//! failing at each of its calls.
//!
//! The same tests with few faults are among all others; this says how many.

use anyhow::{Context as _, Result, bail};

use crate::{
    check, dist,
    run::{cargo, run, step, target},
    tools,
};

/// Runs the tests with as many faults as the options say.
pub(crate) fn faults(arguments: &[String]) -> Result<()> {
    let (mut kills, mut browser_kills, mut storage) = (None, None, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let count = match word.as_str() {
            "--storage" => {
                storage = true;
                continue;
            }
            "--kills" => &mut kills,
            "--browser-kills" => &mut browser_kills,
            other => bail!("faults takes --kills N, --browser-kills N, --storage, not {other:?}"),
        };
        let number = words.next().with_context(|| format!("{word} names a number"))?;
        *count = Some(number.parse::<u32>().with_context(|| format!("{number} is no number"))?);
    }
    if kills.is_none() && browser_kills.is_none() && !storage {
        bail!("say what: --kills 200, --browser-kills 50, --storage");
    }
    if let Some(kills) = kills {
        step("kill the server", || server(kills))?;
    }
    if let Some(kills) = browser_kills {
        step("kill the browser", || browser("kills", "OFFING_BROWSER_KILLS", &kills.to_string()))?;
    }
    if storage {
        step("fail the browser's storage", || browser("storage", "OFFING_STORAGE_FAULTS", "all"))?;
    }
    Ok(())
}

fn server(kills: u32) -> Result<()> {
    run(cargo().args(["build", "-q", "-p", "offing-server"]))?;
    run(cargo()
        .args(["test", "-q", "-p", "offing-cli", "--test", "kills", "--", "--nocapture"])
        .env("OFFING_SERVER", target().join("debug/offing-server"))
        .env("OFFING_KILLS", kills.to_string()))
}

/// Runs a browser test over the app as people get it, with one variable set.
fn browser(test: &str, variable: &str, value: &str) -> Result<()> {
    tools::for_build()?;
    tools::for_tests()?;
    dist::release_once()?;
    let test = check::e2e().join(format!("{test}.test.js"));
    run(check::in_browser(&[test])?.env(variable, value))
}
