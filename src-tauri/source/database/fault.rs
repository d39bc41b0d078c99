//! What an error code of SQLite's means for a capture. The codes are the measured ones; what is done about each is decided elsewhere.

use rusqlite::ffi;

/// The kinds of failure that lead to different acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Somebody holds a lock.
    Busy,
    /// A writer died in the middle of a commit; reading means writing first.
    HotJournal,
    /// The `-shm` that reading needs cannot be made or written.
    NoSharedMemory,
    /// Missing, no permission; for a WAL database also `NoSharedMemory`.
    CannotOpen,
    /// Encrypted, or something else altogether.
    NotADatabase,
    Damaged,
    /// Only a scratch folder is ever written to.
    NoSpace,
    Interrupted,
    Other,
}

impl Fault {
    pub(super) fn of(error: &rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error().map(|e| e.extended_code) else {
            return Self::Other;
        };
        match (code & 0xff, code) {
            (ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED, _) => Self::Busy,
            (_, ffi::SQLITE_READONLY_ROLLBACK) => Self::HotJournal,
            (ffi::SQLITE_READONLY, _)
            // The last one: the disk is full.
            | (
                _,
                ffi::SQLITE_IOERR_SHMOPEN | ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_SHMSIZE,
            ) => Self::NoSharedMemory,
            (ffi::SQLITE_CANTOPEN, _) => Self::CannotOpen,
            (ffi::SQLITE_NOTADB, _) => Self::NotADatabase,
            (ffi::SQLITE_CORRUPT, _) => Self::Damaged,
            (ffi::SQLITE_FULL, _) => Self::NoSpace,
            (ffi::SQLITE_INTERRUPT, _) => Self::Interrupted,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_code_has_its_meaning() {
        let table = [
            (5, Fault::Busy),
            (261, Fault::Busy),
            (776, Fault::HotJournal),
            (1544, Fault::NoSharedMemory),
            (1288, Fault::NoSharedMemory),
            (4618, Fault::NoSharedMemory),
            (4874, Fault::NoSharedMemory),
            (5386, Fault::NoSharedMemory),
            (14, Fault::CannotOpen),
            (26, Fault::NotADatabase),
            (11, Fault::Damaged),
            (13, Fault::NoSpace),
            (9, Fault::Interrupted),
            (266, Fault::Other),
            (1, Fault::Other),
        ];
        for (code, fault) in table {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(Fault::of(&error), fault, "code {code}");
        }
    }
}
