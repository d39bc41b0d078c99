//! The printed result: rows of figures, and targets that are met or missed.

use crate::measure::Cost;

pub const MB: f64 = 1e6;

/// What was to be reached, in the order in which it was measured.
#[derive(Default)]
pub struct Targets(Vec<Target>);

struct Target {
    what: String,
    found: f64,
    at_most: f64,
}

impl Targets {
    pub fn at_most(&mut self, at_most: f64, found: f64, what: impl Into<String>) {
        self.0.push(Target {
            what: what.into(),
            found,
            at_most,
        });
    }

    pub fn all_met(&self) -> bool {
        self.0.iter().all(Target::is_met)
    }

    pub fn print(&self) {
        println!(
            "\ntargets                                                                  found   at most"
        );
        for target in &self.0 {
            let verdict = if target.is_met() { "met" } else { "MISSED" };
            println!(
                "  {verdict:<7} {:<60} {:>8.3} {:>8.3}",
                target.what, target.found, target.at_most
            );
        }
    }
}

impl Target {
    fn is_met(&self) -> bool {
        self.found <= self.at_most
    }
}

pub fn heading(title: &str) {
    println!(
        "\n{title:<44} {:>9} {:>9} {:>9} {:>11} {:>7}",
        "seconds", "CPU s", "peak MB", "archive MB", "ratio"
    );
}

/// `archive_bytes` and `ratio` where they mean something.
pub fn row(what: &str, cost: &Cost, archive_bytes: Option<u64>, ratio: Option<f64>) {
    let archive = archive_bytes
        .map(|bytes| format!("{:.1}", megabytes(bytes)))
        .unwrap_or_default();
    let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
    let peak = megabytes(cost.peak_bytes);
    println!(
        "  {what:<42} {:>9.2} {:>9.2} {peak:>9.1} {archive:>11} {ratio:>7}",
        cost.seconds, cost.cpu_seconds
    );
}

#[expect(clippy::cast_precision_loss, reason = "a printed figure")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MB
}

#[expect(clippy::cast_precision_loss, reason = "a printed figure")]
pub fn ratio(bytes: u64, of: u64) -> f64 {
    bytes as f64 / of as f64
}
