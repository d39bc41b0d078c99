//! The instances that are measured: generated once, kept in the scratch folder, equal on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast::service::sample::{self, SampleSize};
use rusqlite::Connection;

use crate::Result;
use crate::backup::size;
use crate::table;

/// What `SampleSize::BENCH` comes to.
const BENCH_MEGABYTES: u32 = 1300;
const FILES_PER_FOLDER: u32 = 1000;

/// The program's own sample at about so many megabytes: four fifths are accounting rows.
pub fn sample(cache: &Path, megabytes: u32) -> Result<PathBuf> {
    let of = |rows: u32| {
        let scaled = u64::from(rows) * u64::from(megabytes) / u64::from(BENCH_MEGABYTES);
        u32::try_from(scaled).map_err(|_| "more rows than the sample can have")
    };
    let size = SampleSize {
        devices: of(SampleSize::BENCH.devices)?,
        users: of(SampleSize::BENCH.users)?,
        accounting: of(SampleSize::BENCH.accounting)?,
        metrics: of(SampleSize::BENCH.metrics)?,
        audit: of(SampleSize::BENCH.audit)?,
    };
    once(&cache.join(format!("instance-{megabytes}")), |dir| {
        sample::create(dir, size)?;
        Ok(())
    })
}

/// A folder with one small database and so many files of some hundred bytes.
pub fn small_files(cache: &Path, files: u32) -> Result<PathBuf> {
    once(&cache.join(format!("files-{files}")), |dir| {
        fs::create_dir_all(dir)?;
        let index = Connection::open(dir.join("index.db"))?;
        index
            .execute_batch("CREATE TABLE messages (n INTEGER); INSERT INTO messages VALUES (1);")?;
        for n in 0..files {
            let folder = dir.join(format!("spool/{:04}", n / FILES_PER_FOLDER));
            if n % FILES_PER_FOLDER == 0 {
                fs::create_dir_all(&folder)?;
            }
            // Lengths and words that differ, from a multiplicative step and not from a clock: equal everywhere.
            let mixed = n.wrapping_mul(2_654_435_761);
            let text = format!(
                "message {n} from 10.0.{}.{} priority {mixed:08x}\n",
                mixed >> 24,
                n % 256
            );
            fs::write(
                folder.join(format!("message-{n:07}.txt")),
                text.repeat(1 + n as usize % 7),
            )?;
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
