//! Claims about `archive`.

#[path = "../support/forge.rs"]
pub mod forge;
#[path = "../support/packing.rs"]
pub mod packing;

mod damage;
mod hostile;
mod links;
mod old;
mod ranges;
mod removal;
mod round_trip;
mod stock_tools;
mod stream;
