//! The sample's rows, from a generator with a fixed start: the same size gives the same rows.

use std::collections::HashSet;
use std::fmt::Write;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rusqlite::{Connection, Statement, params};

use super::SampleSize;
use super::text::{ACTIONS, COMMANDS, FIRST_NAMES, GROUPS, LAST_NAMES};

/// Rows a transaction.
const BATCH: u32 = 50_000;

const MADE_AT: &str = "2026-01-01T00:00:00+00:00";
/// The rows' times fill as many days.
const DAYS: u64 = 90;

/// splitmix64: small, quick, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        let below = self.next() % u64::from(limit.max(1));
        u32::try_from(below).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.next() % (from.len() as u64).max(1);
        usize::try_from(at).map_or("", |at| from[at])
    }
}

/// Times that rise evenly over `DAYS`, as text, without asking a calendar for each.
struct Clock {
    first: Date,
    rows: u32,
    day: u64,
    date: String,
    pub text: String,
}

impl Clock {
    fn new(rows: u32) -> Self {
        let first = date(2026, 1, 1);
        Self {
            first,
            rows: rows.max(1),
            day: 0,
            date: first.to_string(),
            text: String::new(),
        }
    }

    /// The time of row `n`; tells whether a new day began.
    fn set(&mut self, n: u32) -> bool {
        let second = u64::from(n) * (DAYS * 86_400) / u64::from(self.rows);
        let day = second / 86_400;
        let new = day != self.day;
        if new {
            self.day = day;
            // `day` is below 90 by construction.
            let days = i64::try_from(day).unwrap_or(0).days();
            self.date = self.first.saturating_add(days).to_string();
        }
        let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
        self.text.clear();
        // Writing to a String does not fail.
        let _ = write!(
            self.text,
            "{}T{hour:02}:{minute:02}:{second:02}+00:00",
            self.date
        );
        new
    }
}

fn batches(
    connection: &mut Connection,
    rows: u32,
    sql: &str,
    each: &mut dyn FnMut(u32, &mut Statement<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut start = 0;
    while start < rows {
        let end = rows.min(start + BATCH);
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(sql)?;
            for n in start..end {
                each(n, &mut insert)?;
            }
        }
        transaction.commit()?;
        start = end;
    }
    Ok(())
}

pub(super) fn user_name(n: u32) -> String {
    let at = |n: u32| usize::try_from(n % 16).unwrap_or(0);
    let (first, last) = (FIRST_NAMES[at(n)], LAST_NAMES[at(n / 16)]);
    match n / 256 {
        0 => format!("{first}.{last}"),
        more => format!("{first}.{last}{more}"),
    }
}

fn command(random: &mut Random) -> String {
    let words = random.pick(&COMMANDS);
    if words.ends_with([' ', '/', '.']) {
        format!("{words}{}", random.below(48))
    } else {
        words.to_owned()
    }
}

pub(super) fn accounting(connection: &mut Connection, size: SampleSize) -> rusqlite::Result<()> {
    let mut random = Random::new(1);
    let mut clock = Clock::new(size.accounting);
    let names: Vec<String> = (0..size.users).map(user_name).collect();
    let mut seen: HashSet<usize> = HashSet::new();
    let mut days: Vec<(String, u32)> = Vec::new();
    let mut first_seen: Vec<(usize, usize, String)> = Vec::new();
    let sql = "INSERT INTO accounting_logs
        (timestamp, username, session_id, status, service, command, client_ip, port, start_time, stop_time, bytes_in, bytes_out,
         elapsed_time, privilege_level, authentication_method, nas_port, nas_port_type, task_id, timezone, attributes, is_recent)
        VALUES (?, ?, ?, ?, 'shell', ?, ?, ?, ?, ?, ?, ?, ?, ?, 'tacacs+', ?, 'virtual', ?, 'UTC', ?, ?)";
    batches(connection, size.accounting, sql, &mut |n, insert| {
        if clock.set(n) || n == 0 {
            seen.clear();
            days.push((clock.date.clone(), 0));
        }
        let at = usize::try_from(random.below(size.users)).unwrap_or(0);
        let user = names.get(at).map_or("nobody", String::as_str);
        if let Some(day) = days.last_mut() {
            day.1 += 1;
        }
        if seen.insert(at) {
            first_seen.push((days.len() - 1, at, clock.text.clone()));
        }
        let command = command(&mut random);
        let privilege = if random.below(3) == 0 { 1 } else { 15 };
        let (port, started) = (random.below(16), 1_767_225_600 + n);
        let elapsed = random.below(900);
        let attributes = format!("{{\"priv-lvl\": \"{privilege}\", \"task_id\": \"{n}\"}}");
        // Start, update and stop of a session share its id, which looks like chance as a real one does.
        let session = Random::new(u64::from(n / 3)).next() >> 24;
        insert.execute(params![
            clock.text,
            user,
            format!("{session:010x}"),
            ["start", "update", "stop"][usize::try_from(n % 3).unwrap_or(0)],
            command,
            format!(
                "10.{}.{}.{}",
                random.below(4),
                random.below(32),
                random.below(250)
            ),
            format!("tty{port}"),
            started,
            started + elapsed,
            random.below(100_000),
            random.below(1_000_000),
            elapsed,
            privilege,
            port,
            n.to_string(),
            attributes,
            // As the server does: only the newest stay in the partial index.
            u8::from(n + 10_000 >= size.accounting),
        ])?;
        Ok(())
    })?;
    let transaction = connection.transaction()?;
    for (date, rows) in &days {
        transaction.execute(
            "INSERT INTO mv_daily_totals VALUES (?, ?)",
            params![date, rows],
        )?;
    }
    for (day, at, time) in &first_seen {
        let name = names.get(*at).map_or("nobody", String::as_str);
        let row = params![days[*day].0, name, time];
        transaction
            .prepare_cached("INSERT INTO mv_daily_unique_users VALUES (?, ?, ?)")?
            .execute(row)?;
    }
    let open = "INSERT INTO active_sessions
        SELECT session_id, username, client_ip, timestamp, timestamp, service, port, privilege_level, bytes_in, bytes_out
        FROM accounting_logs WHERE status = 'start' ORDER BY id DESC LIMIT 1000";
    transaction.execute(open, [])?;
    transaction.commit()
}

pub(super) fn audit(connection: &mut Connection, size: SampleSize) -> rusqlite::Result<()> {
    let mut random = Random::new(2);
    let mut clock = Clock::new(size.audit);
    let sql = "INSERT INTO audit_log
        (timestamp, user_id, action, resource_type, resource_id, details, client_ip, success, error_message)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    batches(connection, size.audit, sql, &mut |n, insert| {
        clock.set(n);
        let action = random.pick(&ACTIONS);
        let resource = action.split('.').next().unwrap_or(action);
        let failed = random.below(20) == 0;
        let details = format!(
            "{{\"before\": \"{}\", \"after\": \"{}\", \"request\": \"{:08x}\"}}",
            random.pick(&GROUPS),
            random.pick(&GROUPS),
            random.next() >> 32,
        );
        insert.execute(params![
            clock.text,
            user_name(random.below(size.users)),
            action,
            resource,
            random.below(size.devices).to_string(),
            details,
            format!("192.0.2.{}", random.below(250)),
            u8::from(!failed),
            failed.then_some("permission denied"),
        ])?;
        Ok(())
    })
}

pub(super) fn metrics(connection: &mut Connection, size: SampleSize) -> rusqlite::Result<()> {
    let mut random = Random::new(3);
    let mut clock = Clock::new(size.metrics);
    let sql = "INSERT INTO metrics_snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (mut requests, mut failures) = (0, 0);
    batches(connection, size.metrics, sql, &mut |n, insert| {
        clock.set(n);
        requests += random.below(40);
        failures += random.below(2);
        let success = requests.saturating_sub(failures);
        // In hundredths, so that the numbers are the same on every machine.
        let memory = 120.0 + f64::from(random.below(4000)) / 100.0;
        let cpu = f64::from(random.below(10_000)) / 100.0;
        insert.execute(params![
            clock.text,
            requests,
            success,
            failures,
            requests * 2,
            success * 2,
            failures * 2,
            requests * 3,
            success * 3,
            failures * 3,
            random.below(64),
            requests + n,
            memory,
            cpu,
        ])?;
        Ok(())
    })
}

pub(super) fn devices(connection: &mut Connection, size: SampleSize) -> rusqlite::Result<()> {
    let mut random = Random::new(4);
    connection.execute(
        "INSERT INTO realms (name, description, created_at, updated_at) VALUES ('default', 'everything', ?1, ?1)",
        [MADE_AT],
    )?;
    for n in 1..=2 {
        connection.execute(
            "INSERT INTO proxies (name, network, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
            params![format!("proxy-{n}"), format!("192.0.2.{n}/32"), MADE_AT],
        )?;
    }
    for name in GROUPS {
        connection.execute(
            "INSERT INTO device_groups (name, description, realm_id, proxy_id, tacacs_profile, metadata, created_at, updated_at)
             VALUES (?1, ?2, 1, 1, ?3, '{}', ?4, ?4)",
            params![
                name,
                format!("all {name} devices"),
                format!("{{\"secret\": \"made-up-{name}\"}}"),
                MADE_AT
            ],
        )?;
    }
    let sql = "INSERT INTO devices
        (name, network, network_start_int, network_end_int, tacacs_secret, radius_secret, metadata, group_id, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?8)";
    batches(connection, size.devices, sql, &mut |n, insert| {
        let address = (10u32 << 24) + n;
        let group = 1 + n % 6;
        insert.execute(params![
            format!("sw-{n:05}"),
            format!("10.{}.{}.{}/32", n >> 16 & 255, n >> 8 & 255, n & 255),
            address,
            format!("made-up-{:016x}", random.next()),
            format!("made-up-{:016x}", random.next()),
            format!("{{\"rack\": \"{}\", \"site\": \"{}\"}}", n % 40, n % 7),
            group,
            MADE_AT,
        ])?;
        Ok(())
    })
}

pub(super) fn users(connection: &mut Connection, size: SampleSize) -> rusqlite::Result<()> {
    let mut random = Random::new(5);
    for name in GROUPS {
        connection.execute(
            "INSERT INTO local_user_groups (name, description, metadata, created_at, updated_at) VALUES (?1, ?2, '{}', ?3, ?3)",
            params![name, format!("may manage {name}"), MADE_AT],
        )?;
    }
    let sql = "INSERT INTO local_users
        (username, password_hash, privilege_level, service, groups, enabled, description, created_at, updated_at)
        VALUES (?1, ?2, ?3, 'shell', ?4, ?5, ?6, ?7, ?7)";
    batches(connection, size.users, sql, &mut |n, insert| {
        insert.execute(params![
            user_name(n),
            format!(
                "$2b$12$made.up.{:016x}{:016x}",
                random.next(),
                random.next()
            ),
            if n % 5 == 0 { 15 } else { 1 },
            format!("[\"{}\"]", random.pick(&GROUPS)),
            u8::from(n % 20 != 19),
            format!("sample user {n}"),
            MADE_AT,
        ])?;
        Ok(())
    })
}

pub(super) fn overrides(connection: &mut Connection, _size: SampleSize) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let active = [
        ("server", "log_level", "WARNING", "string"),
        ("security", "max_auth_attempts", "5", "integer"),
        ("server", "tcp_keepalive", "1", "boolean"),
    ];
    for (section, key, value, kind) in active {
        transaction.execute(
            "INSERT INTO config_overrides (section, key, value, value_type, created_at, created_by) VALUES (?, ?, ?, ?, ?, 'admin')",
            params![section, key, value, kind, MADE_AT],
        )?;
    }
    for n in 0..13 {
        let (section, key, value, kind) = active[n % active.len()];
        transaction.execute(
            "INSERT INTO config_history
                (section, key, old_value, new_value, value_type, changed_at, changed_by, change_reason, source_ip, config_hash)
             VALUES (?, ?, '', ?, ?, ?, 'admin', 'sample', '192.0.2.1', ?)",
            params![section, key, value, kind, MADE_AT, format!("{n:064x}")],
        )?;
    }
    for n in 1..=7 {
        transaction.execute(
            "INSERT INTO config_versions (version_number, config_json, config_hash, created_at, created_by, description, is_baseline)
             VALUES (?, '{\"server\": {\"port\": \"49\"}}', ?, ?, 'admin', ?, ?)",
            params![n, format!("{n:064x}"), MADE_AT, format!("version {n}"), u8::from(n == 1)],
        )?;
    }
    transaction.execute(
        "INSERT INTO system_metadata VALUES ('instance_id', '5a3c0de1', ?)",
        [MADE_AT],
    )?;
    transaction.commit()
}
