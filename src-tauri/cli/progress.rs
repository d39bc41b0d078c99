//! Progress as one line on standard error where that is a terminal: what, how far, how fast, how long yet.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::{Observer, Phase, Progress, harmless};

/// More often nobody can read it.
const PAUSE: Duration = Duration::from_millis(100);

const TEMPLATE_KNOWN: &str =
    "{prefix} {percent:>3} %  {binary_bytes_per_sec}  {eta} left  {wide_msg}";
const TEMPLATE_UNKNOWN: &str = "{prefix} {binary_bytes}  {wide_msg}";

pub(super) struct ProgressLine {
    bar: ProgressBar,
    last: Mutex<Option<(Phase, bool, Instant)>>,
}

impl ProgressLine {
    /// Draws nothing where standard error is no terminal.
    pub fn to_stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style(false));
        Self {
            bar,
            last: Mutex::new(None),
        }
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for ProgressLine {
    fn progress(&self, progress: &Progress) {
        // A line that another thread is drawing need not be drawn twice.
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        let known = progress.total_bytes > 0;
        let now = Instant::now();
        match *last {
            Some((phase, total, at)) if (phase, total) == (progress.phase, known) => {
                if now.duration_since(at) < PAUSE {
                    return;
                }
            }
            _ => {
                self.bar.set_style(style(known));
                self.bar.set_prefix(phase(progress.phase));
                self.bar.reset();
            }
        }
        *last = Some((progress.phase, known, now));
        self.bar.set_message(harmless(&progress.what).into_owned());
        if known {
            self.bar.set_length(progress.total_bytes);
        } else {
            self.bar.unset_length();
        }
        self.bar.set_position(progress.done_bytes);
    }
}

fn style(total_known: bool) -> ProgressStyle {
    let template = if total_known {
        TEMPLATE_KNOWN
    } else {
        TEMPLATE_UNKNOWN
    };
    // Both are held by `every_line_can_be_drawn`.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Preparing => "preparing",
        Phase::RunningHook => "running the hook",
        Phase::Capturing => "reading",
        Phase::Packing => "packing",
        Phase::Uploading => "storing",
        Phase::Verifying => "verifying",
        Phase::Fetching => "fetching",
        Phase::Checking => "checking",
        Phase::SavingBefore => "saving what is there",
        Phase::Applying => "restoring",
        Phase::RollingBack => "rolling back",
        Phase::Deleting => "deleting",
        Phase::Done => "done",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_drawn() {
        for template in [TEMPLATE_KNOWN, TEMPLATE_UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_new_phase_starts_again_from_nothing() {
        let line = ProgressLine {
            bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()),
            last: Mutex::new(None),
        };
        let tell = |phase, done_bytes, total_bytes| {
            line.progress(&Progress {
                phase,
                done_bytes,
                total_bytes,
                what: "devices".into(),
            });
        };
        tell(Phase::Packing, 7, 10);
        assert_eq!((line.bar.position(), line.bar.length()), (7, Some(10)));
        tell(Phase::Uploading, 1, 0);
        assert_eq!((line.bar.position(), line.bar.length()), (1, None));
        assert_eq!(line.bar.prefix(), "storing");
        line.clear();
    }
}
