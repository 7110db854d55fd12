//! A group of jobs as few messages.
//!
//! Jobs that begin with a question and make a vault grow, which appends are, send nothing themselves:
//! the questions of all of them go out together when the first is asked, and what they change waits and
//! goes out together at the end. Between that, an answer is kept up to date by what the jobs before did.
//!
//! A job that asks or does anything else stands *apart*: what waits is sent before it, and it has a
//! savepoint of its own, so that it sees what every job before it did, and has no effect if it fails.
//! Growth of several jobs that the database refuses is sent again job by job, for the same reason. A
//! growth says itself what it follows, so what came after one that was refused is refused too.

use std::collections::{BTreeMap, HashMap};

use offing_core::id::VaultId;

use super::BEGIN;
use super::rows::Rows;
use crate::store::growth::{Growth, Question, Standing};
use crate::store::meta::{MetaError, MetaResult, Output, Vault, WriteJob};
use crate::store::queue::{Queued, Written, guarded};

/// What waits to be sent comes to about as much.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// What the jobs of a group know beforehand, and what waits to be sent.
#[derive(Default)]
pub(super) struct Batch {
    /// Of jobs that have not begun yet, the first of which comes last.
    questions: Vec<Option<Box<Question>>>,
    known: HashMap<Question, Option<Standing>>,
    /// By job.
    waiting: BTreeMap<usize, Vec<Growth>>,
    waiting_bytes: usize,
    /// The job that runs.
    job: usize,
    /// It stands apart.
    apart: bool,
    /// What was refused when it was sent.
    refused: BTreeMap<usize, MetaError>,
    /// The vaults that were advanced.
    grown: BTreeMap<VaultId, Vault>,
    /// What was sent for nobody alone has failed, and the transaction with it.
    is_lost: bool,
}

/// Runs jobs in one transaction.
pub(super) fn run_group(rows: &mut Rows<'_>, jobs: Vec<Queued>) -> MetaResult<Written> {
    rows.send_plain(BEGIN);
    let (questions, jobs): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|Queued { question, job }| (question, job)).unzip();
    let batch = rows.batch.get_mut();
    batch.questions = questions;
    batch.questions.reverse();
    let is_alone = jobs.len() == 1;
    let mut results = Vec::with_capacity(jobs.len());
    for (number, job) in jobs.into_iter().enumerate() {
        results.push(run_job(rows, number, job)?);
    }
    let waiting = &mut rows.batch.get_mut().waiting;
    if is_alone && waiting.values().flatten().count() == 1 {
        // It disturbs nobody if it fails with the commit.
        let waiting = std::mem::take(waiting);
        rows.send_growth(&waiting.values().flatten().collect::<Vec<_>>())?;
    } else {
        rows.send_waiting()?;
    }
    rows.tell_growth()?;
    rows.send_plain("COMMIT");
    match rows.settle() {
        // Nothing of it was committed, and nobody else is concerned.
        Err(MetaError::Constraint) if is_alone => results = vec![Err(MetaError::Constraint)],
        settled => settled?,
    }
    for (job, error) in std::mem::take(&mut rows.batch.get_mut().refused) {
        results[job] = Err(error);
    }
    Ok(Written { results, changed: rows.changed() })
}

/// Runs a job; the outer error means that the whole transaction is lost.
fn run_job(rows: &mut Rows<'_>, number: usize, job: WriteJob) -> MetaResult<MetaResult<Output>> {
    if rows.batch.get_mut().waiting_bytes > WAITING_BYTES_MAX {
        rows.send_waiting()?;
    }
    let batch = rows.batch.get_mut();
    (batch.job, batch.apart) = (number, false);
    let result = guarded(|| {
        let output = job(rows)?;
        if rows.is_apart() {
            rows.settle()?;
        }
        Ok(output)
    });
    if rows.batch.get_mut().is_lost {
        return Err(result.err().unwrap_or(MetaError::RolledBack));
    }
    rows.batch.get_mut().questions.pop();
    match (result, rows.is_apart()) {
        (Ok(output), apart) => {
            if apart {
                rows.send_plain("RELEASE job");
            }
            let grown = std::mem::take(&mut rows.grown);
            rows.batch.get_mut().grown.extend(grown);
            Ok(Ok(output))
        }
        (Err(error), false) => {
            rows.grown.clear();
            let batch = rows.batch.get_mut();
            if batch.waiting.remove(&number).is_some() {
                // It was reckoned with.
                batch.known.clear();
            }
            Ok(Err(error))
        }
        (Err(error), true) => {
            rows.forget();
            rows.send_plain("ROLLBACK TO job; RELEASE job");
            // Fails if the transaction never began or the connection is lost: then all is.
            rows.settle().map_err(|_| MetaError::RolledBack)?;
            Ok(Err(error))
        }
    }
}

impl Rows<'_> {
    fn is_apart(&self) -> bool {
        self.batch.borrow().apart
    }

    /// Lets the job stand apart, before it sends anything itself.
    pub(super) fn stand_apart(&self) -> MetaResult<()> {
        if self.is_apart() {
            return Ok(());
        }
        let own = {
            let batch = &mut *self.batch.borrow_mut();
            batch.known.clear();
            batch.waiting.remove(&batch.job)
        };
        self.send_waiting()?;
        self.batch.borrow_mut().apart = true;
        self.send_plain("SAVEPOINT job");
        own.map_or(Ok(()), |own| self.send_growth(&own.iter().collect::<Vec<_>>()))
    }

    /// A transaction that reads, in which nothing is gathered.
    pub(super) fn reads_alone(self) -> Self {
        self.batch.borrow_mut().apart = true;
        self
    }

    /// Answers a question, and with it those of the jobs that come.
    pub(super) fn know(&self, question: &Question) -> MetaResult<Option<Standing>> {
        let batch = self.batch.borrow();
        if batch.apart || batch.waiting.contains_key(&batch.job) {
            drop(batch);
            self.stand_apart()?;
            let mut found = self.ask(std::slice::from_ref(question))?;
            return Ok(found.pop().flatten());
        }
        if let Some(known) = batch.known.get(question) {
            return Ok(known.clone());
        }
        drop(batch);
        self.send_waiting()?;
        let mut questions = vec![question.clone()];
        {
            let batch = self.batch.borrow();
            let to_come = batch.questions.iter().flatten().filter(|it| ***it != *question);
            questions.extend(to_come.map(|it| (**it).clone()));
        }
        // Of nobody alone: if it fails, so does the group.
        let found = self.ask(&questions);
        let batch = &mut *self.batch.borrow_mut();
        batch.is_lost = found.is_err();
        batch.known = questions.into_iter().zip(found?).collect();
        Ok(batch.known.get(question).cloned().flatten())
    }

    /// Gathers what a job changes, or sends it if that stands apart.
    pub(super) fn gather(&mut self, growth: Growth) -> MetaResult<()> {
        let batch = self.batch.get_mut();
        if batch.apart {
            self.grown.insert(growth.vault.id, growth.vault);
            return self.send_growth(&[&growth]);
        }
        for (question, standing) in &mut batch.known {
            if let Some(standing) = standing {
                standing.follow(question, &growth);
            }
        }
        batch.waiting_bytes += growth.entries.iter().map(|entry| entry.page_bytes()).sum::<usize>();
        self.grown.insert(growth.vault.id, growth.vault);
        batch.waiting.entry(batch.job).or_default().push(growth);
        Ok(())
    }

    /// Sends what waits, and hears what became of it.
    fn send_waiting(&self) -> MetaResult<()> {
        let waiting = {
            let batch = &mut *self.batch.borrow_mut();
            batch.waiting_bytes = 0;
            std::mem::take(&mut batch.waiting)
        };
        let sent = self.try_waiting(&waiting.into_iter().collect::<Vec<_>>());
        self.batch.borrow_mut().is_lost |= sent.is_err();
        sent
    }

    fn try_waiting(&self, waiting: &[(usize, Vec<Growth>)]) -> MetaResult<()> {
        if waiting.is_empty() {
            return Ok(());
        }
        self.send_plain("SAVEPOINT grown");
        let all: Vec<&Growth> = waiting.iter().flat_map(|(_, growth)| growth).collect();
        let tried = self.send_growth(&all);
        let Err(error) = tried.and_then(|()| self.settle()) else {
            self.send_plain("RELEASE grown");
            return Ok(());
        };
        self.send_plain("ROLLBACK TO grown; RELEASE grown");
        // Fails if the transaction never began or the connection is lost: then all is.
        self.settle().map_err(|_| MetaError::RolledBack)?;
        if let [(job, _)] = waiting {
            let batch = &mut *self.batch.borrow_mut();
            batch.refused.insert(*job, error);
            batch.known.clear();
            return Ok(());
        }
        waiting.iter().try_for_each(|one| self.try_waiting(std::slice::from_ref(one)))
    }

    /// Tells the other processes which vaults the jobs have advanced, if it is committed.
    fn tell_growth(&mut self) -> MetaResult<()> {
        let grown = std::mem::take(&mut self.batch.get_mut().grown);
        self.tell(grown.values())
    }
}
