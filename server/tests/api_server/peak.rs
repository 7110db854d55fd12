//! How much the program does at most, and what is left of that when three times as much is asked.
//!
//! By itself it asks a little and looks whether everything that was answered is there; `cargo xtask
//! overload` prints the figures of a release build.

use std::time::Duration;

use offing_core::proto::{LogPage, encode_have};
use reqwest::Method;

use crate::calls::{Calls, Person, Vault, chunk_id};
use crate::load::{Line, Offered, Outcome, Work, chunk_of, offer, saturate};
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
    fn prints(&self, how: &str, peak: f64) {
        let Self { goodput, p50_ms, p99_ms, shed, unsaid } = self;
        println!(
            "  {how:<26} {goodput:8.0} done a second ({:.2} of the peak)  p50 {p50_ms:7.1} ms  p99 \
             {p99_ms:7.1} ms  {:5.1} % shed  {unsaid} not even said",
            goodput / peak,
            shed * 100.0
        );
    }
}

/// Finds the most that is done, asks for three times as much, and prints what comes of it.
async fn measure(mut lines: Vec<Line>, scale: &Scale) -> Vec<Line> {
    let few = lines.split_off(lines.len() - scale.busy);
    let (few, all_busy) = saturate(few, scale.lasting).await;
    lines.extend(few);
    let all_busy = Figures::of(&all_busy, scale.lasting);
    let (mut peak, mut figures) = (all_busy.goodput, Vec::new());
    for times in [0.7, 1.0] {
        let (after, offered) = offer(lines, all_busy.goodput * times, scale.lasting).await;
        let found = Figures::of(&offered, scale.lasting);
        (peak, lines) = (peak.max(found.goodput), after);
        figures.push((format!("{times} of that offered"), found));
    }
    let (lines, offered) = offer(lines, peak * 3.0, scale.lasting).await;
    all_busy.prints("as many as it answers", peak);
    for (how, found) in figures {
        found.prints(&how, peak);
    }
    Figures::of(&offered, scale.lasting).prints("three times the peak", peak);
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
        let people = program.sign_up(scale.people).await;
        let mut lines = Vec::new();
        for number in 0..scale.people * scale.lines_each {
            let person = &people[number % people.len()];
            lines.push(Line::begins(&program.calls, person, work).await);
        }
        let lines = measure(lines, &scale).await;
        assert!(lines.iter().any(|line| line.said() > 0));
        for line in &lines {
            let whose = people.iter().find(|person| person.device == line.vault().device);
            look(&program.calls, whose.unwrap(), line, work).await;
        }
        program.stop().await;
    }
}
