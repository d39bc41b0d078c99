//! The instances that are measured: generated once, kept in the scratch folder, equal on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::Result;
use crate::backup::size;
use crate::table;

/// Rows of one transaction.
const BATCH: u64 = 50_000;
const FILES_PER_FOLDER: u64 = 1000;

/// A TACACS+ instance of about so many megabytes: four fifths in the accounting database.
pub fn sample(cache: &Path, megabytes: u64) -> Result<PathBuf> {
    once(&cache.join(format!("instance-{megabytes}")), |dir| {
        for folder in ["config", "data"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        fs::write(dir.join("config/tacacs.conf"), CONFIG)?;
        let bytes = megabytes * 1_000_000;
        fill(
            &dir.join("data/tacacs_accounting.db"),
            "accounting_logs",
            "wal",
            bytes / 10 * 8,
        )?;
        fill(
            &dir.join("data/audit_trail.db"),
            "audit_log",
            "delete",
            bytes / 10,
        )?;
        fill(
            &dir.join("data/metrics_history.db"),
            "metrics_snapshots",
            "delete",
            bytes / 10,
        )?;
        fill(&dir.join("data/devices.db"), "devices", "wal", 80_000)?;
        fill(
            &dir.join("data/local_auth.db"),
            "local_users",
            "wal",
            30_000,
        )
    })
}

/// A folder with one small database and so many files of some hundred bytes.
pub fn small_files(cache: &Path, files: u64) -> Result<PathBuf> {
    once(&cache.join(format!("files-{files}")), |dir| {
        fs::create_dir_all(dir)?;
        fill(&dir.join("index.db"), "devices", "wal", 80_000)?;
        let mut random = Random(files);
        for n in 0..files {
            let folder = dir.join(format!("spool/{:04}", n / FILES_PER_FOLDER));
            if n % FILES_PER_FOLDER == 0 {
                fs::create_dir_all(&folder)?;
            }
            let text =
                format!("{n} {}\n", line(&mut random, n)).repeat(1 + usize::try_from(n % 5)?);
            fs::write(folder.join(format!("message-{n:07}.txt")), text)?;
        }
        Ok(())
    })
}

/// In a line: size and databases.
pub fn describe(instance: &Path) -> Result<String> {
    let megabytes = table::megabytes(size(instance)?);
    Ok(format!("{}, {megabytes:.0} MB", instance.display()))
}

pub fn require_space(folder: &Path, megabytes: u64) -> Result<()> {
    let place = rustix::fs::statvfs(folder)?;
    let free = place.f_bavail * place.f_frsize / 1_000_000;
    if free < megabytes {
        return Err(format!(
            "{} has {free} MB free, {megabytes} are needed",
            folder.display()
        )
        .into());
    }
    Ok(())
}

/// Made under another name first: what has its own name is whole.
fn once(dir: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    if !dir.exists() {
        let part = dir.with_extension("part");
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        eprintln!("bench: generating {}", dir.display());
        make(&part)?;
        fs::rename(&part, dir)?;
    }
    Ok(dir.to_owned())
}

const CONFIG: &str = "[database]\naccounting_db = data/tacacs_accounting.db\naudit_trail_db = data/audit_trail.db\n\
metrics_history_db = data/metrics_history.db\n\n[auth]\nlocal_auth_db = data/local_auth.db\n\n[devices]\ndatabase = data/devices.db\n";

/// Rows that read like a log until the file has its size.
fn fill(path: &Path, table: &str, journal: &str, bytes: u64) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", journal)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.execute_batch(&format!(
        "CREATE TABLE {table} (id INTEGER PRIMARY KEY, timestamp TEXT, username TEXT, session_id TEXT, client_ip TEXT, detail TEXT);
         CREATE INDEX idx_{table}_session ON {table}(session_id);
         CREATE INDEX idx_{table}_user_time ON {table}(username, timestamp);"
    ))?;
    let mut random = Random(bytes);
    let insert = format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let (mut id, mut written) = (0, 0);
    // A row's text comes a second time, in part, in the indexes, and its page has some room.
    while written * 3 / 2 < bytes {
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached(&insert)?;
            for _ in 0..BATCH.min(1 + bytes / 200) {
                id += 1;
                let time = format!(
                    "2026-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                    id / 400_000 % 12 + 1,
                    id / 14_000 % 28 + 1,
                    id / 600 % 24,
                    id / 10 % 60,
                    id % 60
                );
                let user = format!("user{:03}", random.below(400));
                let session = format!("{:016x}", random.next());
                let address = format!(
                    "10.{}.{}.{}",
                    random.below(8),
                    random.below(256),
                    random.below(256)
                );
                let detail = line(&mut random, id);
                written +=
                    (16 + time.len() + user.len() + session.len() + address.len() + detail.len())
                        as u64;
                statement.execute((id.cast_signed(), time, user, session, address, detail))?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}

/// A command as a network device reports it.
fn line(random: &mut Random, n: u64) -> String {
    const COMMANDS: [&str; 8] = [
        "show running-config",
        "configure terminal",
        "interface GigabitEthernet0/",
        "show ip interface brief",
        "write memory",
        "ping 10.0.0.",
        "show version",
        "no shutdown",
    ];
    let command = COMMANDS[usize::try_from(random.below(8)).unwrap_or_default()];
    format!(
        "task_id={n} timezone=UTC service=shell priv-lvl={} cmd={command}{} <cr> elapsed_time={} bytes={}",
        random.below(16),
        random.below(48),
        random.below(4000),
        random.below(1_000_000)
    )
}

/// Splitmix64: the same rows everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
