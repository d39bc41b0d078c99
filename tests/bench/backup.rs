//! One backup, snapshot and checks included, beside the same done with stock tools and with the peers.
//! The peers copy live files as they are, so each gets the time of one consistent `sqlite3 .backup` of the same instance.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use holdfast::model::Compression;

use crate::Result;
use crate::measure::{self, Cost, shell};
use crate::program::Program;
use crate::table::{self, Targets};

const PIGZ: &str = ".backup + tar + pigz -6 + age";
const RESTIC: &str = ".backup + restic";
const BORG: &str = ".backup + borg zstd,3";

/// A contender's runs and the size of what it wrote.
#[derive(Default)]
struct Runs {
    costs: Vec<Cost>,
    bytes: u64,
}

impl Runs {
    fn add(&mut self, cost: Cost, bytes: u64) {
        self.costs.push(cost);
        self.bytes = bytes;
    }

    fn median(&self) -> Cost {
        Cost::median(&self.costs)
    }
}

pub fn compare(
    ours: &Program,
    instance: &Path,
    scratch: &Path,
    rounds: usize,
    targets: &mut Targets,
) -> Result<()> {
    let mut runs: [Runs; 6] = Default::default();
    let [gzip, zstd, snapshot, pigz, restic, borg] = &mut runs;
    let copy = scratch.join("snapshot");
    let recipient = &ours.with(Compression::Gzip).recipient;
    for round in 0..rounds {
        fresh(&copy)?;
        let taken = measure::run(&mut shell(&snapshot_line(instance, &copy)?), scratch)?.cost;
        snapshot.add(taken, size(&copy)?);
        // Each round begins with another one: nobody always comes after the same neighbour.
        for turn in 0..5 {
            match (round + turn) % 5 {
                0 => {
                    let made = ours.with(Compression::Gzip).backup()?;
                    gzip.add(made.cost, made.bytes);
                }
                1 => {
                    let (cost, bytes) = run_pigz(&copy, recipient, scratch)?;
                    pigz.add(taken.then(cost), bytes);
                }
                2 => {
                    let made = ours.with(Compression::Zstd).backup()?;
                    zstd.add(made.cost, made.bytes);
                }
                3 => {
                    let (cost, bytes) = run_restic(&copy, scratch)?;
                    restic.add(taken.then(cost), bytes);
                }
                _ => {
                    let (cost, bytes) = run_borg(&copy, scratch)?;
                    borg.add(taken.then(cost), bytes);
                }
            }
        }
    }
    fs::remove_dir_all(&copy)?;
    judge(&runs, rounds, targets);
    Ok(())
}

fn judge(runs: &[Runs; 6], rounds: usize, targets: &mut Targets) {
    let [gzip, zstd, snapshot, pigz, restic, borg] = runs;
    let base = pigz.median().seconds;
    table::heading(&format!("backup, medians of {rounds}"));
    for (what, runs) in [
        ("holdfast gzip, encrypted", gzip),
        ("holdfast zstd, encrypted", zstd),
        (PIGZ, pigz),
        (RESTIC, restic),
        (BORG, borg),
        ("  of which sqlite3 .backup", snapshot),
    ] {
        let cost = runs.median();
        table::row(what, &cost, Some(runs.bytes), Some(cost.seconds / base));
    }

    let fastest = restic.median().seconds.min(borg.median().seconds);
    let (gzip_seconds, zstd_seconds) = (gzip.median().seconds, zstd.median().seconds);
    targets.at_most(0.5, gzip_seconds / base, "gzip: time of the pigz pipeline");
    targets.at_most(
        0.9,
        gzip_seconds / fastest,
        "gzip: time of the fastest peer",
    );
    targets.at_most(
        1.02,
        table::ratio(gzip.bytes, pigz.bytes),
        "gzip: archive of pigz -6",
    );
    targets.at_most(
        0.6,
        zstd_seconds / fastest,
        "zstd: time of the fastest peer",
    );
    targets.at_most(
        1.0,
        table::ratio(zstd.bytes, borg.bytes),
        "zstd: archive of borg's",
    );
    for (what, runs) in [("gzip", gzip), ("zstd", zstd)] {
        let peak = table::megabytes(runs.median().peak_bytes);
        targets.at_most(100.0, peak, format!("{what}: peak memory of a backup, MB"));
    }
}

fn run_pigz(copy: &Path, recipient: &str, scratch: &Path) -> Result<(Cost, u64)> {
    let file = scratch.join("peer.tar.gz.age");
    let line = format!(
        "tar c -C {} . | pigz -6 | age -r {recipient} > {}",
        quote(copy),
        quote(&file)
    );
    let cost = measure::run(&mut shell(&line), scratch)?.cost;
    let bytes = fs::metadata(&file)?.len();
    fs::remove_file(&file)?;
    Ok((cost, bytes))
}

fn run_restic(copy: &Path, scratch: &Path) -> Result<(Cost, u64)> {
    let repository = scratch.join("restic");
    fresh(&repository)?;
    let settings = format!(
        "export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR={} RESTIC_REPOSITORY={};",
        quote(&scratch.join("restic-cache")),
        quote(&repository)
    );
    measure::run(&mut shell(&format!("{settings} restic -q init")), scratch)?;
    let line = format!("{settings} restic -q backup {}", quote(copy));
    let cost = measure::run(&mut shell(&line), scratch)?.cost;
    let bytes = size(&repository)?;
    fs::remove_dir_all(&repository)?;
    Ok((cost, bytes))
}

fn run_borg(copy: &Path, scratch: &Path) -> Result<(Cost, u64)> {
    let repository = scratch.join("borg");
    fresh(&repository)?;
    let settings = format!(
        "export BORG_PASSPHRASE=bench BORG_BASE_DIR={} BORG_REPO={};",
        quote(&scratch.join("borg-base")),
        quote(&repository)
    );
    measure::run(
        &mut shell(&format!("{settings} borg init --encryption repokey-blake2")),
        scratch,
    )?;
    let line = format!(
        "{settings} borg create --compression zstd,3 ::bench {}",
        quote(copy)
    );
    let cost = measure::run(&mut shell(&line), scratch)?.cost;
    let bytes = size(&repository)?;
    fs::remove_dir_all(&repository)?;
    Ok((cost, bytes))
}

/// `.backup` of every database and a copy of every other file, as an administrator's script would do it.
fn snapshot_line(instance: &Path, copy: &Path) -> Result<String> {
    let mut commands = Vec::new();
    for entry in walkdir::WalkDir::new(instance).sort_by_file_name() {
        let entry = entry?;
        let target = copy.join(entry.path().strip_prefix(instance)?);
        let (from, to) = (quote(entry.path()), quote(&target));
        if entry.file_type().is_dir() {
            commands.push(format!("mkdir -p {to}"));
        } else if is_database(entry.path())? {
            commands.push(format!("sqlite3 {from} \".backup {to}\""));
        } else if entry.file_type().is_file() && !is_side_file(entry.path()) {
            commands.push(format!("cp -p {from} {to}"));
        }
    }
    Ok(commands.join("\n"))
}

fn is_database(path: &Path) -> Result<bool> {
    let mut header = Vec::new();
    if path.is_file() {
        File::open(path)?.take(16).read_to_end(&mut header)?;
    }
    Ok(header == b"SQLite format 3\0")
}

fn is_side_file(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ["-wal", "-shm", "-journal"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn fresh(folder: &PathBuf) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Bytes of all files below it.
pub fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// For the shell, and inside SQLite's own quotes: no path of a bench needs more.
pub fn quote(path: &Path) -> String {
    format!("'{}'", path.display())
}
