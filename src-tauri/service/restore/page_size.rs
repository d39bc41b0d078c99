//! A WAL database takes only pages of its own size. Either nobody has it open, then it leaves WAL for a moment; or the copy is rebuilt
//! with the other size, which is allowed only where that keeps every row's number.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{is_busy, open_copy};
use super::error::RestoreError;
use super::pair::Pair;
use crate::model::Cancel;

type Result<T> = std::result::Result<T, RestoreError>;

/// Makes the pair's pages agree where they must.
pub(super) fn fit(
    pair: &mut Pair,
    scratch: &Path,
    cancel: &Cancel,
    before_change: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let path = pair.path.clone();
    let live = page_size(&pair.live).map_err(RestoreError::sqlite(&path))?;
    let archive = page_size(&pair.copy).map_err(RestoreError::sqlite(&pair.copy_path))?;
    if !pair.wal || live == archive {
        return Ok(());
    }
    before_change()?;
    pair.live
        .busy_timeout(Duration::from_millis(500))
        .map_err(RestoreError::sqlite(&path))?;
    let left = pair
        .live
        .query_row("PRAGMA journal_mode=DELETE", [], |r| r.get::<_, String>(0));
    match left {
        Ok(mode) if mode == "delete" => {
            pair.wal = false;
            return Ok(());
        }
        Ok(_) => {}
        Err(cause) if is_busy(&cause) => {}
        Err(cause) => return Err(RestoreError::sqlite(&path)(cause)),
    }
    if !rows_keep_their_numbers(&pair.copy).map_err(RestoreError::sqlite(&pair.copy_path))? {
        return Err(RestoreError::PageSize {
            path,
            live,
            archive,
        });
    }
    let rebuilt = tempfile::NamedTempFile::new_in(scratch)
        .map_err(RestoreError::io(scratch))?
        .into_temp_path()
        .keep()
        .map_err(|e| RestoreError::io(scratch)(e.error))?;
    let from = std::fs::File::open(&pair.copy_path).map_err(RestoreError::io(&pair.copy_path))?;
    let to = std::fs::File::create(&rebuilt).map_err(RestoreError::io(&rebuilt))?;
    super::place::copy(from, &pair.copy_path, to, &rebuilt, cancel)?;
    let db = Connection::open(&rebuilt).map_err(RestoreError::sqlite(&rebuilt))?;
    db.execute_batch(&format!("PRAGMA page_size={live}; VACUUM"))
        .map_err(RestoreError::sqlite(&rebuilt))?;
    db.close()
        .map_err(|(_, cause)| RestoreError::sqlite(&rebuilt)(cause))?;
    pair.copy = open_copy(&rebuilt)?;
    pair.copy_path = rebuilt;
    Ok(())
}

fn page_size(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA page_size", [], |r| r.get(0))
}

/// VACUUM numbers the rows of a table anew unless an INTEGER PRIMARY KEY is their number.
fn rows_keep_their_numbers(db: &Connection) -> rusqlite::Result<bool> {
    // The alias of the row number is a lone INTEGER key column without an index of its own.
    let loose = "SELECT count(*) FROM pragma_table_list AS t \
        WHERE t.schema = 'main' AND t.type IN ('table', 'shadow') AND t.wr = 0 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
        AND NOT ((SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0) = 1 \
            AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE pk = 1 AND upper(type) = 'INTEGER') \
            AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) WHERE origin = 'pk'))";
    db.query_row(loose, [], |r| r.get::<_, i64>(0))
        .map(|n| n == 0)
}
