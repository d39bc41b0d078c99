//! The sample's databases: tables with the columns of the real server's, indexes and triggers apart, because they come after the rows.

use rusqlite::Connection;

use super::{SampleSize, rows};

pub(super) struct Database {
    pub file: &'static str,
    pub journal_mode: &'static str,
    pub tables: &'static str,
    pub indexes: &'static str,
    pub fill: fn(&mut Connection, SampleSize) -> rusqlite::Result<()>,
}

pub(super) const DATABASES: &[Database] = &[
    Database {
        file: "audit_trail.db",
        journal_mode: "delete",
        tables: "
            CREATE TABLE audit_log (
                id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, user_id TEXT, action TEXT NOT NULL,
                resource_type TEXT, resource_id TEXT, details TEXT, client_ip TEXT, success INTEGER, error_message TEXT);",
        indexes: "
            CREATE INDEX idx_timestamp ON audit_log (timestamp);
            CREATE INDEX idx_user_id ON audit_log (user_id);
            CREATE INDEX idx_action ON audit_log (action);",
        fill: rows::audit,
    },
    Database {
        file: "config_overrides.db",
        journal_mode: "delete",
        tables: "
            CREATE TABLE config_overrides (
                id INTEGER PRIMARY KEY, section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, value_type TEXT,
                created_at TEXT NOT NULL, created_by TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1);
            CREATE TABLE config_history (
                id INTEGER PRIMARY KEY, section TEXT NOT NULL, key TEXT NOT NULL, old_value TEXT, new_value TEXT, value_type TEXT,
                changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, change_reason TEXT, source_ip TEXT, config_hash TEXT NOT NULL);
            CREATE TABLE config_versions (
                id INTEGER PRIMARY KEY, version_number INTEGER NOT NULL UNIQUE, config_json TEXT NOT NULL, config_hash TEXT NOT NULL,
                created_at TEXT NOT NULL, created_by TEXT NOT NULL, description TEXT, is_baseline INTEGER NOT NULL DEFAULT 0);
            CREATE TABLE system_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT NOT NULL);",
        indexes: "
            CREATE UNIQUE INDEX ux_config_overrides_active ON config_overrides (section, key) WHERE active = 1;
            CREATE INDEX ix_config_history_changed_at ON config_history (changed_at);",
        fill: rows::overrides,
    },
    Database {
        file: "devices.db",
        journal_mode: "wal",
        tables: "
            CREATE TABLE realms (
                id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT, created_at TEXT, updated_at TEXT);
            CREATE TABLE proxies (
                id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, network TEXT NOT NULL, metadata TEXT, created_at TEXT,
                updated_at TEXT);
            CREATE TABLE device_groups (
                id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT,
                realm_id INTEGER REFERENCES realms (id), proxy_network TEXT, proxy_id INTEGER REFERENCES proxies (id),
                tacacs_profile TEXT, radius_profile TEXT, metadata TEXT, created_at TEXT, updated_at TEXT);
            CREATE TABLE devices (
                id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, network TEXT NOT NULL, network_start_int INTEGER,
                network_end_int INTEGER, tacacs_secret TEXT, radius_secret TEXT, metadata TEXT,
                group_id INTEGER REFERENCES device_groups (id), created_at TEXT, updated_at TEXT, UNIQUE (name, network));
            CREATE TABLE schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT, info TEXT);",
        indexes: "
            CREATE INDEX idx_devices_group ON devices (group_id);
            CREATE INDEX idx_devices_net_range_int ON devices (network_start_int, network_end_int);
            CREATE INDEX idx_groups_name ON device_groups (name);
            CREATE INDEX idx_groups_proxy_id ON device_groups (proxy_id);
            CREATE INDEX idx_proxies_network ON proxies (network);",
        fill: rows::devices,
    },
    Database {
        file: "local_auth.db",
        journal_mode: "wal",
        tables: "
            CREATE TABLE local_users (
                id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL UNIQUE, password TEXT, password_hash TEXT,
                privilege_level INTEGER NOT NULL DEFAULT 1, service TEXT, groups TEXT, enabled INTEGER NOT NULL DEFAULT 1,
                description TEXT, created_at TEXT, updated_at TEXT);
            CREATE TABLE local_user_groups (
                id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT, metadata TEXT, ldap_group TEXT,
                okta_group TEXT, radius_group TEXT, created_at TEXT, updated_at TEXT);",
        indexes: "",
        fill: rows::users,
    },
    Database {
        file: "metrics_history.db",
        journal_mode: "delete",
        tables: "
            CREATE TABLE metrics_snapshots (
                timestamp TEXT NOT NULL, auth_requests INTEGER, auth_success INTEGER, auth_failures INTEGER, author_requests INTEGER,
                author_success INTEGER, author_failures INTEGER, acct_requests INTEGER, acct_success INTEGER, acct_failures INTEGER,
                connections_active INTEGER, connections_total INTEGER, memory_usage_mb REAL, cpu_percent REAL);",
        indexes: "CREATE INDEX idx_timestamp ON metrics_snapshots (timestamp);",
        fill: rows::metrics,
    },
    Database {
        file: "tacacs_accounting.db",
        journal_mode: "wal",
        tables: "
            CREATE TABLE accounting (
                id INTEGER PRIMARY KEY, session_id TEXT, username TEXT, acct_type TEXT, start_time TEXT, stop_time TEXT, bytes_in INTEGER,
                bytes_out INTEGER, attributes TEXT, created_at TEXT);
            CREATE TABLE accounting_logs (
                id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, username TEXT NOT NULL, session_id TEXT NOT NULL,
                status TEXT NOT NULL, service TEXT, command TEXT, client_ip TEXT, port TEXT, start_time INTEGER, stop_time INTEGER,
                bytes_in INTEGER, bytes_out INTEGER, elapsed_time INTEGER, privilege_level INTEGER, authentication_method TEXT,
                nas_port TEXT, nas_port_type TEXT, task_id TEXT, timezone TEXT, attributes TEXT, is_recent INTEGER DEFAULT 1);
            CREATE TABLE active_sessions (
                session_id TEXT PRIMARY KEY, username TEXT, client_ip TEXT, start_time TEXT, last_update TEXT, service TEXT, port TEXT,
                privilege_level INTEGER, bytes_in INTEGER, bytes_out INTEGER);
            CREATE TABLE mv_daily_totals (stat_date TEXT PRIMARY KEY, total_records INTEGER NOT NULL);
            CREATE TABLE mv_daily_unique_users (
                stat_date TEXT NOT NULL, username TEXT NOT NULL, first_seen_ts TEXT, PRIMARY KEY (stat_date, username)) WITHOUT ROWID;",
        indexes: "
            CREATE INDEX idx_accounting_session_id ON accounting (session_id);
            CREATE INDEX idx_accounting_username ON accounting (username);
            CREATE INDEX idx_active_sessions_last_update ON active_sessions (last_update);
            CREATE INDEX idx_active_sessions_username ON active_sessions (username);
            CREATE INDEX idx_recent_logs ON accounting_logs (timestamp) WHERE is_recent = 1;
            CREATE INDEX idx_session_id ON accounting_logs (session_id);
            CREATE INDEX idx_user_timestamp ON accounting_logs (username, timestamp);
            CREATE VIEW mv_daily_stats AS
                SELECT t.stat_date, t.total_records,
                       (SELECT count(*) FROM mv_daily_unique_users u WHERE u.stat_date = t.stat_date) AS unique_users
                FROM mv_daily_totals t;
            CREATE TRIGGER trg_accounting_logs_insert_totals AFTER INSERT ON accounting_logs BEGIN
                INSERT INTO mv_daily_totals VALUES (substr(new.timestamp, 1, 10), 1)
                    ON CONFLICT (stat_date) DO UPDATE SET total_records = total_records + 1;
                INSERT OR IGNORE INTO mv_daily_unique_users VALUES (substr(new.timestamp, 1, 10), new.username, new.timestamp);
            END;
            CREATE TRIGGER trg_accounting_logs_delete_totals AFTER DELETE ON accounting_logs BEGIN
                UPDATE mv_daily_totals SET total_records = total_records - 1 WHERE stat_date = substr(old.timestamp, 1, 10);
            END;
            CREATE TRIGGER trg_accounting_logs_update_date AFTER UPDATE OF timestamp ON accounting_logs BEGIN
                UPDATE mv_daily_totals SET total_records = total_records - 1 WHERE stat_date = substr(old.timestamp, 1, 10);
                INSERT INTO mv_daily_totals VALUES (substr(new.timestamp, 1, 10), 1)
                    ON CONFLICT (stat_date) DO UPDATE SET total_records = total_records + 1;
            END;
            CREATE TRIGGER trg_accounting_logs_update_username AFTER UPDATE OF username ON accounting_logs BEGIN
                INSERT OR IGNORE INTO mv_daily_unique_users VALUES (substr(new.timestamp, 1, 10), new.username, new.timestamp);
            END;",
        fill: rows::accounting,
    },
];
