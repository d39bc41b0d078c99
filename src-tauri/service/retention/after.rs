//! The policy after a backup: best effort. What it could not do is a warning on the run, and never makes a good backup a failed one.

use super::{Scope, Shrunk};
use crate::destination::Destination;
use crate::model::retention::{ClockDoubt, KeepReason};
use crate::model::{DestinationConfig, Instance, NoObserver, Warning};
use crate::service::report::RetentionReport;
use crate::service::{Act, BackupService, Error, Result};

impl BackupService {
    /// Of this instance's archives at a destination that has just got a good one. `run_id`: the backup's, whose run is not over yet.
    pub(crate) fn retention_after(
        &self,
        config: &DestinationConfig,
        place: &dyn Destination,
        instance: &Instance,
        run_id: &str,
        act: &Act<'_>,
    ) -> Vec<Warning> {
        let scope = Scope {
            config,
            place,
            instance: Some(&instance.id),
            shrunk: Shrunk::Stops,
        };
        let applied = self.applied_after(scope, run_id, act);
        match applied {
            Ok(report) => report.map_or_else(Vec::new, |report| warnings(&report, &instance.name)),
            // Somebody applies all of it just now, or the user wants an end: the next backup applies it again.
            Err(Error::RetentionBusy { .. }) => Vec::new(),
            Err(error) if error.is_cancelled() => Vec::new(),
            Err(error) => {
                let message = format!("old archives were not deleted: {}", error.problem().message);
                vec![Warning::new("retention_failed", None, message)]
            }
        }
    }

    fn applied_after(
        &self,
        scope: Scope<'_>,
        run_id: &str,
        act: &Act<'_>,
    ) -> Result<Option<RetentionReport>> {
        if self.store.retention(&scope.config.id)?.is_none() {
            return Ok(None);
        }
        // The backup has told that it is done.
        let act = Act {
            cancel: act.cancel,
            observer: &NoObserver,
            triggered_by: act.triggered_by.clone(),
            run_id: None,
            passphrase: None,
        };
        self.apply_retention_as(scope, run_id, &act).map(Some)
    }
}

fn warnings(report: &RetentionReport, instance: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, message| warnings.push(Warning::new(code, None, message));
    if let Some(first) = report.failed.first() {
        let message = format!(
            "{} of the old archives could not be deleted: {}",
            report.failed.len(),
            first.problem.message
        );
        warn("retention_failed", message);
    }
    if report.keeps_because(|reason| *reason == KeepReason::Shrunk) {
        let message = format!(
            "no old archive of {instance} is deleted until somebody looks at what shrank; if it is as it should be, run `holdfast \
             retention apply {} --despite-shrink`",
            report.destination
        );
        warn("retention_stopped", message);
    }
    let after_now = |reason: &KeepReason| {
        let doubt = ClockDoubt::AfterNow;
        *reason == KeepReason::Clock { doubt }
    };
    if report.keeps_because(after_now) {
        let message = format!(
            "an archive of {instance} at {} is dated after now, so that nothing there is deleted by its age: put the clock right, or \
             delete that archive if the clock was wrong when it was made",
            report.destination
        );
        warn("retention_clock", message);
    }
    warnings
}
