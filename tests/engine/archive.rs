//! Claims about `archive`.

#[path = "../support/packing.rs"]
mod packing;

mod ranges;
mod round_trip;
mod stock_tools;
