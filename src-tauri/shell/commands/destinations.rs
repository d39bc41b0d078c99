//! Places of archives.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Shared;
use crate::model::{DestinationConfig, DestinationType};
use crate::service::report::{CatalogueReport, TestReport};
use crate::service::{BackupService, NewDestination};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};

#[tauri::command]
pub async fn destinations(desk: Shared<'_>) -> Answer<Vec<DestinationConfig>> {
    desk.ask(BackupService::destinations).await
}

#[tauri::command]
pub async fn add_destination(
    desk: Shared<'_>,
    name: String,
    destination_type: DestinationType,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
) -> Answer<DestinationConfig> {
    let new = NewDestination {
        name,
        destination_type,
        settings: settings.into_iter().collect(),
        secrets: sealed(secrets),
    };
    desk.ask(move |service| service.add_destination(&new)).await
}

/// Those that are named; an empty setting is removed.
#[tauri::command]
pub async fn set_destination(
    desk: Shared<'_>,
    name: String,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
) -> Answer<DestinationConfig> {
    desk.ask(move |service| {
        let change = NewDestination {
            destination_type: service.destination(&name)?.destination_type,
            name,
            settings: settings.into_iter().collect(),
            secrets: sealed(secrets),
        };
        service.set_destination(&change)
    })
    .await
}

fn sealed(secrets: BTreeMap<String, String>) -> Vec<(String, SecretString)> {
    let seal = |(key, value)| (key, SecretString::from(value));
    secrets.into_iter().map(seal).collect()
}

#[tauri::command]
pub async fn enable_destination(desk: Shared<'_>, name: String, enabled: bool) -> Answer<()> {
    desk.ask(move |service| service.enable_destination(&name, enabled))
        .await
}

#[tauri::command]
pub async fn remove_destination(desk: Shared<'_>, name: String) -> Answer<()> {
    desk.ask(move |service| service.remove_destination(&name))
        .await
}

#[tauri::command]
pub async fn test_destination(desk: Shared<'_>, name: String) -> Answer<TestReport> {
    desk.look(move |service, act| service.test_destination(&name, act))
        .await
}

/// Bytes that are free there; None where it does not tell.
#[tauri::command]
pub async fn free_space(desk: Shared<'_>, name: String) -> Answer<Option<u64>> {
    desk.look(move |service, act| service.free_space(&name, act))
        .await
}

/// Makes what is known of a destination's archives agree with what is there.
#[tauri::command]
pub async fn rebuild_catalogue(
    desk: Shared<'_>,
    act: String,
    name: String,
) -> Answer<CatalogueReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Catalogue,
        subject: name.clone(),
    };
    desk.act(new, move |service, act| {
        service.rebuild_catalogue(&name, act)
    })
    .await
}
