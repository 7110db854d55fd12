//! How much the program does at most, and what is left of that when three times as much is asked, by callers
//! who wait when they are told to, and by some who do not.
//!
//! By itself it asks a little and looks whether everything that was answered is there; `cargo xtask
//! overload` prints the figures of a release build.

use std::time::Duration;

use offing_core::proto::{LogPage, encode_have};
use reqwest::Method;

use crate::calls::{Calls, Person, Vault, chunk_id};
use crate::load::{Line, Manners, Offered, Outcome, Spent, Work, chunk_of, offer, saturate};
use crate::program::Program;

/// How much is asked.
struct Scale {
    people: usize,
    /// Vaults of each, which is how many calls each has under way at most.
    lines_each: usize,
    /// Of all lines, those that are enough to keep the server busy.
    busy: usize,
    lasting: Duration,
}

impl Scale {
    /// Together more than may run and wait at once.
    fn of(seconds: f64) -> Self {
        let lasting = Duration::from_secs_f64(seconds);
        Self { people: 24, lines_each: 64, busy: 256, lasting }
    }

    fn small() -> Self {
        Self { people: 2, lines_each: 6, busy: 4, lasting: Duration::from_millis(200) }
    }
}

/// What one load came to.
pub(crate) struct Figures {
    pub(crate) goodput: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    shed: f64,
    unsaid: u64,
}

impl Figures {
    /// Without the first quarter, in which queues fill.
    pub(crate) fn of(offered: &Offered, lasting: Duration) -> Self {
        let from = lasting / 4;
        let counted = offered.answers.iter().filter(|answer| answer.at > from);
        let counted: Vec<_> = counted.filter(|answer| answer.at <= lasting).collect();
        let done = counted.iter().filter(|answer| answer.outcome == Outcome::Done);
        let mut took: Vec<f64> = done.map(|answer| answer.took.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        let quantile = |of: f64| took.get((took.len() as f64 * of) as usize).copied();
        // Of the smallest load nothing may be left to count.
        Self {
            goodput: took.len().max(1) as f64 / (lasting - from).as_secs_f64(),
            p50_ms: quantile(0.5).unwrap_or_default(),
            p99_ms: quantile(0.99).unwrap_or_default(),
            shed: 1.0 - took.len() as f64 / counted.len().max(1) as f64,
            unsaid: offered.unsaid,
        }
    }

    #[expect(clippy::print_stdout, reason = "figures are for who measures")]
    fn prints(&self, how: &str, peak: f64, spent: Spent) {
        let Self { goodput, p50_ms, p99_ms, shed, unsaid } = self;
        let (server, load) = (spent.server.as_secs_f64(), spent.load.as_secs_f64());
        println!(
            "  {how:<28} {goodput:8.0} done a second ({:.2} of the peak)  p50 {p50_ms:7.1} ms  p99 \
             {p99_ms:7.1} ms  {:5.1} % shed  {unsaid} not even said  processor: server {server:.1} s, \
             load {load:.1} s",
            goodput / peak,
            shed * 100.0,
        );
    }
}

/// A load, what came of it, and what it cost.
struct Tried {
    how: &'static str,
    figures: Figures,
    spent: Spent,
}

/// As much as is answered, by callers who ask again at once.
async fn all_busy(
    program: &Program,
    lines: &mut Vec<Line>,
    scale: &Scale,
    how: &'static str,
) -> Tried {
    let few = lines.split_off(lines.len() - scale.busy);
    let before = Spent::until_now(program.process());
    let (few, offered) = saturate(few, scale.lasting).await;
    let spent = Spent::until_now(program.process()).since(before);
    lines.extend(few);
    Tried { how, figures: Figures::of(&offered, scale.lasting), spent }
}

/// Finds the most that is done, asks for three times as much, and prints what comes of it. At the end it
/// finds the most once more: a disk that has much behind it may have become slower by itself.
async fn measure(program: &Program, mut lines: Vec<Line>, scale: &Scale) -> Vec<Line> {
    let first = all_busy(program, &mut lines, scale, "as many as it answers").await;
    let most = first.figures.goodput;
    let mut peak = most;
    let mut tried = vec![first];
    for (how, times, manners) in [
        ("0.7 of that offered", 0.7, Manners::Insist),
        ("as much offered", 1.0, Manners::Insist),
        ("three times the peak", 3.0, Manners::Wait),
        ("three times, who insist", 3.0, Manners::Insist),
    ] {
        let per_second = if times > 1.0 { peak } else { most } * times;
        let before = Spent::until_now(program.process());
        let (after, offered) = offer(lines, per_second, scale.lasting, manners).await;
        let spent = Spent::until_now(program.process()).since(before);
        let figures = Figures::of(&offered, scale.lasting);
        if times <= 1.0 {
            peak = peak.max(figures.goodput);
        }
        lines = after;
        tried.push(Tried { how, figures, spent });
    }
    tried.push(all_busy(program, &mut lines, scale, "as many as it answers, again").await);
    for Tried { how, figures, spent } in tried {
        figures.prints(how, peak, spent);
    }
    lines
}

/// Looks whether everything is there that a line was told is.
async fn look(calls: &Calls, person: &Person, line: &Line, work: Work) {
    let vault = line.vault();
    match work {
        Work::Append => {
            let path = format!("/vaults/{}/log?after=0", vault.id);
            let page = calls.send(person, Method::GET, &path, "").await.granted().unwrap();
            let page = LogPage::decode(&page.body).unwrap();
            assert_eq!(page.tip.seq, 1 + line.said());
        }
        Work::Put { len } => {
            let said = (0..line.said()).map(|n| Vault { dseq: 2 + n, ..vault.clone() });
            let ids: Vec<_> = said.map(|then| chunk_id(&chunk_of(&then, len))).collect();
            let path = format!("/vaults/{}/have", vault.id);
            let have = calls.send(person, Method::POST, &path, encode_have(&ids)).await;
            let held: u32 = have.granted().unwrap().body.iter().map(|byte| byte.count_ones()).sum();
            assert_eq!(u64::from(held), line.said());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_under_load_is_there_whatever_is_asked() {
    let seconds = std::env::var("OFFING_OVERLOAD_SECONDS").ok();
    let scale = seconds.map_or(Scale::small(), |seconds| Scale::of(seconds.parse().unwrap()));
    for work in [Work::Append, Work::Put { len: 64 * 1024 }] {
        println!("{work:?}");
        let mut program = Program::start(&[]).await;
        if std::env::var_os("OFFING_OVERLOAD_APART").is_some() {
            program.stands_apart();
        }
        let people = program.sign_up(scale.people).await;
        let mut lines = Vec::new();
        for number in 0..scale.people * scale.lines_each {
            let person = &people[number % people.len()];
            lines.push(Line::begins(&program.calls, person, work).await);
        }
        let lines = measure(&program, lines, &scale).await;
        assert!(lines.iter().any(|line| line.said() > 0));
        for line in &lines {
            let whose = people.iter().find(|person| person.device == line.vault().device);
            look(&program.calls, whose.unwrap(), line, work).await;
        }
        program.stop().await;
    }
}
