//! The instance's own lines around a restore or a backup: `sh -c`, in a process group of its own, ended when it takes too long. When a
//! hook runs and what its failure means is the caller's business.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::Cancel;

/// A service that takes longer than this to stop or start needs a person.
pub const HOOK_TIMEOUT: Duration = Duration::from_mins(2);

/// Of the output, the end is kept: that is where the reason is.
const OUTPUT_KEPT: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("it could not be started")]
    Start(#[source] io::Error),
    #[error("{status}{}", said(output))]
    Failed { status: ExitStatus, output: String },
    #[error("it did not end within {after:?}{}", said(output))]
    TimedOut { after: Duration, output: String },
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}

fn said(output: &str) -> String {
    let output = output.trim();
    if output.is_empty() {
        String::new()
    } else {
        format!(": {output}")
    }
}

/// Runs a line in a folder. An empty line is no hook and succeeds. Its output goes to a file, not a pipe: a service that it leaves
/// running in the background must not keep us waiting, and must not die of our end of the pipe.
pub fn run(line: &str, folder: &Path, timeout: Duration, cancel: &Cancel) -> Result<(), HookError> {
    if line.trim().is_empty() {
        return Ok(());
    }
    let mut output = tempfile::tempfile().map_err(HookError::Start)?;
    let handle = |file: &File| file.try_clone().map(Stdio::from);
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(line)
        .current_dir(folder)
        // Ours, and nothing that a service should inherit.
        .env_remove("HOLDFAST_PASSPHRASE")
        .env_remove("HOLDFAST_ADMIN_PASSPHRASE")
        .stdin(Stdio::null())
        .stdout(handle(&output).map_err(HookError::Start)?)
        .stderr(handle(&output).map_err(HookError::Start)?)
        .process_group(0)
        .spawn()
        .map_err(HookError::Start)?;
    let until = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().map_err(HookError::Start)? {
            let output = tail(&mut output);
            return if status.success() {
                Ok(())
            } else {
                Err(HookError::Failed { status, output })
            };
        }
        if let Err(cancelled) = cancel.check() {
            end(&mut child);
            return Err(cancelled.into());
        }
        if Instant::now() >= until {
            end(&mut child);
            return Err(HookError::TimedOut {
                after: timeout,
                output: tail(&mut output),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The line and all that it started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

fn tail(output: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    let read = output
        .seek(SeekFrom::Start(length.saturating_sub(OUTPUT_KEPT)))
        .and_then(|_| output.read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(cause) => format!("(its output cannot be read: {cause})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_here(line: &str, timeout: Duration) -> Result<(), HookError> {
        run(line, Path::new("/"), timeout, &Cancel::new())
    }

    #[test]
    fn a_failing_line_tells_what_it_said() {
        let error = run_here("echo no such unit >&2; exit 5", HOOK_TIMEOUT).unwrap_err();
        assert_eq!(error.to_string(), "exit status: 5: no such unit");
        run_here("", HOOK_TIMEOUT).unwrap();
    }

    #[test]
    fn a_line_that_hangs_is_ended_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let line = format!("sleep 600 & echo $! > {}; wait", pid.display());
        let error = run_here(&line, Duration::from_millis(500)).unwrap_err();
        assert!(matches!(error, HookError::TimedOut { .. }), "{error:?}");
        let pid = std::fs::read_to_string(pid).unwrap();
        // Gone, or a zombie that nobody has collected yet. A signal is sent before it is heard.
        let is_gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_err() || stat.unwrap().contains(") Z ")
        };
        let until = Instant::now() + Duration::from_secs(20);
        while !is_gone() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(is_gone());
    }

    #[test]
    fn what_a_line_leaves_running_does_not_keep_us_waiting() {
        run_here("sleep 5 & echo $!", Duration::from_secs(4)).unwrap();
    }
}
