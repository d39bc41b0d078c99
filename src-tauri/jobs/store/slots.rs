//! `slots`: a row a claimed slot, a row a stretch of skipped ones. The row is written before the run begins: a slot is claimed once,
//! whoever else looks at it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::schedules::{self, Counts};
use super::{JobRow, JobStore, Result};
use crate::jobs::decide::{Decided, Decision, Span};
use crate::jobs::slot::{How, Reason, SlotRecord, SlotState};
use crate::model::Problem;
use crate::store::{Columns, StoreError, json, time, word};

const NAME: &str = "slots";

/// Rows kept of a schedule.
const KEPT: i64 = 5000;

pub(super) const TABLE: &str = "
    CREATE TABLE slots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job_id TEXT NOT NULL,
        slot TEXT NOT NULL,
        last_slot TEXT NOT NULL,
        count INTEGER NOT NULL,
        how TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        problem_json TEXT,
        run_id TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        interruptions INTEGER NOT NULL DEFAULT 0,
        not_before TEXT,
        started_at TEXT,
        ended_at TEXT,
        done_json TEXT NOT NULL DEFAULT '[]',
        owner TEXT,
        UNIQUE (job_id, slot)
    )";

pub(super) const INDEX: &str =
    "CREATE INDEX open_slots ON slots (job_id) WHERE state IN ('waiting', 'running', 'retrying')";

const OPEN: &str = "state IN ('waiting', 'running', 'retrying')";

/// How an attempt or a slot came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub state: SlotState,
    pub reason: Option<Reason>,
    pub problem: Option<Problem>,
}

impl JobStore {
    /// Writes down what was decided of the slots of a schedule, all of it or nothing. Returns the rows that are new or ended by it; None
    /// where somebody else changed the schedule meanwhile. `count` counts the slots of a span.
    pub fn apply(
        &self,
        row: &JobRow,
        decided: &Decided,
        now: Timestamp,
        count: &dyn Fn(Timestamp, Timestamp) -> u64,
    ) -> Result<Option<Vec<SlotRecord>>> {
        self.transaction(|t| {
            if !schedules::move_cursor(t, row, decided.cursor)? {
                return Ok(None);
            }
            let (mut ids, mut changed) = (Vec::new(), Vec::new());
            for decision in &decided.decisions {
                let id = &row.schedule.id;
                match decision {
                    Decision::Void => void(t, id, decided.cursor, count)?,
                    Decision::Supersede => {
                        for open in open_of(t, Some(id))? {
                            if open.state != SlotState::Running {
                                changed.push(end(t, &open, &given_up(&open), now)?);
                            }
                        }
                    }
                    Decision::Claim { slot, how } => {
                        let reason = (*how == How::CaughtUp).then_some(Reason::Settling);
                        let state = SlotState::Waiting;
                        let span = Span {
                            first: *slot,
                            last: *slot,
                            count: 1,
                        };
                        ids.extend(insert(t, id, span, *how, state, reason)?);
                    }
                    Decision::Skip { span, reason } => {
                        let (how, state) = (How::OnTime, SlotState::Skipped);
                        ids.extend(insert(t, id, *span, how, state, Some(*reason))?);
                        if reason.is_trouble() {
                            let counts = Counts::of(state, Some(*reason));
                            schedules::fared(t, id, state, counts, None)?;
                        }
                    }
                }
            }
            prune(t, &row.schedule.id)?;
            for id in ids {
                changed.push(by_id(t, id)?);
            }
            Ok(Some(changed))
        })
    }

    /// A slot of now, that somebody asked for; its first attempt begins.
    pub fn claim_by_hand(
        &self,
        job_id: &str,
        run_id: &str,
        owner: &str,
        now: Timestamp,
    ) -> Result<SlotRecord> {
        self.transaction(|t| {
            let span = Span {
                first: now,
                last: now,
                count: 1,
            };
            let (how, state) = (How::ByHand, SlotState::Waiting);
            let id = insert(t, job_id, span, how, state, None)?;
            let id = id.ok_or_else(|| StoreError::Taken("this instant".to_owned()))?;
            begin(t, id, job_id, run_id, owner, now)?;
            by_id(t, id)
        })
    }

    /// The next attempt begins, under a `run_id` of its own. None where the slot is not open any more, or runs already.
    pub fn begin(
        &self,
        record: &SlotRecord,
        run_id: &str,
        owner: &str,
        now: Timestamp,
    ) -> Result<Option<SlotRecord>> {
        self.transaction(|t| {
            let begun = begin(t, record.id, &record.schedule_id, run_id, owner, now);
            if !begun? {
                return Ok(None);
            }
            by_id(t, record.id).map(Some)
        })
    }

    /// The slot's end. Returns it as it is now.
    pub fn end(&self, record: &SlotRecord, ending: &Ending, now: Timestamp) -> Result<SlotRecord> {
        self.transaction(|t| end(t, record, ending, now))
    }

    /// As what it is: nobody tries it any more.
    pub fn give_up(&self, record: &SlotRecord, now: Timestamp) -> Result<SlotRecord> {
        self.end(record, &given_up(record), now)
    }

    /// It stays open: `ending` says why, `not_before` when to look again. The one who ran it lets go of it.
    pub fn put_off(
        &self,
        record: &SlotRecord,
        ending: &Ending,
        not_before: Option<Timestamp>,
    ) -> Result<SlotRecord> {
        self.transaction(|t| {
            let sql = format!(
                "UPDATE slots SET state = :state, reason = :reason, problem_json = :problem, not_before = :not_before, owner = NULL,
                    done_json = :done, interruptions = :interruptions
                 WHERE id = :id AND {OPEN}"
            );
            t.execute(
                &sql,
                named_params! {
                    ":id": record.id,
                    ":state": word(NAME, &ending.state)?,
                    ":reason": ending.reason.map(|r| word(NAME, &r)).transpose()?,
                    ":problem": ending.problem.as_ref().map(|p| json(NAME, p)).transpose()?,
                    ":not_before": not_before.map(time),
                    ":done": json(NAME, &record.done)?,
                    ":interruptions": record.interruptions,
                },
            )?;
            by_id(t, record.id)
        })
    }

    /// Writes the skipped slots of a time in which nothing was decided, and moves the cursor. False where somebody else was faster.
    pub fn skip(
        &self,
        row: &JobRow,
        spans: &[Span],
        reason: Reason,
        cursor: Timestamp,
    ) -> Result<bool> {
        self.transaction(|t| {
            if !schedules::move_cursor(t, row, cursor)? {
                return Ok(false);
            }
            for span in spans {
                let (how, state) = (How::OnTime, SlotState::Skipped);
                insert(t, &row.schedule.id, *span, how, state, Some(reason))?;
            }
            Ok(true)
        })
    }

    /// Those that have not come to their end, oldest first.
    pub fn open_slots(&self, job_id: Option<&str>) -> Result<Vec<SlotRecord>> {
        open_of(&self.connection(), job_id)
    }

    /// Slots after the cursor that were claimed, ascending.
    pub fn taken(&self, job_id: &str, cursor: Timestamp) -> Result<Vec<Timestamp>> {
        let sql = "SELECT slot FROM slots WHERE job_id = ?1 AND slot > ?2 AND state <> 'skipped' AND how <> 'by_hand' ORDER BY slot";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([job_id, &time(cursor)])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(Columns::of(NAME, row).time("slot")?);
        }
        Ok(all)
    }

    /// Newest first.
    pub fn slots(&self, job_id: &str, limit: u32) -> Result<Vec<SlotRecord>> {
        let sql = "SELECT * FROM slots WHERE job_id = ?1 ORDER BY slot DESC LIMIT ?2";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        collect(statement.query(params![job_id, limit])?)
    }
}

/// What an open slot ends as when nobody goes on with it.
fn given_up(record: &SlotRecord) -> Ending {
    let (state, reason) = match (record.state, record.reason) {
        _ if record.interruptions > 0 => (SlotState::Interrupted, None),
        (SlotState::Waiting, None | Some(Reason::Settling)) => {
            (SlotState::Skipped, Some(Reason::Covered))
        }
        (SlotState::Waiting, reason) => (SlotState::Skipped, reason),
        _ => (SlotState::Failed, None),
    };
    Ending {
        state,
        reason,
        problem: record.problem.clone(),
    }
}

fn insert(
    connection: &Connection,
    job_id: &str,
    span: Span,
    how: How,
    state: SlotState,
    reason: Option<Reason>,
) -> Result<Option<i64>> {
    // A slot that has a row already keeps it.
    let sql =
        "INSERT OR IGNORE INTO slots (job_id, slot, last_slot, count, how, state, reason, ended_at)
        VALUES (:job, :slot, :last, :count, :how, :state, :reason, :ended)";
    let ended = (state == SlotState::Skipped).then(|| time(span.last));
    let made = connection.prepare_cached(sql)?.execute(named_params! {
        ":job": job_id,
        ":slot": time(span.first),
        ":last": time(span.last),
        ":count": i64::try_from(span.count).unwrap_or(i64::MAX),
        ":how": word(NAME, &how)?,
        ":state": word(NAME, &state)?,
        ":reason": reason.map(|r| word(NAME, &r)).transpose()?,
        ":ended": ended,
    })?;
    Ok((made > 0).then(|| connection.last_insert_rowid()))
}

fn begin(
    connection: &Connection,
    id: i64,
    job_id: &str,
    run_id: &str,
    owner: &str,
    now: Timestamp,
) -> Result<bool> {
    let begun = connection.execute(
        "UPDATE slots SET state = 'running', attempt = attempt + 1, run_id = :run, owner = :owner, started_at = :now
         WHERE id = :id AND state IN ('waiting', 'retrying')",
        named_params! {":id": id, ":run": run_id, ":owner": owner, ":now": time(now)},
    )?;
    schedules::began(connection, job_id, now)?;
    Ok(begun > 0)
}

fn end(
    connection: &Connection,
    record: &SlotRecord,
    ending: &Ending,
    now: Timestamp,
) -> Result<SlotRecord> {
    let ended_now = SlotRecord {
        state: ending.state,
        reason: ending.reason,
        problem: ending.problem.clone(),
        not_before: None,
        owner: None,
        ended_at: Some(now),
        ..record.clone()
    };
    if ending.state == SlotState::Skipped && record.slot > now {
        // Claimed by a clock that was ahead, and never run: it comes again.
        connection.execute("DELETE FROM slots WHERE id = ?1", [record.id])?;
        return Ok(ended_now);
    }
    let sql = format!(
        "UPDATE slots SET state = :state, reason = :reason, problem_json = :problem, not_before = NULL, owner = NULL, ended_at = :now,
            done_json = :done
         WHERE id = :id AND {OPEN}"
    );
    let ended = connection.execute(
        &sql,
        named_params! {
            ":id": record.id,
            ":state": word(NAME, &ending.state)?,
            ":reason": ending.reason.map(|r| word(NAME, &r)).transpose()?,
            ":problem": ending.problem.as_ref().map(|p| json(NAME, p)).transpose()?,
            ":now": time(now),
            ":done": json(NAME, &record.done)?,
        },
    )?;
    let silent =
        ending.state == SlotState::Skipped && !ending.reason.is_some_and(Reason::is_trouble);
    if ended > 0 && !silent {
        let error = ending.problem.as_ref().map(|p| p.message.as_str());
        let counts = Counts::of(ending.state, ending.reason);
        schedules::fared(connection, &record.schedule_id, ending.state, counts, error)?;
    }
    Ok(ended_now)
}

/// What was skipped after `now` comes again.
fn void(
    connection: &Connection,
    job_id: &str,
    now: Timestamp,
    count: &dyn Fn(Timestamp, Timestamp) -> u64,
) -> Result<()> {
    let at = time(now);
    connection.execute(
        "DELETE FROM slots WHERE job_id = ?1 AND state = 'skipped' AND slot > ?2",
        [job_id, &at],
    )?;
    let mut statement = connection.prepare(
        "SELECT * FROM slots WHERE job_id = ?1 AND state = 'skipped' AND last_slot > ?2",
    )?;
    for record in collect(statement.query([job_id, &at])?)? {
        let count = i64::try_from(count(record.slot, now)).unwrap_or(i64::MAX);
        connection.execute(
            "UPDATE slots SET last_slot = ?2, count = ?3 WHERE id = ?1",
            params![record.id, at, count],
        )?;
    }
    Ok(())
}

fn prune(connection: &Connection, job_id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM slots WHERE job_id = ?1 AND id <= (SELECT id FROM slots WHERE job_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                AND state NOT IN ('waiting', 'running', 'retrying')",
        )?
        .execute(params![job_id, KEPT])
        .map(drop)
}

fn open_of(connection: &Connection, job_id: Option<&str>) -> Result<Vec<SlotRecord>> {
    let sql =
        format!("SELECT * FROM slots WHERE {OPEN} AND (?1 IS NULL OR job_id = ?1) ORDER BY slot");
    let mut statement = connection.prepare_cached(&sql)?;
    collect(statement.query([job_id])?)
}

fn by_id(connection: &Connection, id: i64) -> Result<SlotRecord> {
    connection
        .prepare_cached("SELECT * FROM slots WHERE id = ?1")?
        .query_row([id], |row| Ok(from_row(row)))
        .optional()?
        .unwrap_or_else(|| {
            Err(StoreError::Unknown {
                table: NAME,
                key: id.to_string(),
            }
            .into())
        })
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<SlotRecord>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    Ok(found)
}

fn from_row(row: &Row<'_>) -> Result<SlotRecord> {
    let columns = Columns::of(NAME, row);
    let reason: Option<String> = columns.get("reason")?;
    let problem: Option<String> = columns.get("problem_json")?;
    Ok(SlotRecord {
        id: columns.get("id")?,
        schedule_id: columns.get("job_id")?,
        slot: columns.time("slot")?,
        last_slot: columns.time("last_slot")?,
        count: columns.number("count")?.unwrap_or(1),
        how: columns.word("how")?,
        state: columns.word("state")?,
        reason: reason.map(|_| columns.word("reason")).transpose()?,
        problem: problem.map(|_| columns.json("problem_json")).transpose()?,
        run_id: columns.get("run_id")?,
        attempt: columns.get("attempt")?,
        interruptions: columns.get("interruptions")?,
        not_before: columns.optional_time("not_before")?,
        started_at: columns.optional_time("started_at")?,
        ended_at: columns.optional_time("ended_at")?,
        done: columns.json("done_json")?,
        owner: columns.get("owner")?,
    })
}
