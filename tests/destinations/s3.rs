//! Claims about `s3`, beyond the contract.

mod answers;
mod faults;
mod reads;
mod servers;
mod shop;
mod sweeping;

use std::sync::Arc;
use std::time::Duration;

use holdfast::destination::retry::Patience;
use holdfast::destination::{Destination, DestinationError, Key, Listed, open_with};
use holdfast::model::DestinationConfig;

use crate::network::with_call;
use crate::servers::s3::{BASE, secrets};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";
const MIB: usize = 1 << 20;
/// Three parts, the last one small.
const LARGE: usize = 17 * MIB;

/// As long as a test wants to wait between two tries.
const PATIENCE: Patience = Patience {
    first_wait: Duration::from_millis(10),
    longest_wait: Duration::from_millis(50),
    tries: 4,
};

fn opened(config: &DestinationConfig) -> Arc<dyn Destination> {
    open_with(config, &secrets(), PATIENCE).unwrap()
}

/// The name of its object.
fn object(key: &Key) -> String {
    format!("{BASE}/{}", key.as_str())
}

fn listed(place: &dyn Destination, prefix: &str) -> Result<Vec<Listed>, DestinationError> {
    let mut found = Vec::new();
    let mut each = |listed| {
        found.push(listed);
        Ok(())
    };
    with_call(|call| place.list(prefix, call, &mut each))?;
    Ok(found)
}
