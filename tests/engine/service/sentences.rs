//! Every failure in words, in one table: what a person reads is looked at as a whole.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use holdfast::archive::{OpenError, PackError};
use holdfast::destination::{DestinationError, ErrorKind};
use holdfast::keys::KeyError;
use holdfast::model::retention::{ClockDoubt, DeleteReason, ForeignReason, KeepReason, changed};
use holdfast::model::schedule::{Cadence, ScheduleError, parse_every};
use holdfast::model::{ArchiveType, Cancelled, Warning};
use holdfast::service::Error;
use holdfast::service::error::{Refusal, Unscheduled};
use holdfast::service::report::{
    DeletedArchive, ForeignArchive, KeptArchive, RetentionFailure, RetentionSubject,
};
use holdfast::service::restore::error::RestoreError;
use holdfast::source::database::CaptureError;
use holdfast::source::discover::ScanError;
use holdfast::store::StoreError;
use jiff::Timestamp;

#[test]
fn every_failure_says_what_why_and_what_next() {
    let mut table = String::new();
    for error in of_parts()
        .into_iter()
        .chain(of_service())
        .chain(of_files_and_places())
        .chain(of_schedules())
        .chain(of_retention())
    {
        let problem = error.problem();
        assert!(
            !problem.message.is_empty() && !problem.hint.is_empty(),
            "{error:?}"
        );
        assert!(
            !problem.message.ends_with('.'),
            "the hint follows: {}",
            problem.message
        );
        assert!(problem.hint.ends_with('.'), "{}", problem.hint);
        writeln!(
            table,
            "{} [exit {}]\n  {}\n  {}",
            problem.code,
            error.exit_status(),
            problem.message,
            problem.hint
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_hostile_name_cannot_play_with_the_terminal() {
    let error = Error::Open(OpenError::Refused {
        entry: Some("a\u{1b}[2Jb".to_owned()),
        reason: "it is twice in the archive".to_owned(),
        intact_bytes: None,
    });
    assert!(
        !error.problem().message.contains('\u{1b}'),
        "{}",
        error.problem().message
    );
}

fn of_parts() -> Vec<Error> {
    let path = || PathBuf::from("/srv/tacacs/data/devices.db");
    let io_error = |kind| io::Error::from(kind);
    vec![
        Error::Scan(ScanError::Missing("/srv/tacacs".into())),
        Error::Scan(ScanError::NotAFolder("/srv/tacacs".into())),
        Error::Scan(ScanError::Nothing("/srv/tacacs".into())),
        Error::Scan(ScanError::Unreadable(
            "/srv/tacacs".into(),
            io_error(io::ErrorKind::PermissionDenied),
        )),
        Error::Scan(ScanError::Glob {
            glob: "a[".to_owned(),
            reason: "unclosed character class".to_owned(),
        }),
        Error::Capture(CaptureError::Missing(path())),
        Error::Capture(CaptureError::Forbidden(path())),
        Error::Capture(CaptureError::NotAFile(path())),
        Error::Capture(CaptureError::Busy {
            path: path(),
            waited: Duration::from_millis(2100),
        }),
        Error::Capture(CaptureError::NoSpace("/var/tmp".into())),
        Error::Capture(CaptureError::Moving { path: path() }),
        Error::Pack(PackError::Write(io_error(io::ErrorKind::StorageFull))),
        Error::Open(OpenError::NoKey),
        Error::Open(OpenError::WrongKey),
        Error::Open(OpenError::NoPassphrase),
        Error::Open(OpenError::WrongPassphrase),
        Error::Open(OpenError::NotAnArchive(
            "it does not start like one".to_owned(),
        )),
        Error::Open(OpenError::UnknownVersion("3.0".to_owned())),
        Error::Open(OpenError::Refused {
            entry: Some("devices/devices.db".to_owned()),
            reason: "its SHA-256 is not the one in the manifest".to_owned(),
            intact_bytes: Some(81920),
        }),
        Error::Store(StoreError::Newer { found: 9, known: 1 }),
        Error::Store(StoreError::Older { found: 1, known: 2 }),
        Error::Store(StoreError::ReadOnly(rusqlite::Error::InvalidQuery)),
        Error::Store(StoreError::NoSpace(rusqlite::Error::InvalidQuery)),
        Error::Store(StoreError::Busy(rusqlite::Error::InvalidQuery)),
        Error::Store(StoreError::Corrupt(rusqlite::Error::InvalidQuery)),
        Error::Keys(KeyError::NoService(None)),
        Error::Keys(KeyError::Locked),
        Error::Keys(KeyError::Missing("identity".to_owned())),
        Error::Keys(KeyError::Wrong("identity".to_owned())),
    ]
}

fn of_stop_hook() -> RestoreError {
    RestoreError::Hook {
        which: "stop",
        outcome: "exit status: 3: still busy".to_owned(),
    }
}

fn of_schedules() -> Vec<Error> {
    let cron = |expression: &str| {
        let expression = expression.to_owned();
        let schedule = Cadence::Cron { expression };
        Error::from(schedule.slots("UTC").err().unwrap())
    };
    let unscheduled = |cause| Error::Unscheduled {
        schedule: "nightly".to_owned(),
        cause,
    };
    let names = || vec!["nas".to_owned(), "cloud".to_owned()];
    vec![
        cron("0 0 31 2 *"),
        cron("61 * * * *"),
        cron("* * *"),
        cron("@often"),
        Error::from(parse_every("5 apples").unwrap_err()),
        Error::from(parse_every("10s").unwrap_err()),
        Error::from(ScheduleError::UnknownZone {
            zone: "Mars/Olympus".to_owned(),
        }),
        Error::from(ScheduleError::NoDestination),
        Error::from(ScheduleError::UnknownCadence {
            name: "tides".to_owned(),
        }),
        unscheduled(Unscheduled::NoInstance),
        unscheduled(Unscheduled::NoDestination(names())),
        unscheduled(Unscheduled::SomeDestinations(names())),
        unscheduled(Unscheduled::NoArchive("nas".to_owned())),
        unscheduled(Unscheduled::BadArchive("nas:x: it is damaged".to_owned())),
        Error::Incomplete {
            instance: "tacacs-1".to_owned(),
            warnings: vec![Warning::new(
                "missing",
                Some("users"),
                "users.db is not there",
            )],
        },
        Error::Interrupted,
        Error::NoHook {
            instance: "tacacs-1".to_owned(),
            hook: "stop",
        },
        Error::HookTest {
            hook: "before",
            outcome: "it ended with exit status: 3".to_owned(),
        },
        of_stop_hook().into(),
        RestoreError::NotStarted {
            first: Box::new(of_stop_hook()),
            outcome: "exit status: 5: no such unit".to_owned(),
        }
        .into(),
        Error::Jobs(StoreError::Newer { found: 9, known: 1 }),
        Error::Jobs(StoreError::Busy(rusqlite::Error::InvalidQuery)),
        Error::Jobs(StoreError::Corrupt(rusqlite::Error::InvalidQuery)),
        Error::Jobs(StoreError::ReadOnly(rusqlite::Error::InvalidQuery)),
        Error::Jobs(StoreError::NoSpace(rusqlite::Error::InvalidQuery)),
        Error::Jobs(StoreError::Sqlite(rusqlite::Error::InvalidQuery)),
    ]
}

fn of_service() -> Vec<Error> {
    vec![
        Error::Cancelled(Cancelled),
        Error::Unknown {
            what: "instance",
            name: "tacacs-9".to_owned(),
        },
        Error::Taken {
            what: "destination",
            name: "vault".to_owned(),
        },
        Error::BadValue {
            what: "name of an instance",
            value: "a b".to_owned(),
            reason: "it takes 1 to 64 letters, digits, `-` and `_`".to_owned(),
        },
        Error::NoSuchSetting {
            what: "setting",
            name: "colour".to_owned(),
        },
        Error::BadDestination {
            name: "vault".to_owned(),
            cause: DestinationError::new(ErrorKind::Config, "`local` has no setting `colour`"),
        },
        Error::NotInitialised,
        Error::NotEmptyInstallation,
        Error::LastRecipient,
        Error::Disabled {
            destination: "vault".to_owned(),
        },
        Error::Busy {
            instance: "tacacs-1".to_owned(),
            holder: "a backup of process 7".to_owned(),
        },
        Error::NothingRead {
            instance: "tacacs-1".to_owned(),
            warnings: vec![Warning::new("component_missing", None, "it is gone")],
        },
        Error::NoSpace {
            path: "/var/lib/holdfast".into(),
            needed: 5 << 30,
            free: 1 << 20,
        },
        Error::NotEmpty {
            path: "/tmp/out".into(),
        },
        Error::NoArchive {
            execution: "e1".to_owned(),
        },
        Error::NoArchiveName {
            path: "/tmp/notes.txt".into(),
        },
        Error::ArchiveGone {
            archive: "vault:a".to_owned(),
        },
        Error::NotInCatalogue {
            archive: "/tmp/a".to_owned(),
        },
        Error::Pinned {
            archive: "vault:a".to_owned(),
        },
        Error::DigestDiffers {
            archive: "vault:a".to_owned(),
        },
        Error::Refused(Refusal::Confirm {
            given: String::new(),
            expected: "tacacs-1".to_owned(),
        }),
        Error::Refused(Refusal::Unsigned),
        Error::Refused(Refusal::UnknownSigner {
            key_id: "0123456789ABCDEF".to_owned(),
        }),
        Error::Refused(Refusal::Claim(vec![
            "it is of instance a (00000001), not of b (00000002)".to_owned(),
        ])),
    ]
}

fn of_files_and_places() -> Vec<Error> {
    let mut errors = Vec::new();
    for kind in [
        io::ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem,
    ] {
        errors.push(Error::Io {
            path: "/var/lib/holdfast".into(),
            cause: kind.into(),
        });
    }
    for kind in [
        ErrorKind::Authentication,
        ErrorKind::Trust,
        ErrorKind::Unreachable,
        ErrorKind::Timeout,
        ErrorKind::Space,
        ErrorKind::Missing,
        ErrorKind::Exists,
        ErrorKind::Forbidden,
        ErrorKind::Throttled,
        ErrorKind::Truncated,
        ErrorKind::Protocol,
        ErrorKind::Config,
    ] {
        let cause = DestinationError::new(kind, "what came back");
        errors.push(Error::Destination {
            name: "vault".to_owned(),
            cause,
        });
    }
    errors.push(Error::Destination {
        name: "vault".to_owned(),
        cause: DestinationError {
            presented: Some("SHA256:c0ffee".to_owned()),
            ..DestinationError::new(ErrorKind::Trust, "nobody vouches for its certificate")
        },
    });
    for kind in [
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::NotADirectory,
    ] {
        let detail = "cannot open the folder `/mnt/nas/tacacs-1`";
        let cause = DestinationError::because(ErrorKind::Forbidden, detail, kind.into());
        errors.push(Error::Destination {
            name: "vault".to_owned(),
            cause,
        });
    }
    errors
}

fn of_retention() -> Vec<Error> {
    let policy = policies(&[
        &[("keep_lost", "7")],
        &[("strategy", "fifo")],
        &[("strategy", "simple"), ("keep_last", "none")],
        &[("strategy", "gfs"), ("keep_last", "7")],
        &[
            ("strategy", "simple"),
            ("keep_last", "7"),
            ("keep_last", "8"),
        ],
        &[("strategy", "hanoi")],
        &[("floor", "2")],
        &[("strategy", ""), ("floor", "2")],
    ]);
    let name = "backup-tacacs-1-20261124-030000-scheduled.tar.gz.age";
    let archive = || format!("vault:{name}");
    let others = [
        Error::RetentionBusy {
            destination: "vault".to_owned(),
        },
        Error::NotDeleted {
            destination: "vault".to_owned(),
            failures: vec![RetentionFailure {
                archive: archive(),
                problem: Error::ArchiveChanged { archive: archive() }.problem(),
            }],
        },
        Error::ArchiveInUse { archive: archive() },
        Error::ArchiveChanged { archive: archive() },
        Error::Refused(Refusal::ConfirmLast {
            given: String::new(),
            expected: name.to_owned(),
            instance: "tacacs-1".to_owned(),
        }),
        Error::Refused(Refusal::ConfirmLast {
            given: "yes".to_owned(),
            expected: name.to_owned(),
            instance: "tacacs-1".to_owned(),
        }),
    ];
    policy.into_iter().chain(others).collect()
}

/// What each of these says that it cannot be.
fn policies(table: &[&[(&str, &str)]]) -> Vec<Error> {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    table
        .iter()
        .map(|settings| {
            let settings: Vec<_> = settings.iter().map(own).collect();
            changed(None, &settings).unwrap_err().into()
        })
        .collect()
}

#[test]
fn why_an_archive_stays_is_told_in_words() {
    let bucket = || "2026-11".to_owned();
    let clock = |doubt| KeepReason::Clock { doubt };
    let kept = [
        KeepReason::NoPolicy,
        KeepReason::Pinned,
        KeepReason::InUse,
        KeepReason::Safety,
        KeepReason::NewestVerified,
        KeepReason::Last { n: 2 },
        KeepReason::Younger { days: 0 },
        KeepReason::Younger { days: 1 },
        KeepReason::Younger { days: 12 },
        KeepReason::Daily { bucket: bucket() },
        KeepReason::Weekly { bucket: bucket() },
        KeepReason::Monthly { bucket: bucket() },
        KeepReason::Yearly { bucket: bucket() },
        KeepReason::Hanoi { level: 3 },
        KeepReason::Floor,
        clock(ClockDoubt::AfterNow),
        clock(ClockDoubt::LongSilence),
        clock(ClockDoubt::LongPause),
        KeepReason::Shrunk,
        KeepReason::Partial,
        KeepReason::NotVerified,
    ];
    let subject = || RetentionSubject {
        archive: String::new(),
        execution_id: None,
        instance: String::new(),
        archive_type: ArchiveType::Manual,
        created_at: Timestamp::UNIX_EPOCH,
        sequence: None,
        compressed_size_bytes: 0,
    };
    let mut table = String::new();
    for reason in kept {
        let subject = subject();
        writeln!(table, "stays: {}", KeptArchive { subject, reason }.why()).unwrap();
    }
    for reason in [
        DeleteReason::Superseded,
        DeleteReason::Partial,
        DeleteReason::NotVerified,
    ] {
        let subject = subject();
        writeln!(table, "goes: {}", DeletedArchive { subject, reason }.why()).unwrap();
    }
    for reason in [
        ForeignReason::OtherInstance,
        ForeignReason::UnknownSigner,
        ForeignReason::Unread,
        ForeignReason::NotInCatalogue,
        ForeignReason::Changed,
    ] {
        let subject = subject();
        writeln!(
            table,
            "foreign: {}",
            ForeignArchive { subject, reason }.why()
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}
