//! Reads an instance's configuration, merges its layers into one JSON and redacts what is secret in it.

use std::path::Path;

use crate::model::manifest::ConfigSource;
use crate::model::{Instance, Warning};

/// `config_export.json` and what the manifest says of it.
pub struct ConfigExport {
    /// `{}` where there is no configuration. Keys sorted, secrets redacted.
    pub json: Vec<u8>,
    pub config_source: ConfigSource,
    pub has_overrides: bool,
    pub warnings: Vec<Warning>,
}

/// `overrides_copy`: the captured copy of the overrides database, so that no live database is opened here.
#[must_use]
pub fn export(_instance: &Instance, _overrides_copy: Option<&Path>) -> ConfigExport {
    todo!()
}

/// The settings of one configuration file as `section.key` → value, secrets redacted, for comparing. None where it does not parse.
#[must_use]
pub fn settings(
    _file_name: &str,
    _content: &[u8],
) -> Option<std::collections::BTreeMap<String, String>> {
    todo!()
}
