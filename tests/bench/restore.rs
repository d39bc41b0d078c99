//! Everything out of an archive, and one small component of it, beside `age -d | tar xz`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast::archive::{self, OpenKeys, RangeRead, UnpackPolicy};
use holdfast::model::{Cancel, Compression, NoObserver};

use crate::Result;
use crate::backup::quote;
use crate::measure::{self, Cost, shell};
use crate::program::{Program, Setup};
use crate::table::{self, Targets};

const MIB: u64 = 1024 * 1024;
const MOST_REQUESTS: f64 = 6.0;

pub fn compare(ours: &Program, scratch: &Path, rounds: usize, targets: &mut Targets) -> Result<()> {
    let [mut whole, mut stock, mut small, mut fast]: [Vec<Cost>; 4] = Default::default();
    let (gzip, zstd) = (ours.with(Compression::Gzip), ours.with(Compression::Zstd));
    let (archive, fast_archive) = (gzip.backup()?.path, zstd.backup()?.path);
    let component = smallest_database(gzip, &archive)?;
    for _ in 0..rounds {
        whole.push(gzip.extract(&archive, None)?);
        stock.push(age_and_tar(gzip, &archive, scratch)?);
        small.push(gzip.extract(&archive, Some(&component))?);
        fast.push(zstd.extract(&fast_archive, None)?);
    }

    let [whole, stock, small, fast] = [whole, stock, small, fast].map(|costs| Cost::median(&costs));
    table::heading(&format!("extract, medians of {rounds}"));
    for (what, cost) in [
        ("holdfast extract, gzip", &whole),
        ("holdfast extract, zstd", &fast),
        ("age -d | tar xz", &stock),
        (&format!("holdfast extract --component {component}"), &small),
    ] {
        table::row(what, cost, None, Some(cost.seconds / stock.seconds));
    }
    targets.at_most(
        0.5,
        whole.seconds / stock.seconds,
        "extract: time of age -d | tar xz",
    );
    targets.at_most(
        0.05,
        small.seconds / stock.seconds,
        "one small component: time of age -d | tar xz",
    );
    let peak = table::megabytes(whole.peak_bytes);
    targets.at_most(100.0, peak, "peak memory of an extract, MB");
    requests(gzip, &archive, &component, scratch, targets)
}

fn age_and_tar(setup: &Setup, archive: &Path, scratch: &Path) -> Result<Cost> {
    let to = scratch.join("stock");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir(&to)?;
    let (key, archive) = (quote(&setup.identity_file()?), quote(archive));
    let line = format!("age -d -i {key} {archive} | tar xz -C {}", quote(&to));
    let cost = measure::run(&mut shell(&line), scratch)?.cost;
    fs::remove_dir_all(&to)?;
    Ok(cost)
}

/// Bytes and requests of one component, counted where the archive is read.
fn requests(
    setup: &Setup,
    file: &Path,
    component: &str,
    scratch: &Path,
    targets: &mut Targets,
) -> Result<()> {
    let counted = Arc::new(Counted::open(file)?);
    let opened = archive::open(counted.clone(), &keys(setup)?)?;
    let components = [component.to_owned()];
    let to = scratch.join("component");
    fs::create_dir_all(&to)?;
    let policy = UnpackPolicy {
        trusted: true,
        owners: false,
        with_metadata: false,
    };
    opened.unpack(&components, &to, &policy, &Cancel::new(), &NoObserver)?;
    fs::remove_dir_all(&to)?;

    let own = opened.bytes_of(&components);
    let (read, requests) = (
        counted.bytes.load(Ordering::Relaxed),
        counted.requests.load(Ordering::Relaxed),
    );
    println!(
        "  `{component}` takes {own} bytes of the archive; {read} bytes were read in {requests} requests"
    );
    let what = "one small component: MB read";
    targets.at_most(
        table::megabytes(own + 2 * MIB),
        table::megabytes(read),
        what,
    );
    targets.at_most(
        MOST_REQUESTS,
        f64::from(u32::try_from(requests)?),
        "one small component: requests",
    );
    Ok(())
}

fn smallest_database(setup: &Setup, file: &Path) -> Result<String> {
    let opened = archive::open(Arc::new(Counted::open(file)?), &keys(setup)?)?;
    let databases = opened
        .manifest
        .components
        .iter()
        .filter(|c| c.kind == holdfast::model::ComponentKind::Database);
    let smallest = databases.min_by_key(|c| opened.bytes_of(std::slice::from_ref(&c.name)));
    Ok(smallest.ok_or("the instance has no database")?.name.clone())
}

fn keys(setup: &Setup) -> Result<OpenKeys> {
    let kit = fs::read_to_string(setup.identity_file()?)?;
    let lines = kit
        .lines()
        .filter(|line| line.starts_with("AGE-SECRET-KEY-1"));
    let identities = lines
        .map(str::parse)
        .collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(OpenKeys {
        identities,
        passphrase: None,
    })
}

/// A file that counts what is asked of it, as a remote place would bill it.
struct Counted {
    path: std::path::PathBuf,
    size: u64,
    bytes: AtomicU64,
    requests: AtomicU64,
}

impl Counted {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            size: fs::metadata(path)?.len(),
            bytes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        })
    }
}

impl RangeRead for Counted {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(Box::new(file.take(length)))
    }
}
