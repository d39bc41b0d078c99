//! `make bench`: what a backup and a restore cost beside stock tools and peers, on one machine, in interleaved rounds.
//! It prints medians, ratios and the targets; it judges nothing but those, and no test depends on it.
//!
//!     make bench ARGS="--rounds 5"            more rounds
//!     make bench ARGS="--full"                also 10 GB and a million files (needs about 40 GB of disk)
//!     make bench ARGS="--instance DIR"        an instance of one's own instead of the generated one
//!     make bench ARGS="--only memory"         one part: speed, restore, memory, catalogue, destinations or distance

mod backup;
mod catalogue;
mod destinations;
mod distance;
mod instance;
mod measure;
mod memory;
mod program;
mod restore;
#[path = "../support/servers/mod.rs"]
#[allow(dead_code, reason = "what the tests need besides")]
mod servers;
mod table;
mod transfer;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use table::Targets;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Parser)]
struct Options {
    /// Of each contender, interleaved; medians are printed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Of the generated instance: its accounting database takes four fifths of it.
    #[arg(long, default_value_t = 1300)]
    megabytes: u32,
    /// Measures this folder instead of a generated one. It is only read.
    #[arg(long)]
    instance: Option<PathBuf>,
    /// Also 10 GB and a million files.
    #[arg(long)]
    full: bool,
    /// All of them where none is named.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Another build of it.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_holdfast"))]
    program: PathBuf,
    /// Where instances and archives are made.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    scratch: PathBuf,
    /// Only this transfer, for the process that measures it.
    #[arg(long, hide = true)]
    transfer: Option<PathBuf>,
    /// What `cargo bench` tells every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Speed,
    Restore,
    Memory,
    Catalogue,
    Destinations,
    Distance,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(order) = &options.transfer {
        return match transfer::obey(order) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("transfer: {error}");
                ExitCode::FAILURE
            }
        };
    }
    match run(&options) {
        Ok(targets) if targets.all_met() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<Targets> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    fs::create_dir_all(&options.scratch)?;
    let scratch = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&options.scratch)?;
    let mut targets = Targets::default();

    println!("{}", measure::machine()?);
    if wanted(Part::Speed) || wanted(Part::Restore) {
        let source = match &options.instance {
            Some(dir) => dir.canonicalize()?,
            None => instance::sample(&options.scratch, options.megabytes)?,
        };
        println!("instance: {}", instance::describe(&source)?);
        let ours = program::Program::set_up(&options.program, scratch.path(), &source)?;
        if wanted(Part::Speed) {
            backup::compare(&ours, &source, scratch.path(), options.rounds, &mut targets)?;
        }
        if wanted(Part::Restore) {
            restore::compare(&ours, scratch.path(), options.rounds, &mut targets)?;
        }
    }
    if wanted(Part::Memory) {
        memory::compare(options, scratch.path(), &mut targets)?;
    }
    if wanted(Part::Catalogue) {
        let folder = scratch.path().join("catalogue");
        catalogue::compare(&options.program, &folder, options.rounds, &mut targets)?;
    }
    if wanted(Part::Destinations) {
        destinations::compare(scratch.path(), options.rounds, &mut targets)?;
    }
    if wanted(Part::Distance) {
        let folder = scratch.path().join("distance");
        distance::compare(&options.program, &folder, &mut targets)?;
    }
    targets.print();
    Ok(targets)
}
