//! The values everything else speaks in, and the pure functions on them. It does no I/O, knows no clock and names no other module.

pub mod archive_name;
pub mod destination;
pub mod execution;
pub mod harmless;
pub mod instance;
pub mod language;
pub mod manifest;
pub mod observe;
pub mod path_text;
pub mod plan;
pub mod problem;
pub mod retention;
pub mod scan;
pub mod schedule;
pub mod web_address;

pub use archive_name::{ArchiveName, ArchiveType, OldName, Placed};
pub use destination::{DestinationConfig, DestinationType};
pub use execution::{Execution, ExecutionKind, ExecutionStatus, Warning};
pub use harmless::harmless;
pub use instance::{
    CheckLevel, Component, ComponentKind, Compression, Encryption, HookKind, Hooks, Instance,
    InstanceId, InstanceSettings, Template, WhenBusy,
};
pub use language::Language;
pub use manifest::Manifest;
pub use observe::{Cancel, Cancelled, NoObserver, Observer, Phase, Progress};
pub use plan::RestorePlan;
pub use problem::Problem;
pub use retention::RetentionPolicy;
pub use schedule::{Cadence, CatchUp, Schedule, ScheduleError, ScheduledAct, Slots};
