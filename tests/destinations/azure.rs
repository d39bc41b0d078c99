//! Claims about `azure`, beyond the contract: on Azurite, and on a service in memory that lies, cuts and refuses.

mod container;
mod faults;
mod hostile;
mod reads;
mod refusals;
mod servers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdfast::destination::retry::Patience;
use holdfast::destination::{Destination, DestinationError, open_with};
use holdfast::model::DestinationConfig;
use secrecy::SecretString;

use crate::network::with_call;
use crate::servers::azurite::secrets;
use container::Pretender;

type Result<T> = std::result::Result<T, DestinationError>;

/// Several blocks, the last one smaller.
const LARGE: usize = (20 << 20) + 1;

/// Asked again without long waits.
fn opened_with(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
    tries: usize,
) -> Arc<dyn Destination> {
    let patience = Patience {
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(50),
        tries,
    };
    open_with(config, secrets, patience).unwrap()
}

fn place(service: &Pretender) -> Arc<dyn Destination> {
    opened_with(&service.config(&[]), &secrets(), 4)
}

fn listed(place: &dyn Destination, prefix: &str) -> Result<Vec<(String, u64)>> {
    let mut names = Vec::new();
    with_call(|call| {
        place.list(prefix, call, &mut |listed| {
            names.push((listed.key.as_str().to_owned(), listed.size));
            Ok(())
        })
    })?;
    Ok(names)
}
