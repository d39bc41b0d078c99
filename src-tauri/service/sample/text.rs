//! The sample's words: a configuration, a log, and what people type into routers. Nothing in it is anybody's secret.

pub(super) const CONFIG: &str = "\
# Made by `holdfast demo`. Every secret in it is made up.
[server]
host = 0.0.0.0
port = 49
log_level = INFO
max_connections = 256

[auth]
backends = local, ldap
local_auth_db = data/local_auth.db

[ldap]
server = ldaps://ldap.example.net
base_dn = ou=people,dc=example,dc=net
bind_dn = cn=tacacs,ou=services,dc=example,dc=net
bind_password = made-up-ldap-password

[database]
accounting_db = data/tacacs_accounting.db
metrics_history_db = data/metrics_history.db
audit_trail_db = data/audit_trail.db
cleanup_days = 365

[devices]
database = data/devices.db
default_group = edge

[radius_auth]
radius_server = 192.0.2.7
radius_secret = made-up-radius-secret

[security]
max_auth_attempts = 3
allowed_clients =
    192.0.2.0/24
    198.51.100.0/24

[logging]
log_file = logs/tacacs.log
";

pub(super) const LOG: &str = "\
2026-01-01 00:00:00,000 INFO tacacs_server: configuration loaded from config/tacacs.conf
2026-01-01 00:00:00,412 INFO tacacs_server: listening on 0.0.0.0:49
";

pub(super) const GROUPS: [&str; 6] = [
    "edge",
    "core",
    "datacentre",
    "branch",
    "wireless",
    "firewalls",
];

pub(super) const FIRST_NAMES: [&str; 16] = [
    "anna", "ben", "carla", "deniz", "elif", "farid", "greta", "hugo", "ines", "jonas", "katja",
    "lars", "mina", "noah", "olga", "paul",
];

pub(super) const LAST_NAMES: [&str; 16] = [
    "adler", "berg", "conrad", "dietz", "engel", "frank", "graf", "hoffmann", "iversen", "jung",
    "keller", "lorenz", "moser", "neumann", "otto", "peters",
];

pub(super) const COMMANDS: [&str; 24] = [
    "show running-config",
    "show ip interface brief",
    "show interfaces status",
    "show version",
    "show ip bgp summary",
    "show ip ospf neighbor",
    "show logging",
    "show mac address-table",
    "show spanning-tree",
    "show inventory",
    "configure terminal",
    "interface GigabitEthernet1/0/",
    "interface TenGigabitEthernet2/1/",
    "switchport access vlan ",
    "description uplink to rack ",
    "no shutdown",
    "shutdown",
    "ip address 10.20.30.",
    "write memory",
    "copy running-config startup-config",
    "ping 10.1.1.",
    "traceroute 10.9.8.",
    "clear counters",
    "exit",
];

pub(super) const ACTIONS: [&str; 8] = [
    "login",
    "logout",
    "device.create",
    "device.update",
    "user.update",
    "user.disable",
    "config.change",
    "report.view",
];
