//! The manifest, put together from what a run found.

use super::{Findings, Label};
use crate::model::manifest::{
    BackupMetadata, CaptureInfo, ConfigInfo, ConfigSource, ManifestWarning, Members, SystemInfo,
};
use crate::model::{Instance, Manifest};
use crate::service::run::Run;
use crate::source::database::CaptureSummary;

/// All of a manifest but the members, which are known last.
pub(super) struct Draft<'a> {
    pub instance: &'a Instance,
    pub label: &'a Label,
    pub run: &'a Run,
    pub findings: Findings,
    /// Where the configuration came from, the export's digest, whether overrides were merged.
    pub export: (ConfigSource, String, bool),
    pub capture: CaptureSummary,
    /// None where the archive is not sealed.
    pub algorithm: Option<String>,
}

impl Draft<'_> {
    pub fn complete(self, members: Members) -> Manifest {
        let Findings {
            components,
            contents,
            warnings,
            ..
        } = self.findings;
        let trees = components
            .iter()
            .filter_map(|c| c.counts)
            .map(|c| c.size_bytes);
        let (config_source, config_hash, has_overrides) = self.export;
        Manifest {
            backup_metadata: metadata(self.instance, self.label, self.run),
            system_info: system_info(),
            config_info: ConfigInfo {
                config_source,
                config_hash,
                has_overrides,
            },
            total_size_bytes: trees.chain(contents.iter().map(|c| c.size_bytes)).sum(),
            components,
            contents,
            capture: CaptureInfo {
                started_at: self.capture.started_at,
                window_ms: self.capture.window.as_secs_f64() * 1000.0,
                exact: self.capture.exact,
            },
            encrypted: self.algorithm.is_some(),
            encryption_algorithm: self.algorithm,
            members,
            warnings: warnings
                .into_iter()
                .map(|w| ManifestWarning {
                    code: w.code,
                    message: w.message,
                    component: w.component,
                })
                .collect(),
        }
    }
}

fn metadata(instance: &Instance, label: &Label, run: &Run) -> BackupMetadata {
    BackupMetadata {
        instance_id: instance.id.clone(),
        instance_name: instance.name.clone(),
        hostname: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        backup_type: label.name.archive_type,
        timestamp_utc: label.name.created_at,
        triggered_by: label.triggered_by.clone(),
        comment: label.comment.clone(),
        backup_version: "2.0".to_owned(),
        archive_name: label.name.to_string(),
        run_id: run.id.clone(),
        sequence: label.sequence,
    }
}

fn system_info() -> SystemInfo {
    SystemInfo {
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        sqlite_version: rusqlite::version().to_owned(),
    }
}
