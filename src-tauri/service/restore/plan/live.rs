//! What a live database holds now, beside what the archive has of it. Read like any reader reads, under the guard.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::shape::Warn;
use crate::model::manifest::DatabaseFacts;
use crate::model::plan::ComponentPlan;
use crate::service::restore::connection::{is_busy, without_traces};
use crate::service::restore::error::RestoreError;
use crate::source::guard;

/// A plan can do without the rows of a database that nobody else may read just now: it says that it is in use.
const PATIENCE: Duration = Duration::from_secs(2);

/// A live database as a reader sees it.
pub(super) struct LiveFacts {
    pub tables: BTreeMap<String, Option<u64>>,
    user_version: i32,
    page_size: u32,
    encoding: String,
    journal_mode: String,
}

pub(super) fn live_facts(path: &Path, journal_mode: &str) -> Result<LiveFacts, RestoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let read = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(PATIENCE)?;
        let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let names = names.query_map([], |r| r.get::<_, String>(0))?;
        let mut tables = BTreeMap::new();
        for name in names {
            let name = name?;
            let count = format!(
                "SELECT count(*) FROM main.\"{}\"",
                name.replace('"', "\"\"")
            );
            // What needs a module of the application's cannot be counted.
            let rows = db.query_row(&count, [], |r| r.get::<_, i64>(0)).ok();
            tables.insert(name, rows.and_then(|n| u64::try_from(n).ok()));
        }
        let one = |sql: &str| db.query_row(sql, [], |r| r.get(0));
        Ok(LiveFacts {
            tables,
            user_version: one("PRAGMA user_version")?,
            page_size: u32::try_from(one("PRAGMA page_size")?).unwrap_or(0),
            encoding: db.query_row("PRAGMA encoding", [], |r| r.get(0))?,
            journal_mode: journal_mode.to_owned(),
        })
    };
    without_traces(path, || {
        let _hold = guard::hold(path).map_err(RestoreError::io(path))?;
        read().map_err(|cause| {
            if is_busy(&cause) {
                let (path, waited) = (path.to_path_buf(), PATIENCE);
                RestoreError::InUse { path, waited }
            } else {
                RestoreError::sqlite(path)(cause)
            }
        })
    })
}

impl LiveFacts {
    pub fn compare(&self, archive: &DatabaseFacts, path: &Path, plan: &mut ComponentPlan) {
        let path = path.display();
        if self.user_version != archive.user_version {
            plan.warn(
                "user_version_differs",
                format!(
                    "`{path}` is of schema version {} now, {} in the archive",
                    self.user_version, archive.user_version
                ),
            );
        }
        if !self.tables.keys().eq(archive.tables.keys()) {
            plan.warn(
                "schema_differs",
                format!("`{path}` has other tables than the archive"),
            );
        }
        if self.encoding != archive.encoding {
            plan.warn(
                "encoding_differs",
                format!("`{path}` gets another text encoding: programs that have it open must be started again"),
            );
        }
        if self.page_size != archive.page_size && self.journal_mode == "wal" {
            plan.warn(
                "page_size_differs",
                format!("`{path}` has pages of {} bytes, the archive of {}: better stop the service before", self.page_size, archive.page_size),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_somebody_has_for_himself_is_in_use_and_no_failure_of_the_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let owner = Connection::open(&path).unwrap();
        owner
            .execute_batch("CREATE TABLE t(x); BEGIN EXCLUSIVE")
            .unwrap();
        let refused = live_facts(&path, "delete").err().unwrap();
        assert!(matches!(refused, RestoreError::InUse { .. }), "{refused:?}");
    }
}
