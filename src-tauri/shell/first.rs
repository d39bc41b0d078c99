//! One process a data folder. Who holds the lock is the first, and hears at a socket that somebody wants the window; a later start asks
//! it and goes. A lock whose owner is dead is free, so nothing that a killed process left stands in the way. It opens no window itself.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

const ASK: &str = "window";
const DONE: &str = "done";
/// For a first process that is just being replaced, or is still starting.
const PATIENCE: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(100);

/// The first process's place, for as long as it lives.
pub struct First {
    lock: File,
    listener: Option<UnixListener>,
    socket: PathBuf,
}

pub enum Claim {
    First(First),
    /// Another process has the place.
    Taken(Other),
}

/// The process that came first.
pub struct Other {
    lock: PathBuf,
}

impl First {
    /// Takes the place, or finds it taken. What the process before handed over with `hand_on` is the place already.
    pub fn claim(data_dir: &Path) -> io::Result<Claim> {
        let locks = data_dir.join("locks");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&locks)?;
        let path = locks.join("background.lock");
        let lock = match handed_on(&path)? {
            Some(lock) => lock,
            None => OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?,
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Claim::First(Self::settle(lock, data_dir, &locks)?)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Claim::Taken(Other { lock: path })),
            Err(e) => Err(e.into()),
        }
    }

    fn settle(mut lock: File, data_dir: &Path, locks: &Path) -> io::Result<Self> {
        let socket = socket_path(data_dir, locks);
        // Whoever made it is dead: the lock is ours.
        let _ = fs::remove_file(&socket);
        // Without one (its path may be too long) a later start can only say that this process runs.
        let listener = UnixListener::bind(&socket).ok();
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}\n{}", std::process::id(), socket.display())?;
        Ok(Self {
            lock,
            listener,
            socket,
        })
    }

    /// Calls `open` for each start that wants the window; its answer is told when `open` returns true, else the asker asks again.
    pub fn listen(&self, open: impl Fn() -> bool + Send + 'static) -> io::Result<()> {
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        let listener = listener.try_clone()?;
        let hear = move || {
            for asker in listener.incoming().flatten() {
                // An asker that died or hangs is no reason to stop listening.
                let _ = answer(asker, &open);
            }
        };
        thread::Builder::new()
            .name("later-starts".to_owned())
            .spawn(hear)
            .map(drop)
    }

    /// Puts the lock where the program that replaces this process finds it: at its standard input, the one descriptor that survives by
    /// design. It is never free between the two.
    pub fn hand_on(&self) -> io::Result<()> {
        Ok(rustix::stdio::dup2_stdin(&self.lock)?)
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

impl Other {
    /// Asks it to show its window, and waits until it has.
    pub fn show_window(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.ask() {
                Ok(()) => return Ok(()),
                Err(cause) if Instant::now() > until => return Err(cause),
                Err(_) => thread::sleep(AGAIN),
            }
        }
    }

    /// Its process id, as far as it said so.
    pub fn process(&self) -> Option<String> {
        let text = fs::read_to_string(&self.lock).ok()?;
        text.lines().next().map(str::to_owned)
    }

    fn ask(&self) -> io::Result<()> {
        let text = fs::read_to_string(&self.lock)?;
        let socket = text.lines().nth(1).unwrap_or_default();
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        writeln!(stream, "{ASK}")?;
        let mut said = String::new();
        BufReader::new(stream).read_line(&mut said)?;
        if said.trim_end() == DONE {
            Ok(())
        } else {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

fn answer(mut asker: UnixStream, open: &impl Fn() -> bool) -> io::Result<()> {
    asker.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut asked = String::new();
    let line = asker.try_clone()?.take(64);
    BufReader::new(line).read_line(&mut asked)?;
    if asked.trim_end() == ASK && open() {
        writeln!(asker, "{DONE}")?;
    }
    Ok(())
}

/// The lock at standard input, taken from there: what comes later finds nothing at it. None where this is no replacement.
fn handed_on(path: &Path) -> io::Result<Option<File>> {
    let (Ok(found), Ok(wanted)) = (rustix::fs::fstat(io::stdin()), fs::metadata(path)) else {
        return Ok(None);
    };
    if (found.st_dev, found.st_ino) != (wanted.dev(), wanted.ino()) {
        return Ok(None);
    }
    let lock = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(Some(lock))
}

/// In the session's own folder where there is one, named after the data folder.
fn socket_path(data_dir: &Path, locks: &Path) -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|dir| dir.is_absolute() && dir.is_dir()) {
        Some(dir) => {
            let named = data_dir.canonicalize().unwrap_or(data_dir.to_owned());
            let digest = hex::encode(Sha256::digest(named.as_os_str().as_encoded_bytes()));
            dir.join(format!("holdfast-{}.sock", &digest[..16]))
        }
        None => locks.join("background.sock"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn first(dir: &Path) -> First {
        match First::claim(dir).unwrap() {
            Claim::First(first) => first,
            Claim::Taken(_) => panic!("it is taken"),
        }
    }

    fn taken(dir: &Path) -> Other {
        match First::claim(dir).unwrap() {
            Claim::First(_) => panic!("it was free"),
            Claim::Taken(other) => other,
        }
    }

    #[test]
    fn a_later_start_finds_the_place_taken_and_has_the_window_shown() {
        let dir = tempfile::tempdir().unwrap();
        let holder = first(dir.path());
        let shown = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&shown);
        // Not at the first question: a process that is just being replaced answers none.
        let open = move || count.fetch_add(1, Ordering::SeqCst) > 0;
        holder.listen(open).unwrap();
        let other = taken(dir.path());
        assert_eq!(other.process(), Some(std::process::id().to_string()));
        other.show_window().unwrap();
        assert_eq!(shown.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_a_killed_process_left_stands_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let holder = first(dir.path());
        let socket = holder.socket.clone();
        // As a kill does: the lock is free, the socket's file stays.
        drop(holder);
        drop(UnixListener::bind(&socket).unwrap());
        assert!(UnixStream::connect(&socket).is_err());
        let next = first(dir.path());
        next.listen(|| true).unwrap();
        taken(dir.path()).show_window().unwrap();
    }

    #[test]
    fn every_data_folder_has_a_place_of_its_own() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_a, _b) = (first(a.path()), first(b.path()));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error() {
        assert!(First::claim(Path::new("/proc/holdfast")).is_err());
    }
}
