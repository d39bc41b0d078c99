//! Notices what shrank since the last good backup: a table or database that lost nine tenths is worth a look before old archives go.

use crate::model::{ExecutionKind, ExecutionStatus, Instance, Manifest, Warning};
use crate::service::{BackupService, Result};
use crate::store::ExecutionFilter;

/// The code of its warnings.
pub(super) const SHRANK: &str = "shrank";

/// Fewer rows than this say nothing by going.
const WORTH_MENTIONING: u64 = 20;

pub(super) fn compared_with_last(
    service: &BackupService,
    instance: &Instance,
    now: &Manifest,
) -> Result<Vec<Warning>> {
    let filter = ExecutionFilter {
        instance_id: Some(instance.id.clone()),
        kind: Some(ExecutionKind::Backup),
        status: Some(ExecutionStatus::Completed),
        limit: Some(1),
        ..ExecutionFilter::default()
    };
    let Some(last) = service.store.executions(&filter)?.pop() else {
        return Ok(Vec::new());
    };
    // A record without a readable manifest has nothing to compare with.
    let text = service.store.manifest(&last.run_id)?;
    let before = text.and_then(|text| serde_json::from_str::<Manifest>(&text).ok());
    Ok(before
        .map(|before| shrunk(&before, now))
        .unwrap_or_default())
}

/// Tables with a tenth or less of their rows.
#[must_use]
pub fn shrunk(before: &Manifest, now: &Manifest) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for entry in &now.contents {
        let old = before
            .contents
            .iter()
            .find(|c| c.component == entry.component && c.file == entry.file);
        let (Some(facts), Some(old)) = (&entry.database, old.and_then(|c| c.database.as_ref()))
        else {
            continue;
        };
        for (table, rows) in &facts.tables {
            let (Some(rows), Some(Some(were))) = (rows, old.tables.get(table)) else {
                continue;
            };
            if *were >= WORTH_MENTIONING && rows.saturating_mul(10) <= *were {
                let message = format!(
                    "table `{table}` of `{}` has {rows} rows, {were} in the backup before",
                    entry.source
                );
                warnings.push(Warning::new(SHRANK, Some(&entry.component), message));
            }
        }
    }
    warnings
}
