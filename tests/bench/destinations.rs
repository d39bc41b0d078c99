//! An archive to and from each type of destination, beside the stock client of the same server, and what a large one costs in memory.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use holdfast::destination::Key;
use holdfast::model::DestinationConfig;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::measure::{self, shell};
use crate::program::Secrets;
use crate::table::{self, Targets};
use crate::transfer::{self, Act, Order, Took};

mod contenders;

const MB: u64 = 1_000_000;
const ARCHIVE: u64 = 500 * MB;
const LARGE: u64 = 2_000 * MB;
const PEAK_MB: f64 = 120.0;

/// A server that runs, our way to it and its stock client's.
pub struct Contender {
    pub name: &'static str,
    pub config: DestinationConfig,
    pub secrets: Secrets,
    pub client: &'static str,
    /// Of the stock client's speed.
    pub at_least: f64,
    /// Lines of `bash` with `$FILE`: the stock client sends it, fetches it, removes what it sent.
    pub put: String,
    pub get: String,
    pub remove: String,
    /// Goes when this does.
    pub _server: Box<dyn std::any::Any>,
}

/// A file of noise: nothing on the way can make it smaller.
struct Sample {
    path: PathBuf,
    length: u64,
    sha256: String,
}

pub fn compare(scratch: &Path, rounds: usize, targets: &mut Targets) -> Result<()> {
    let usual = Sample::new(scratch, ARCHIVE)?;
    let large = Sample::new(scratch, LARGE)?;
    println!(
        "\n{} MB, best of {rounds}: seconds (the start of the process in them), and the stock client's",
        ARCHIVE / MB
    );
    println!(
        "  {:<16} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9}  stock client",
        "", "send", "stock", "verify", "fetch", "stock", "peak MB", "of 2 GB"
    );
    let mut failed = Ok(());
    for start in contenders::ALL {
        let contender = start();
        if let Err(error) = contender.measure(&usual, &large, scratch, rounds, targets) {
            println!("  {:<16} {error}", contender.name);
            failed = Err(format!("{} could not be measured", contender.name).into());
        }
    }
    failed
}

impl Contender {
    fn measure(
        &self,
        usual: &Sample,
        large: &Sample,
        scratch: &Path,
        rounds: usize,
        targets: &mut Targets,
    ) -> Result<()> {
        let fetched = scratch.join("fetched");
        let (mut sent, mut got) = (Best::default(), Best::default());
        let (mut stock_sent, mut stock_got) = (f64::MAX, f64::MAX);
        for round in 0..rounds {
            let key = key(round);
            sent.take(&self.ours(Act::Put, &key, usual, &usual.path, scratch)?);
            stock_sent = stock_sent.min(stock(&self.put, &usual.path, scratch)?);
            got.take(&self.ours(Act::Get, &key, usual, &fetched, scratch)?);
            if digest(&fetched)? != usual.sha256 {
                return Err(
                    format!("{}: other bytes were fetched than were sent", self.name).into(),
                );
            }
            stock_got = stock_got.min(stock(&self.get, &fetched, scratch)?);
            stock(&self.remove, &usual.path, scratch)?;
            self.remove(&key)?;
        }
        let key = key(rounds);
        let mut of_large = Best::default();
        of_large.take(&self.ours(Act::Put, &key, large, &large.path, scratch)?);
        of_large.take(&self.ours(Act::Get, &key, large, &fetched, scratch)?);
        self.remove(&key)?;
        fs::remove_file(&fetched)?;

        let peak = sent.peak.max(got.peak);
        println!(
            "  {:<16} {:>8.2} {stock_sent:>8.2} {:>8.2} {:>8.2} {stock_got:>8.2} {peak:>9.1} {:>9.1}  {}",
            self.name, sent.transfer, sent.verification, got.transfer, of_large.peak, self.client
        );
        let name = self.name;
        let most = 1.0 / self.at_least;
        let up = sent.transfer / stock_sent;
        targets.at_most(
            most,
            up,
            format!("{name}: time to send, of {}", self.client),
        );
        let down = got.transfer / stock_got;
        targets.at_most(
            most,
            down,
            format!("{name}: time to fetch, of {}", self.client),
        );
        let peak = peak.max(of_large.peak);
        targets.at_most(
            PEAK_MB,
            peak,
            format!("{name}: peak memory, 500 MB and 2 GB"),
        );
        Ok(())
    }

    fn ours(
        &self,
        act: Act,
        key: &str,
        sample: &Sample,
        file: &Path,
        scratch: &Path,
    ) -> Result<Took> {
        let secrets = self.secrets.iter();
        let order = Order {
            config: self.config.clone(),
            secrets: secrets
                .map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()))
                .collect(),
            key: key.to_owned(),
            act,
            file: file.to_owned(),
            length: sample.length,
            sha256: sample.sha256.clone(),
        };
        transfer::run(&order, scratch)
    }

    fn remove(&self, key: &str) -> Result<()> {
        let place = holdfast::destination::open(&self.config, &self.secrets)?;
        let cancel = holdfast::model::Cancel::new();
        let call = holdfast::destination::Call::new(&cancel, &holdfast::model::NoObserver);
        Ok(place.delete(&Key::new(key)?, &call)?)
    }
}

/// The least of each figure but for memory.
struct Best {
    transfer: f64,
    verification: f64,
    peak: f64,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            transfer: f64::MAX,
            verification: f64::MAX,
            peak: 0.0,
        }
    }
}

impl Best {
    fn take(&mut self, took: &Took) {
        self.transfer = self.transfer.min(took.transfer);
        self.verification = self.verification.min(took.verification);
        self.peak = self.peak.max(table::megabytes(took.cost.peak_bytes));
    }
}

fn stock(line: &str, file: &Path, scratch: &Path) -> Result<f64> {
    let mut command = shell(line);
    command.env("FILE", file);
    Ok(measure::run(&mut command, scratch)?.cost.seconds)
}

fn key(n: usize) -> String {
    format!("bench-0a1b2c3d/manual/backup-bench-20260101-0000{n:02}-manual.tar.gz.age")
}

impl Sample {
    fn new(scratch: &Path, length: u64) -> Result<Self> {
        let path = scratch.join(format!("noise-{length}"));
        let mut noise = File::open("/dev/urandom")?.take(length);
        let mut file = File::create(&path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match noise.read(&mut buffer)? {
                0 => break,
                read => {
                    hash.update(&buffer[..read]);
                    file.write_all(&buffer[..read])?;
                }
            }
        }
        Ok(Self {
            path,
            length,
            sha256: hex::encode(hash.finalize()),
        })
    }
}

fn digest(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
