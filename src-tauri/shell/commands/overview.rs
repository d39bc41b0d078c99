//! How things stand, and where.

use std::sync::Arc;

use serde::Serialize;

use super::Shared;
use crate::service::report::StatusReport;
use crate::shell::desk::Answer;

/// Where this installation lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Place {
    pub data_dir: std::path::PathBuf,
    /// Whether secrets are in the desktop's keyring or in a file in the data folder.
    pub keys_in: KeysIn,
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum KeysIn {
    Keyring,
    File,
}

#[tauri::command]
pub async fn status(desk: Shared<'_>) -> Answer<StatusReport> {
    let looking = Arc::clone(&desk);
    desk.run(move || looking.status()).await
}

#[tauri::command]
pub async fn place(desk: Shared<'_>) -> Answer<Place> {
    let keys_in = match desk.backend {
        crate::keys::Backend::Keyring => KeysIn::Keyring,
        crate::keys::Backend::File => KeysIn::File,
    };
    desk.ask(move |service| {
        Ok(Place {
            data_dir: service.data_dir().to_owned(),
            keys_in,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    })
    .await
}
