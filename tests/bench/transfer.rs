//! One archive sent to a place, or fetched from it, by a process of its own, so that what it cost can be measured. The parent writes the
//! order, the child prints how long each phase took.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use holdfast::destination::{self, Body, Call, Key};
use holdfast::model::{Cancel, DestinationConfig, Observer, Phase, Progress};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::measure::{self, Cost};

/// What the child is to do.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub config: DestinationConfig,
    /// Of a server that was made for this run.
    pub secrets: BTreeMap<String, String>,
    pub key: String,
    pub act: Act,
    pub file: PathBuf,
    pub length: u64,
    pub sha256: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum Act {
    Put,
    Get,
}

/// What one run took and cost.
#[derive(Clone, Copy)]
pub struct Took {
    /// Of the whole process but for the verification.
    pub transfer: f64,
    /// From when everything was there until it was known to be right, and visible.
    pub verification: f64,
    pub cost: Cost,
}

/// Runs an order in a child.
pub fn run(order: &Order, scratch: &Path) -> Result<Took> {
    let path = scratch.join("order.json");
    fs::write(&path, serde_json::to_vec(order)?)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--transfer").arg(&path);
    let run = measure::run(&mut command, scratch)?;
    let verification: f64 = run.stdout.trim().parse()?;
    Ok(Took {
        transfer: run.cost.seconds - verification,
        verification,
        cost: run.cost,
    })
}

/// The child. Prints the seconds of the verification.
pub fn obey(order: &Path) -> Result<()> {
    let order: Order = serde_json::from_slice(&fs::read(order)?)?;
    let secrets = order.secrets.into_iter();
    let secrets = secrets.map(|(name, secret)| (name, SecretString::from(secret)));
    let place = destination::open(&order.config, &secrets.collect())?;
    let key = Key::new(&order.key)?;
    let cancel = Cancel::new();
    let began = Verifying::default();
    let call = Call::new(&cancel, &began);
    match order.act {
        Act::Put => {
            let body = Body {
                path: order.file,
                length: order.length,
                sha256: order.sha256,
                read_back: None,
            };
            place.put(&key, &body, &call)?;
        }
        Act::Get => {
            let mut reader = place.get(&key, None, &call)?;
            let copied = io::copy(&mut reader, &mut File::create(&order.file)?)?;
            if copied != order.length {
                return Err("another length came".into());
            }
        }
    }
    let began = began.0.lock().map_err(|e| e.to_string())?;
    println!(
        "{}",
        began.map_or(0.0, |began| began.elapsed().as_secs_f64())
    );
    Ok(())
}

/// When what was sent began to be read back.
#[derive(Default)]
struct Verifying(Mutex<Option<Instant>>);

impl Observer for Verifying {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Verifying
            && let Ok(mut began) = self.0.lock()
        {
            began.get_or_insert_with(Instant::now);
        }
    }
}
