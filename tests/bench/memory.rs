//! Peak memory does not grow with the data: a small and a large instance, and a tree of many small files.

use std::fs;
use std::path::Path;

use holdfast::model::Compression;

use crate::instance;
use crate::program::Setup;
use crate::table::{self, Targets};
use crate::{Options, Result};

const SMALL_MB: u32 = 100;

/// Of one instance: what a backup and an extract of everything held.
struct Peaks {
    backup: f64,
    extract: f64,
}

pub fn compare(options: &Options, scratch: &Path, targets: &mut Targets) -> Result<()> {
    let (large_mb, files, needed_mb) = if options.full {
        (10_000, 1_000_000, 40_000)
    } else {
        (1_300, 50_000, 4_000)
    };
    instance::require_space(scratch, needed_mb)?;
    table::heading("memory");
    let cache = &options.scratch;
    let of = |instance: &Path, what: &str| {
        run(&options.program, instance, &scratch.join("memory"), what)
    };
    let small = of(
        &instance::sample(cache, SMALL_MB)?,
        &format!("{SMALL_MB} MB"),
    )?;
    let large = of(
        &instance::sample(cache, large_mb)?,
        &format!("{large_mb} MB"),
    )?;
    let tree = of(
        &instance::small_files(cache, files)?,
        &format!("{files} small files"),
    )?;

    for (act, small, large, tree) in [
        ("backup", small.backup, large.backup, tree.backup),
        ("extract", small.extract, large.extract, tree.extract),
    ] {
        targets.at_most(100.0, large.max(small), format!("{act}: peak memory, MB"));
        let more = format!("{act}: MB more for {large_mb} MB than for {SMALL_MB} MB");
        targets.at_most(10.0, large - small, more);
        targets.at_most(
            150.0,
            tree,
            format!("{act}: peak memory for {files} small files, MB"),
        );
    }
    Ok(())
}

fn run(program: &Path, instance: &Path, folder: &Path, what: &str) -> Result<Peaks> {
    fs::create_dir_all(folder)?;
    let setup = Setup::new(program, folder, instance, Compression::Gzip)?;
    let made = setup.backup()?;
    table::row(
        &format!("backup of {what}"),
        &made.cost,
        Some(made.bytes),
        None,
    );
    let extracted = setup.extract(&made.path, None)?;
    table::row(&format!("extract of {what}"), &extracted, None, None);
    fs::remove_dir_all(folder)?;
    Ok(Peaks {
        backup: table::megabytes(made.cost.peak_bytes),
        extract: table::megabytes(extracted.peak_bytes),
    })
}
