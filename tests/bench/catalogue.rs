//! The list of archives: out of the catalogue and straight from the place, and what making it again costs. The archives are empty files
//! with proper names: nothing here reads one.

use std::fs::{self, File};
use std::path::Path;

use holdfast::model::Compression;

use crate::Result;
use crate::distance::{SLOW, at};
use crate::measure::{self, Cost};
use crate::program::{Secrets, Setup};
use crate::servers::openssh::OpenSsh;
use crate::servers::proxy::Proxy;
use crate::table::{self, Targets};

const FEW: u32 = 10_000;
const MANY: u32 = 100_000;

pub fn compare(program: &Path, scratch: &Path, rounds: usize, targets: &mut Targets) -> Result<()> {
    table::heading("catalogue");
    let few = Place::new(program, &scratch.join("few"), FEW)?;
    let server = OpenSsh::start();
    let line = Proxy::to(server.port, SLOW);
    few.copy_to(&server)?;
    for (name, port) in [("near", server.port), ("far", line.port)] {
        few.setup.add(&at(&server, name, port), &Secrets::new())?;
    }
    let (mut rebuilds, mut filtered, mut browses) = Default::default();
    let (mut near, mut far) = Default::default();
    for _ in 0..rounds {
        few.rebuild(&mut rebuilds)?;
        let filter = ["archives", "--destination", "here"];
        few.ask(&filter, FEW, &mut filtered)?;
        few.ask(&["destination", "browse", "here"], FEW, &mut browses)?;
        few.ask(&["destination", "browse", "near"], FEW, &mut near)?;
        few.ask(&["destination", "browse", "far"], FEW, &mut far)?;
    }
    let many = Place::new(program, &scratch.join("many"), MANY)?;
    let mut rebuilds_of_many = Vec::new();
    many.rebuild(&mut rebuilds_of_many)?;

    let runs = [rebuilds, filtered, browses, near, far, rebuilds_of_many];
    let [rebuild, filtered, browse, near, far, of_many] = runs.map(|runs| Cost::median(&runs));
    let ratio = |cost: &Cost| Some(cost.seconds / far.seconds);
    table::row(
        &format!("browse {FEW}, SFTP, 100 Mbit/s, 20 ms"),
        &far,
        None,
        ratio(&far),
    );
    table::row(
        &format!("browse {FEW}, SFTP, this machine"),
        &near,
        None,
        ratio(&near),
    );
    table::row(
        &format!("browse {FEW} in a folder"),
        &browse,
        None,
        ratio(&browse),
    );
    table::row(
        "archives of the destination",
        &filtered,
        None,
        ratio(&filtered),
    );
    table::row(
        &format!("catalogue rebuild, {FEW} new"),
        &rebuild,
        None,
        None,
    );
    table::row(
        &format!("catalogue rebuild, {MANY} new"),
        &of_many,
        None,
        None,
    );
    targets.at_most(
        0.1,
        filtered.seconds / far.seconds,
        format!("archives from the catalogue / from an SFTP server, {FEW}"),
    );
    targets.at_most(
        1.0,
        rebuild.seconds,
        format!("catalogue rebuild, {FEW} new, seconds"),
    );
    let more = table::megabytes(of_many.peak_bytes) - table::megabytes(rebuild.peak_bytes);
    targets.at_most(
        10.0,
        more,
        format!("rebuild: MB more for {MANY} archives than for {FEW}"),
    );
    Ok(())
}

/// A destination that holds so many archives, and a data folder that forgets them.
struct Place {
    setup: Setup,
    count: u32,
}

impl Place {
    fn new(program: &Path, folder: &Path, count: u32) -> Result<Self> {
        let instance = folder.join("instance");
        fs::create_dir_all(&instance)?;
        fs::write(instance.join("app.conf"), "[server]\n")?;
        let setup = Setup::new(program, folder, &instance, Compression::Gzip)?;
        let archives = folder.join("archives");
        for n in 0..count {
            let kind = if n % 2 == 0 { "manual" } else { "scheduled" };
            let folder = archives.join("bench-0a1b2c3d").join(kind);
            if n < 2 {
                fs::create_dir_all(&folder)?;
            }
            let (day, second) = (n / 4000, n % 4000);
            let name = format!(
                "backup-bench-2025{:02}{:02}-{:02}{:02}{:02}-{kind}.tar.gz.age",
                day / 28 + 1,
                day % 28 + 1,
                second / 3600,
                second / 60 % 60,
                second % 60
            );
            File::create_new(folder.join(name))?;
        }
        Ok(Self { setup, count })
    }

    /// The same names at a server.
    fn copy_to(&self, server: &OpenSsh) -> Result<()> {
        let line = format!(
            "cp -a '{}'/. '{base}' && chown -R --reference='{base}' '{base}'/*",
            self.setup.archives.display(),
            base = server.base()
        );
        measure::run(&mut measure::shell(&line), &self.setup.scratch)?;
        Ok(())
    }

    /// With every archive new to it.
    fn rebuild(&self, runs: &mut Vec<Cost>) -> Result<()> {
        self.setup.json(&["destination", "remove", "here"])?;
        self.setup.add_destination()?;
        let (cost, report) = self.setup.json(&["catalogue", "rebuild", "here"])?;
        if report["added"] != self.count {
            return Err(format!("not all of {}: {report}", self.count).into());
        }
        runs.push(cost);
        Ok(())
    }

    fn ask(&self, question: &[&str], expected: u32, runs: &mut Vec<Cost>) -> Result<()> {
        let (cost, answer) = self.setup.json(question)?;
        let count = answer["archives"].as_array().map_or(0, Vec::len);
        if count != expected as usize {
            return Err(format!("{question:?} showed {count} archives").into());
        }
        runs.push(cost);
        Ok(())
    }
}
