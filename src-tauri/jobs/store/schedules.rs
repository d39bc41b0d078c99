//! `jobs`: a row a schedule, and how it fares.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{JobStore, Result};
use crate::jobs::slot::{Reason, SlotState};
use crate::model::schedule::Schedule;
use crate::store::{Columns, StoreError, json, or_taken, time, word};

const NAME: &str = "jobs";

pub(super) const TABLE: &str = "
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE,
        instance_id TEXT NOT NULL,
        destination_ids_json TEXT NOT NULL,
        act TEXT NOT NULL,
        cadence_json TEXT NOT NULL,
        timezone TEXT NOT NULL,
        paused INTEGER NOT NULL,
        catch_up TEXT NOT NULL,
        grace_seconds INTEGER NOT NULL,
        retries INTEGER NOT NULL,
        settle_seconds INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        created_by TEXT NOT NULL,
        cursor_at TEXT NOT NULL,
        failure_count INTEGER NOT NULL DEFAULT 0,
        last_run TEXT,
        last_status TEXT,
        last_error TEXT
    )";

/// A schedule, and how it fares.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRow {
    pub schedule: Schedule,
    /// Every slot up to here is decided. Of a paused one: since when it is.
    pub cursor: Timestamp,
    /// Slots in a row that ended badly.
    pub failure_count: u32,
    /// When the newest attempt began.
    pub last_run: Option<Timestamp>,
    pub last_status: Option<SlotState>,
    pub last_error: Option<String>,
}

impl JobStore {
    /// By name.
    pub fn jobs(&self) -> Result<Vec<JobRow>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT * FROM jobs ORDER BY name")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(from_row(row)?);
        }
        Ok(found)
    }

    pub fn job(&self, name: &str) -> Result<Option<JobRow>> {
        one(
            &self.connection(),
            "SELECT * FROM jobs WHERE name = ?1",
            name,
        )
    }

    pub fn job_by_id(&self, id: &str) -> Result<Option<JobRow>> {
        one(&self.connection(), "SELECT * FROM jobs WHERE id = ?1", id)
    }

    /// `Taken` where the name is.
    pub fn insert_job(&self, schedule: &Schedule, cursor: Timestamp) -> Result<()> {
        let sql = "INSERT INTO jobs (id, name, instance_id, destination_ids_json, act, cadence_json, timezone, paused, catch_up,
                grace_seconds, retries, settle_seconds, created_at, created_by, cursor_at)
            VALUES (:id, :name, :instance, :destinations, :act, :cadence, :timezone, :paused, :catch_up,
                :grace, :retries, :settle, :created_at, :created_by, :cursor)";
        write(&self.connection(), sql, schedule, Some(cursor)).map(drop)
    }

    /// All that a user sets. None: the cursor stays where it is by now.
    pub fn update_job(&self, schedule: &Schedule, cursor: Option<Timestamp>) -> Result<()> {
        let sql = "UPDATE jobs SET name = :name, instance_id = :instance, destination_ids_json = :destinations, act = :act,
                cadence_json = :cadence, timezone = :timezone, paused = :paused, catch_up = :catch_up, grace_seconds = :grace,
                retries = :retries, settle_seconds = :settle, created_at = :created_at, created_by = :created_by,
                cursor_at = coalesce(:cursor, cursor_at)
            WHERE id = :id";
        match write(&self.connection(), sql, schedule, cursor)? {
            0 => Err(StoreError::Unknown {
                table: NAME,
                key: schedule.name.clone(),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// With all that is known of its slots. Missing is success.
    pub fn remove_job(&self, id: &str) -> Result<()> {
        self.transaction(|t| {
            t.execute("DELETE FROM slots WHERE job_id = ?1", [id])?;
            t.execute("DELETE FROM jobs WHERE id = ?1", [id])?;
            Ok(())
        })
    }
}

/// Moves the cursor, if it is still where the decision found it and nobody paused the schedule meanwhile.
pub(super) fn move_cursor(
    connection: &Connection,
    row: &JobRow,
    to: Timestamp,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE jobs SET cursor_at = :to WHERE id = :id AND cursor_at = :from AND paused = :paused",
        )?
        .execute(named_params! {
            ":to": time(to),
            ":id": row.schedule.id,
            ":from": time(row.cursor),
            ":paused": row.schedule.paused,
        })
        .map(|changed| changed > 0)
}

/// An attempt began.
pub(super) fn began(connection: &Connection, id: &str, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE jobs SET last_run = ?2 WHERE id = ?1",
            [id, &time(at)],
        )
        .map(drop)
}

/// How a slot that came to its end counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    Good,
    Bad,
    Neither,
}

impl Counts {
    pub(super) fn of(state: SlotState, reason: Option<Reason>) -> Self {
        let waited_in_vain = |reason: Reason| reason.is_trouble() && reason != Reason::Missed;
        if state.is_success() {
            Self::Good
        } else if state.is_failure()
            || state == SlotState::Skipped && reason.is_some_and(waited_in_vain)
        {
            Self::Bad
        } else {
            Self::Neither
        }
    }
}

/// A slot came to its end; `error`: why not a good one.
pub(super) fn fared(
    connection: &Connection,
    id: &str,
    state: SlotState,
    counts: Counts,
    error: Option<&str>,
) -> Result<()> {
    connection.execute(
        "UPDATE jobs SET last_status = :status, last_error = :error,
            failure_count = CASE WHEN :failed THEN failure_count + 1 WHEN :good THEN 0 ELSE failure_count END
         WHERE id = :id",
        named_params! {
            ":id": id,
            ":status": word(NAME, &state)?,
            ":error": error,
            ":failed": counts == Counts::Bad,
            ":good": counts == Counts::Good,
        },
    )?;
    Ok(())
}

fn one(connection: &Connection, sql: &str, key: &str) -> Result<Option<JobRow>> {
    connection
        .prepare_cached(sql)?
        .query_row([key], |row| Ok(from_row(row)))
        .optional()?
        .transpose()
}

fn write(
    connection: &Connection,
    sql: &str,
    schedule: &Schedule,
    cursor: Option<Timestamp>,
) -> Result<usize> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let params = named_params! {
        ":id": schedule.id,
        ":name": schedule.name,
        ":instance": schedule.instance_id.as_str(),
        ":destinations": json(NAME, &schedule.destination_ids)?,
        ":act": word(NAME, &schedule.act)?,
        ":cadence": json(NAME, &schedule.cadence)?,
        ":timezone": schedule.timezone,
        ":paused": schedule.paused,
        ":catch_up": word(NAME, &schedule.catch_up)?,
        ":grace": number(schedule.grace_seconds),
        ":retries": schedule.retries,
        ":settle": number(schedule.settle_seconds),
        ":created_at": time(schedule.created_at),
        ":created_by": schedule.created_by,
        ":cursor": cursor.map(time),
    };
    let written = connection.prepare_cached(sql)?.execute(params);
    Ok(written.map_err(|e| or_taken(e, &schedule.name))?)
}

fn from_row(row: &Row<'_>) -> Result<JobRow> {
    let columns = Columns::of(NAME, row);
    let last_status: Option<String> = columns.get("last_status")?;
    Ok(JobRow {
        schedule: Schedule {
            id: columns.get("id")?,
            name: columns.get("name")?,
            instance_id: columns.parsed("instance_id")?,
            destination_ids: columns.json("destination_ids_json")?,
            act: columns.word("act")?,
            cadence: columns.json("cadence_json")?,
            timezone: columns.get("timezone")?,
            paused: columns.get("paused")?,
            catch_up: columns.word("catch_up")?,
            grace_seconds: columns.number("grace_seconds")?.unwrap_or_default(),
            retries: columns.get("retries")?,
            settle_seconds: columns.number("settle_seconds")?.unwrap_or_default(),
            created_at: columns.time("created_at")?,
            created_by: columns.get("created_by")?,
        },
        cursor: columns.time("cursor_at")?,
        failure_count: columns.get("failure_count")?,
        last_run: columns.optional_time("last_run")?,
        last_status: last_status
            .map(|_| columns.word("last_status"))
            .transpose()?,
        last_error: columns.get("last_error")?,
    })
}
