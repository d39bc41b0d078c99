//! The cases themselves: each tries one promise and says what it saw.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::bench::{Bench, Sample};
use super::{Failure, Verdict};
use crate::destination::{Call, DestinationError, ErrorKind, Key};
use crate::model::Cancel;

/// Of a type that sends archives in parts, more than one part: such a type holds itself to it.
pub(in crate::destination) const LARGE: usize = 9 << 20;
const SMALL: usize = 100_003;
/// A clock that differs by more tells wrong ages of interrupted writes.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn reach(bench: &mut Bench<'_>) -> Verdict {
    bench.listed(Key::CONTRACT_FOLDER)?;
    if bench.destination.capabilities().in_clear {
        return Ok("it answers; what is sent, the password too, can be read on the way".to_owned());
    }
    Ok("it answers".to_owned())
}

pub(super) fn write(bench: &mut Bench<'_>) -> Verdict {
    let key = bench.key()?;
    let sample = Sample::new(LARGE)?;
    let started = Instant::now();
    let stored = bench.put(&key, &sample)?;
    let up = rate(started.elapsed());
    let started = Instant::now();
    if bench.read(&key, None)? != sample.bytes {
        return Err("other bytes were read than were written".into());
    }
    let down = rate(started.elapsed());
    let how = format!("{:?}", stored.verification).to_lowercase();
    let mib = LARGE >> 20;
    Ok(format!("{mib} MiB {how}; writing {up}, reading {down}"))
}

/// Empty objects and single bytes are what some servers lose.
pub(super) fn sizes(bench: &mut Bench<'_>) -> Verdict {
    for length in [0, 1, SMALL] {
        let (key, sample) = bench.stored(length)?;
        if bench.read(&key, None)? != sample.bytes {
            return Err(format!("an archive of {length} bytes came back as another").into());
        }
    }
    Ok("small and empty archives come back as they were".to_owned())
}

pub(super) fn ranges(bench: &mut Bench<'_>) -> Verdict {
    let (key, sample) = bench.stored(SMALL)?;
    let end = SMALL as u64;
    for range in [0..1, 0..end, 4096..9000, end - 1..end, end..end, 7..7] {
        let wanted = &sample.bytes[usize::try_from(range.start).unwrap_or(SMALL)
            ..usize::try_from(range.end).unwrap_or(SMALL)];
        if bench.read(&key, Some(range.clone()))? != wanted {
            return Err(
                format!("bytes {} to {} came back as others", range.start, range.end).into(),
            );
        }
    }
    if bench.read(&key, Some(end - 10..end + 1)).is_ok() {
        return Err("a range past the end was no error".into());
    }
    Ok("any part can be read alone".to_owned())
}

pub(super) fn listing(bench: &mut Bench<'_>) -> Verdict {
    let (key, _sample) = bench.stored(SMALL)?;
    for prefix in [bench.folder().to_owned(), Key::CONTRACT_FOLDER.to_owned()] {
        let found = bench.listed(&prefix)?;
        let times = found.iter().filter(|listed| listed.key == key).count();
        if times != 1 {
            return Err(format!("an archive is listed {times} times below `{prefix}`").into());
        }
        if !found
            .iter()
            .any(|listed| listed.key == key && listed.size == SMALL as u64)
        {
            return Err("an archive is listed with another size".into());
        }
    }
    // The user's own list must not fill with what the contract writes.
    let seen = bench.listed("")?;
    if seen
        .iter()
        .any(|listed| listed.key.as_str().starts_with(Key::CONTRACT_FOLDER))
    {
        return Err("the test's archives are shown among the others".into());
    }
    Ok("an archive is listed once, with its size".to_owned())
}

pub(super) fn create_only(bench: &mut Bench<'_>) -> Verdict {
    let (key, sample) = bench.stored(SMALL)?;
    let refused = bench.put(&key, &Sample::new(SMALL + 1)?);
    expect(refused, ErrorKind::Exists, "a second archive of one name")?;
    if bench.read(&key, None)? != sample.bytes {
        return Err("an archive was overwritten".into());
    }
    if bench.destination.capabilities().atomic_create {
        Ok("nothing is ever overwritten".to_owned())
    } else {
        Ok("nothing is overwritten, but for two writers at the same instant".to_owned())
    }
}

pub(super) fn staging(bench: &mut Bench<'_>) -> Verdict {
    let key = bench.key()?;
    let Some(path) = bench.destination.staging(&key)? else {
        return Ok("archives are sent there".to_owned());
    };
    let sample = Sample::in_place(&path, SMALL)?;
    if !bench.gone(&key)? || bench.listed(bench.folder())?.iter().any(|l| l.key == key) {
        return Err("an archive is visible before it is complete".into());
    }
    bench.put(&key, &sample)?;
    if path.exists() || bench.read(&key, None)? != sample.bytes {
        return Err("an archive written in place was not published as it was".into());
    }
    Ok("archives are written in place".to_owned())
}

pub(super) fn changed_body(bench: &mut Bench<'_>) -> Verdict {
    let key = bench.key()?;
    let mut sample = Sample::new(SMALL)?;
    sample.body.sha256 = "0".repeat(64);
    if bench.put(&key, &sample).is_ok() {
        return Err("bytes that do not match their digest were stored".into());
    }
    let mut sample = Sample::new(SMALL)?;
    sample.body.length += 1;
    if bench.put(&key, &sample).is_ok() {
        return Err("an archive that is too short was stored".into());
    }
    if !bench.gone(&key)? {
        return Err("a failed write left an archive".into());
    }
    Ok("bytes that changed on the way are refused".to_owned())
}

pub(super) fn cancelled_write(bench: &mut Bench<'_>) -> Verdict {
    let key = bench.key()?;
    let cancel = Cancel::new();
    cancel.cancel();
    let call = Call {
        cancel: &cancel,
        ..*bench.call
    };
    let sample = Sample::new(SMALL)?;
    let stopped = bench.destination.put(&key, &sample.body, &call);
    expect(stopped, ErrorKind::Cancelled, "a cancelled write")?;
    if !bench.gone(&key)? {
        return Err("a cancelled write left an archive".into());
    }
    Ok("a cancelled write leaves nothing".to_owned())
}

pub(super) fn missing(bench: &mut Bench<'_>) -> Verdict {
    let key = bench.key()?;
    if !bench.gone(&key)? {
        return Err("an archive is there that nobody wrote".into());
    }
    let absent = bench.destination.get(&key, None, bench.call).map(drop);
    expect(absent, ErrorKind::Missing, "reading what is not there")?;
    bench.destination.delete(&key, bench.call).map_err(|e| {
        Failure::from(e).told_as(|e| format!("deleting what is not there failed: {e}"))
    })?;
    Ok("what is missing is told from what failed".to_owned())
}

pub(super) fn delete(bench: &mut Bench<'_>) -> Verdict {
    let (key, _sample) = bench.stored(SMALL)?;
    let deleted = bench.destination.delete(&key, bench.call);
    deleted?;
    if !bench.gone(&key)? || bench.listed(bench.folder())?.iter().any(|l| l.key == key) {
        return Err("an archive is still there after it was deleted".into());
    }
    Ok("archives can be deleted".to_owned())
}

pub(super) fn clock(bench: &mut Bench<'_>) -> Verdict {
    let (key, _sample) = bench.stored(1)?;
    let now = Timestamp::now();
    let stat = bench.destination.stat(&key, bench.call)?;
    let Some(found) = stat else {
        return Err("an archive was not found right after it was written".into());
    };
    let Some(modified) = found.modified else {
        return Ok("it tells no times".to_owned());
    };
    let skew = now.duration_since(modified).abs();
    if skew > SKEW {
        return Err(format!("its clock differs by {} s", skew.as_secs()).into());
    }
    Ok(format!(
        "its clock differs by less than {} s",
        skew.as_secs() + 1
    ))
}

pub(super) fn free_space(bench: &mut Bench<'_>) -> Verdict {
    match bench.destination.free_space(bench.call) {
        Ok(Some(0)) => Err("nothing is free".into()),
        Ok(Some(bytes)) => Ok(format!("{bytes} bytes are free")),
        Ok(None) if bench.destination.capabilities().free_space => {
            Err("it does not tell its free space".into())
        }
        Ok(None) => Ok("it does not tell its free space".to_owned()),
        Err(e) => Err(e.into()),
    }
}

/// Last: what is there after everything was deleted has been left.
pub(super) fn nothing_left(bench: &mut Bench<'_>) -> Verdict {
    bench.forget_all()?;
    let left = bench.listed(bench.folder())?.len();
    if left > 0 {
        return Err(format!("{left} archives cannot be deleted").into());
    }
    let swept = bench.destination.sweep(Duration::MAX, bench.call);
    match swept? {
        0 => Ok("nothing is left there".to_owned()),
        swept => Err(format!("{swept} writes that were not old were swept away").into()),
    }
}

fn expect<T>(
    result: Result<T, DestinationError>,
    kind: ErrorKind,
    what: &str,
) -> Result<(), Failure> {
    match result {
        Ok(_) => Err(format!("{what} was no error").into()),
        Err(e) if e.kind == kind => Ok(()),
        Err(e) => {
            Err(Failure::from(e).told_as(|e| format!("{what} failed as `{e}`, not as `{kind}`")))
        }
    }
}

fn rate(took: Duration) -> String {
    let milliseconds = took.as_millis().max(1);
    format!("{} MiB/s", (LARGE as u128 * 1000 / milliseconds) >> 20)
}
