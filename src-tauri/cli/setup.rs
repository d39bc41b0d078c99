//! `init` and `status`: the beginning, and how things stand.

use std::sync::Arc;

use jiff::Timestamp;

use super::error::Result;
use super::page::Column;
use super::session::Session;
use crate::jobs::{BackupScheduler, NoWatcher, status_without_schedules};
use crate::service::report::State;

pub(super) fn init(session: &Session) -> Result<u8> {
    let keys = session.service()?.init()?;
    session.answer(&keys, |page| {
        page.facts([
            ("recipient", keys.recipient.as_str().into()),
            ("verification key", keys.verification_key.as_str().into()),
        ]);
        page.gap();
        page.line("Archives are sealed to the recipient; the verification key checks their signatures. Both may be told to anybody.");
        page.line("Next: store the recovery kit away from this machine: holdfast key export --out FILE");
    })
}

pub(super) fn status(session: &Session) -> Result<u8> {
    let now = Timestamp::now();
    let service = Arc::new(session.service()?);
    let report = match BackupScheduler::open(Arc::clone(&service), Box::new(NoWatcher)) {
        Ok(scheduler) => scheduler.status(now)?,
        Err(error) => status_without_schedules(&service, &error, now)?,
    };
    let status = match report.state {
        State::Well => 0,
        State::Attention => 3,
        State::Failing => 1,
    };
    session.answer_with(status, &report, |page| {
        page.line(&report.sentence);
        if let Some(problem) = &report.problem {
            page.line(format!("hint: {}", problem.hint));
        }
        for warning in &report.warnings {
            page.line(format!("warning: {}", warning.message));
        }
        if report.instances.is_empty() {
            return;
        }
        page.gap();
        let columns = [
            Column::Left("instance"),
            Column::Left("last verified"),
            Column::Left("restorable as of"),
            Column::Left("next run"),
        ];
        let rows: Vec<_> = report
            .instances
            .iter()
            .map(|i| {
                [
                    i.name.clone(),
                    page.time_or(i.last_verified_at, "never"),
                    page.time_or(i.restorable_as_of, "nothing yet"),
                    page.time_or(i.next_run, "none"),
                ]
            })
            .collect();
        page.table(&columns, rows);
    })
}
