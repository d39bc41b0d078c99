//! The instance's own lines around a restore or a backup: `sh -c`, in a process group of its own, ended when it takes too long or says too
//! much. When a hook runs and what its failure means is the caller's business.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::{Cancel, HookKind, Instance, Phase};
use crate::service::report::HookReport;
use crate::service::{Act, BackupService, Error, Result};

/// A service that takes longer than this to stop or start needs a person.
pub const HOOK_TIMEOUT: Duration = Duration::from_mins(2);

/// What a line may say before it is taken for one that never ends.
const MOST_OUTPUT: u64 = 64 << 20;

/// How often it is looked whether it has ended: soon at first, for most are short.
const LOOK: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];
const SHORT: Duration = Duration::from_secs(1);

/// Of the output, the end is kept: that is where the reason is.
const OUTPUT_KEPT: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("it could not be started: {0}")]
    Start(#[source] io::Error),
    #[error("{status}{}", said(output))]
    Failed { status: ExitStatus, output: String },
    #[error("it did not end within {after:?}{}", said(output))]
    TimedOut { after: Duration, output: String },
    #[error("it said more than {} MiB and was ended{}", MOST_OUTPUT >> 20, said(output))]
    TooMuchOutput { output: String },
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}

impl BackupService {
    /// Runs a hook as a backup or a restore would, to see what it does: it is really executed, and as there, nothing else is done with
    /// the instance meanwhile: no service is started in the middle of a restore.
    pub fn test_hook(&self, name: &str, kind: HookKind, act: &Act<'_>) -> Result<HookReport> {
        let instance = self.instance(name)?;
        if instance.settings.hooks.line(kind).is_empty() {
            return Err(Error::NoHook {
                instance: instance.name,
                hook: kind.as_str(),
            });
        }
        let _lock = self.lock_instance(&instance, "test of a hook")?;
        act.tell(Phase::RunningHook, kind.as_str());
        let outcome = (kind == HookKind::After).then_some(Outcome::Ok);
        let begun = Instant::now();
        let ran = run(&instance, kind, outcome, act.cancel);
        let seconds = begun.elapsed().as_secs_f64();
        let problem = ran.as_ref().err().map(|cause| {
            let error = Error::HookTest {
                hook: kind.as_str(),
                outcome: cause.outcome(),
            };
            error.problem()
        });
        let (exit_status, output) = match ran {
            Ok(output) => (Some(0), output),
            Err(HookError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(HookError::Failed { status, output }) => (status.code(), output),
            Err(HookError::TimedOut { output, .. } | HookError::TooMuchOutput { output }) => {
                (None, output)
            }
            Err(HookError::Start(_)) => (None, String::new()),
        };
        Ok(HookReport {
            hook: kind,
            ok: problem.is_none(),
            exit_status,
            seconds,
            output,
            problem,
        })
    }
}

impl HookError {
    /// In a sentence, without what the line said.
    fn outcome(&self) -> String {
        match self {
            Self::Failed { status, .. } => format!("it ended with {status}"),
            Self::TimedOut { after, .. } => format!("it did not end within {after:?}"),
            Self::TooMuchOutput { .. } => {
                format!("it said more than {} MiB and was ended", MOST_OUTPUT >> 20)
            }
            Self::Start(cause) => format!("it could not be started: {cause}"),
            Self::Cancelled(_) => "it was cancelled".to_owned(),
        }
    }
}

fn said(output: &str) -> String {
    let output = output.trim();
    if output.is_empty() {
        String::new()
    } else {
        format!(": {output}")
    }
}

/// How the act went that an after hook follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
}

/// Tells whoever watches that a hook runs now, where there is one: it may take its time.
pub fn announce(instance: &Instance, kind: HookKind, act: &Act<'_>) {
    if !instance.settings.hooks.line(kind).is_empty() {
        act.tell(Phase::RunningHook, kind.as_str());
    }
}

/// Runs an instance's hook in its folder; none is success. Returns the end of what it said.
pub fn run(
    instance: &Instance,
    kind: HookKind,
    outcome: Option<Outcome>,
    cancel: &Cancel,
) -> std::result::Result<String, HookError> {
    let result = outcome.map(|outcome| match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
    });
    let mut variables: Vec<(&str, &OsStr)> = vec![
        ("HOLDFAST_HOOK", kind.as_str().as_ref()),
        ("HOLDFAST_INSTANCE", instance.name.as_ref()),
        ("HOLDFAST_INSTANCE_DIR", instance.path.as_os_str()),
    ];
    variables.extend(result.map(|result| ("HOLDFAST_RESULT", OsStr::new(result))));
    let line = instance.settings.hooks.line(kind);
    run_line(line, &instance.path, &variables, HOOK_TIMEOUT, cancel)
}

/// Runs a line in a folder. An empty line is no hook and succeeds. Its output goes to a file, not a pipe: a service that it leaves
/// running in the background must not keep us waiting, and must not die of our end of the pipe.
pub fn run_line(
    line: &str,
    folder: &Path,
    variables: &[(&str, &OsStr)],
    timeout: Duration,
    cancel: &Cancel,
) -> std::result::Result<String, HookError> {
    if line.is_empty() {
        return Ok(String::new());
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
        // Of an act around this one, where a hook has called the program itself.
        .env_remove("HOLDFAST_RESULT")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(handle(&output).map_err(HookError::Start)?)
        .stderr(handle(&output).map_err(HookError::Start)?)
        .process_group(0)
        .spawn()
        .map_err(HookError::Start)?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(HookError::Start)? {
            let output = tail(&mut output);
            return if status.success() {
                Ok(output)
            } else {
                Err(HookError::Failed { status, output })
            };
        }
        if let Err(cancelled) = cancel.check() {
            end(&mut child);
            return Err(cancelled.into());
        }
        let passed = begun.elapsed();
        if passed >= timeout {
            end(&mut child);
            return Err(HookError::TimedOut {
                after: timeout,
                output: tail(&mut output),
            });
        }
        if output
            .metadata()
            .is_ok_and(|found| found.len() > MOST_OUTPUT)
        {
            end(&mut child);
            return Err(HookError::TooMuchOutput {
                output: tail(&mut output),
            });
        }
        std::thread::sleep(LOOK[usize::from(passed > SHORT)]);
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

    fn run_here(line: &str, timeout: Duration) -> std::result::Result<String, HookError> {
        run_line(line, Path::new("/"), &[], timeout, &Cancel::new())
    }

    #[test]
    fn a_failing_line_tells_what_it_said() {
        let error = run_here("echo no such unit >&2; exit 5", HOOK_TIMEOUT).unwrap_err();
        assert_eq!(error.to_string(), "exit status: 5: no such unit");
        run_here("", HOOK_TIMEOUT).unwrap();
    }

    #[test]
    fn a_line_that_hangs_is_ended_with_all_it_started_whatever_they_ignore() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let line = format!(
            "trap '' TERM INT HUP; for i in 1 2 3 4 5 6 7 8; do sleep 600 & echo $! >> {}; done; wait",
            pids.display()
        );
        let error = run_here(&line, Duration::from_secs(3)).unwrap_err();
        assert!(matches!(error, HookError::TimedOut { .. }), "{error:?}");
        let pids = std::fs::read_to_string(pids).unwrap();
        assert_eq!(pids.lines().count(), 8);
        // Gone, or a zombie that nobody has collected yet. A signal is sent before it is heard.
        let is_gone = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.is_err() || stat.unwrap().contains(") Z ")
        };
        let until = Instant::now() + Duration::from_secs(20);
        while !pids.lines().all(is_gone) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(pids.lines().all(is_gone));
    }

    #[test]
    fn a_line_that_never_stops_talking_is_ended_before_it_fills_the_disk() {
        let error = run_here("echo begun; yes", HOOK_TIMEOUT).unwrap_err();
        let HookError::TooMuchOutput { output } = error else {
            panic!("{error:?}")
        };
        assert!(output.len() as u64 <= OUTPUT_KEPT);
    }

    #[test]
    fn a_line_that_becomes_a_daemon_is_neither_waited_for_nor_ended() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let line = format!(
            "setsid sh -c 'echo $$ > {0}; exec sleep 30' & while [ ! -s {0} ]; do :; done; echo up",
            file.display()
        );
        assert_eq!(run_here(&line, HOOK_TIMEOUT).unwrap(), "up\n");
        let pid = std::fs::read_to_string(file).unwrap().trim().parse().ok();
        let pid = pid.and_then(Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).expect("it lives");
    }

    #[test]
    fn what_a_line_leaves_running_does_not_keep_us_waiting() {
        run_here("sleep 5 & echo $!", Duration::from_secs(4)).unwrap();
    }
}
