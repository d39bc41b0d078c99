//! A TACACS+ instance out of nothing, for `demo`, for measuring and for tests: the real server's folders, tables, columns and journal
//! modes, with made-up rows. The same size gives the same bytes. It is no part of a backup, and knows no other verb.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

mod rows;
mod schema;
mod text;
mod writer;

pub use writer::{WriteCounts, pair_gap, write_forever};

/// Rows of the tables that grow. All else is as small as it is in a real instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSize {
    pub devices: u32,
    pub users: u32,
    pub accounting: u32,
    pub metrics: u32,
    pub audit: u32,
}

impl SampleSize {
    /// A few thousand rows, about 2 MB.
    pub const SMALL: Self = Self {
        devices: 120,
        users: 60,
        accounting: 3000,
        metrics: 288,
        audit: 500,
    };
    /// About 1.3 GB: accounting 1 GiB, metrics and audit 100 MiB each.
    pub const BENCH: Self = Self {
        devices: 5000,
        users: 2000,
        accounting: 4_000_000,
        metrics: 790_000,
        audit: 460_000,
    };
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub path: PathBuf,
    /// `FILE: TABLE` → rows.
    pub rows: BTreeMap<String, u64>,
    /// Of all files.
    pub size_bytes: u64,
}

/// Makes an instance in a folder that is not there yet, or empty.
pub fn create(dir: &Path, size: SampleSize) -> Result<Sample, SampleError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |cause| SampleError::Io { path, cause }
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    if fs::read_dir(dir).map_err(at(dir))?.next().is_some() {
        return Err(SampleError::NotEmpty(dir.to_path_buf()));
    }
    for name in ["config", "data", "logs"] {
        let path = dir.join(name);
        fs::create_dir(&path).map_err(at(&path))?;
    }
    let config = dir.join("config/tacacs.conf");
    fs::write(&config, text::CONFIG).map_err(at(&config))?;
    let log = dir.join("logs/tacacs.log");
    fs::write(&log, text::LOG).map_err(at(&log))?;
    let mut sample = Sample {
        path: dir.to_path_buf(),
        rows: BTreeMap::new(),
        size_bytes: (text::CONFIG.len() + text::LOG.len()) as u64,
    };
    for database in schema::DATABASES {
        let path = dir.join("data").join(database.file);
        make(&path, database, size, &mut sample.rows).map_err(SampleError::sqlite(&path))?;
        sample.size_bytes += fs::metadata(&path).map_err(at(&path))?.len();
    }
    Ok(sample)
}

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("`{0}` is not empty")]
    NotEmpty(PathBuf),
    #[error("`{path}` cannot be made")]
    Io {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{path}` cannot be written")]
    Sqlite {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
}

impl SampleError {
    fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self::Sqlite { path, cause }
    }
}

fn make(
    path: &Path,
    database: &schema::Database,
    size: SampleSize,
    counts: &mut BTreeMap<String, u64>,
) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    // Nobody else has it, and a broken sample is made again: no journal, no waiting for the disk.
    connection.execute_batch(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536;",
    )?;
    connection.execute_batch(database.tables)?;
    (database.fill)(&mut connection, size)?;
    // Indexes over rows that are there are made by sorting once, which is much faster than row by row.
    connection.execute_batch(database.indexes)?;
    for table in tables(&connection)? {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        let rows: u32 = connection.query_row(&sql, [], |row| row.get(0))?;
        counts.insert(format!("{}: {table}", database.file), rows.into());
    }
    connection
        .execute_batch("PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_schema;")?;
    connection.pragma_update(None, "journal_mode", database.journal_mode)?;
    connection.close().map_err(|(_, cause)| cause)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
