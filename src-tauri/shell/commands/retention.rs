//! Which archives of a destination stay.

use super::Shared;
use crate::service::Shrunk;
use crate::service::report::{RetentionReport, RetentionSettings};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};

#[tauri::command]
pub async fn retention(desk: Shared<'_>, destination: String) -> Answer<RetentionSettings> {
    desk.ask(move |service| service.retention(&destination))
        .await
}

/// `changes`: pairs of key and value; an empty value takes a setting away, an empty `strategy` the policy.
#[tauri::command]
pub async fn set_retention(
    desk: Shared<'_>,
    destination: String,
    changes: Vec<(String, String)>,
) -> Answer<RetentionSettings> {
    desk.ask(move |service| service.set_retention(&destination, &changes))
        .await
}

#[tauri::command]
pub async fn preview_retention(
    desk: Shared<'_>,
    destination: String,
    shrunk: Shrunk,
) -> Answer<RetentionReport> {
    desk.look(move |service, act| service.retention_preview(&destination, shrunk, act))
        .await
}

#[tauri::command]
pub async fn apply_retention(
    desk: Shared<'_>,
    act: String,
    destination: String,
    shrunk: Shrunk,
) -> Answer<RetentionReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Retention,
        subject: destination.clone(),
    };
    desk.act(new, move |service, act| {
        service.retention_apply(&destination, shrunk, act)
    })
    .await
}
