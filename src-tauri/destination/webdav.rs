//! `webdav`: a folder of a WebDAV server.

use std::sync::Arc;

use super::settings::Settings;
use super::{Destination, DestinationError};

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>, DestinationError> {
    Err(settings.bad("is not available yet"))
}
