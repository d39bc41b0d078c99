//! Runs a command and says what it cost: time, processor time, and the most memory that its whole process tree held.
//! It reads `/proc`, so it is Linux only; it knows nothing of what runs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// `/proc` counts processor time in these, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;
const SAMPLE: Duration = Duration::from_millis(20);
/// Reading every process of the machine costs more than reading the known ones.
const SAMPLES_PER_SEARCH: u32 = 5;

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub seconds: f64,
    /// User and system, of the whole tree.
    pub cpu_seconds: f64,
    /// Resident bytes of the whole tree at its worst moment.
    pub peak_bytes: u64,
}

impl Cost {
    /// One after the other.
    pub fn then(self, next: Self) -> Self {
        Self {
            seconds: self.seconds + next.seconds,
            cpu_seconds: self.cpu_seconds + next.cpu_seconds,
            peak_bytes: self.peak_bytes.max(next.peak_bytes),
        }
    }

    /// Each figure's own median.
    pub fn median(runs: &[Self]) -> Self {
        let middle = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<_> = runs.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        let mut peaks: Vec<_> = runs.iter().map(|run| run.peak_bytes).collect();
        peaks.sort_unstable();
        Self {
            seconds: middle(|run| run.seconds),
            cpu_seconds: middle(|run| run.cpu_seconds),
            peak_bytes: peaks[peaks.len() / 2],
        }
    }
}

/// What a run cost and what it printed.
pub struct Run {
    pub cost: Cost,
    pub stdout: String,
}

/// Runs it to its end. Anything but success is an error with what it said.
pub fn run(command: &mut Command, scratch: &Path) -> Result<Run> {
    // What the run before wrote is the run before's to pay for.
    rustix::fs::sync();
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    command
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(File::create(&err)?);
    // A group of its own is how its descendants are found.
    command.process_group(0);

    let cpu_before = children_cpu()?;
    let start = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let group = child.id();
    let ended = AtomicBool::new(false);
    let (status, seconds, peak_bytes) = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(group, &ended));
        let status = child.wait();
        let seconds = start.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        (status, seconds, watch.join().unwrap_or_default())
    });
    let status = status?;
    let stdout = fs::read_to_string(&out)?;
    if !status.success() {
        return Err(format!(
            "{command:?}: {status}\n{stdout}{}",
            fs::read_to_string(&err)?
        )
        .into());
    }
    let cpu_seconds = children_cpu()? - cpu_before;
    Ok(Run {
        cost: Cost {
            seconds,
            cpu_seconds,
            peak_bytes,
        },
        stdout,
    })
}

/// A line of `bash`, where any part of a pipeline that fails fails it.
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]);
    command
}

/// What the figures were measured on.
pub fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!(
        "machine: {} cores, {}, load {} at the start",
        thread::available_parallelism()?,
        model.trim_start_matches([' ', '\t', ':']),
        load.split(' ').next().unwrap_or_default(),
    ))
}

/// The peak of a process group: the sum as sampled, and at least the highest mark that the kernel kept of any one of them.
fn watch(group: u32, ended: &AtomicBool) -> u64 {
    let mut peak = 0;
    let mut known = vec![group];
    let mut sample: u32 = 0;
    while !ended.load(Ordering::Relaxed) {
        if sample % SAMPLES_PER_SEARCH == 1 {
            known = members(group);
        }
        sample = sample.wrapping_add(1);
        let memory: Vec<_> = known.iter().filter_map(|pid| memory(*pid)).collect();
        let together: u64 = memory.iter().map(|(now, _)| now).sum();
        let highest = memory
            .iter()
            .map(|(_, highest)| *highest)
            .max()
            .unwrap_or_default();
        peak = peak.max(together).max(highest);
        thread::sleep(SAMPLE);
    }
    peak
}

fn members(group: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        stat(&format!("/proc/{pid}/stat")).is_some_and(|stat| stat[2] == group.to_string())
    })
    .collect()
}

/// Resident bytes now and at most.
fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let fields: BTreeMap<_, _> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let bytes = |name| -> Option<u64> {
        let kib: u64 = fields.get(name)?.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    };
    Some((bytes("VmRSS")?, bytes("VmHWM")?))
}

/// Processor seconds of all descendants that were waited for.
fn children_cpu() -> Result<f64> {
    let stat = stat("/proc/self/stat").ok_or("/proc/self/stat cannot be read")?;
    let ticks = stat[13].parse::<f64>()? + stat[14].parse::<f64>()?;
    Ok(ticks / TICKS_PER_SECOND)
}

/// The fields behind the program's name, which may hold anything: the state is 0, the group 2, the children's times 13 and 14.
fn stat(path: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    let fields: Vec<_> = text
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    (fields.len() > 14).then_some(fields)
}
