//! What `examine` says of copies: counts, schema, damage, and what it cannot tell.

use std::time::Duration;

use holdfast::model::manifest::{CheckResult, DatabaseFacts};
use holdfast::model::{Cancel, CheckLevel, Warning};
use holdfast::source::database::{CaptureError, examine};

use crate::support::sqlite_fixture::{digest, folder, make, names_in};
use crate::support::writer::python;

fn look(script: &str, level: CheckLevel) -> (DatabaseFacts, Vec<Warning>) {
    let dir = folder();
    let path = dir.path().join("a.db");
    python(
        &format!("d = sqlite3.connect(sys.argv[1])\n{script}\nd.commit()"),
        &path,
    );
    let before = digest(&path);
    let seen = examine(&path, level, &Cancel::new()).expect("facts");
    assert_eq!(digest(&path), before);
    assert_eq!(names_in(dir.path()), ["a.db"]);
    seen
}

#[test]
fn every_table_is_counted_by_its_name() {
    let (facts, warnings) = look(
        r#"d.executescript('''CREATE TABLE "odd ""name"""(x); CREATE TABLE empty(x); CREATE VIEW v AS SELECT 1;
           CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('one'), ('two')''')
d.executemany('INSERT INTO "odd ""name""" VALUES (?)', [(i,) for i in range(37)])"#,
        CheckLevel::Full,
    );
    assert_eq!(warnings, []);
    assert_eq!(facts.check, CheckResult::Ok);
    assert_eq!(facts.tables["odd \"name\""], Some(37));
    assert_eq!(facts.tables["empty"], Some(0));
    assert_eq!(facts.tables["words"], Some(2));
    assert!(!facts.tables.contains_key("v"));
    assert_eq!(facts.records, facts.tables.values().flatten().sum::<u64>());
}

#[test]
fn what_needs_the_application_is_not_checkable_and_not_damaged() {
    let collation = "d.create_collation('mine', lambda a, b: (a > b) - (a < b))
d.executescript('CREATE TABLE t(x TEXT COLLATE mine); CREATE INDEX i ON t(x)')
d.executemany('INSERT INTO t VALUES (?)', [('a',), ('b',)])";
    let function = "d.create_function('mine', 1, lambda a: a, deterministic=True)
d.executescript('CREATE TABLE t(x); CREATE INDEX i ON t(mine(x))')
d.executemany('INSERT INTO t VALUES (?)', [('a',), ('b',)])";
    for (script, level) in [
        (collation, CheckLevel::Quick),
        (collation, CheckLevel::Full),
        (function, CheckLevel::Full),
    ] {
        let (facts, warnings) = look(script, level);
        assert_eq!(facts.check, CheckResult::NotCheckable, "{script}");
        assert_eq!(warnings[0].code, "not_checkable");
        assert_eq!(facts.tables["t"], Some(2), "{script}");
    }
}

#[test]
fn a_table_of_an_unknown_module_is_not_counted_and_not_damaged() {
    let (facts, warnings) = look(
        "d.execute('CREATE TABLE t(x)')
d.execute('PRAGMA writable_schema=ON')
d.execute(\"INSERT INTO sqlite_master VALUES ('table', 'far', 'far', 0, 'CREATE VIRTUAL TABLE far USING elsewhere(a)')\")",
        CheckLevel::Full,
    );
    assert_eq!(facts.check, CheckResult::Ok);
    assert_eq!(facts.tables["far"], None);
    assert_eq!(facts.tables["t"], Some(0));
    assert_eq!(warnings, []);
}

#[test]
fn damage_shows_although_another_table_cannot_be_checked() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1000);
    python(
        "d = sqlite3.connect(sys.argv[1])
d.create_collation('mine', lambda a, b: (a > b) - (a < b))
d.executescript('CREATE TABLE a(x TEXT COLLATE mine); CREATE INDEX i ON a(x)')
d.commit()
d.close()
f = open(sys.argv[1], 'r+b')
f.seek(40960)
f.write(b'\\xa5' * 8192)",
        &path,
    );
    let (facts, warnings) = examine(&path, CheckLevel::Quick, &Cancel::new()).unwrap();
    assert_eq!(facts.check, CheckResult::Damaged);
    assert_eq!(warnings[0].code, "damaged");
}

#[test]
fn broken_foreign_keys_are_a_warning() {
    let (facts, warnings) = look(
        "d.executescript('CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id)); CREATE TABLE e(p REFERENCES gone(id))')
d.executemany('INSERT INTO c VALUES (?)', [(1,), (2,)])",
        CheckLevel::Quick,
    );
    assert_eq!(facts.check, CheckResult::Ok);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "foreign_keys");
    assert!(warnings[0].message.contains('2'), "{}", warnings[0].message);
}

#[test]
fn a_broken_schema_is_damage_and_still_has_its_header_facts() {
    let (facts, warnings) = look(
        "d.execute('CREATE TABLE t(x)')
d.execute('PRAGMA user_version=9')
d.execute('PRAGMA writable_schema=ON')
d.execute(\"UPDATE sqlite_master SET sql = 'no sql at all'\")",
        CheckLevel::Quick,
    );
    assert_eq!(facts.check, CheckResult::Damaged);
    assert_eq!(facts.user_version, 9);
    assert_eq!(warnings[0].code, "damaged");
}

#[test]
fn the_schema_digest_follows_the_schema_and_nothing_else() {
    let schema = "d.executescript('CREATE TABLE b(x); CREATE TABLE a(y)')";
    let same = "d.executescript('CREATE TABLE a(y); CREATE TABLE b(x); INSERT INTO a VALUES (1)')";
    let other = "d.executescript('CREATE TABLE a(y); CREATE TABLE b(z)')";
    let digest = |script| look(script, CheckLevel::Quick).0.schema_sha256;
    assert_eq!(digest(schema), digest(same));
    assert_ne!(digest(schema), digest(other));
}

#[test]
fn a_cancelled_examination_stops_in_the_middle() {
    let dir = folder();
    let path = dir.path().join("a.db");
    python(
        "d = sqlite3.connect(sys.argv[1])
d.execute('CREATE TABLE t(a, b)')
d.execute('WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 1500000) INSERT INTO t SELECT i, i * 7919 % 1000003 FROM r')
d.execute('CREATE INDEX i ON t(b)')
d.commit()",
        &path,
    );
    let cancel = Cancel::new();
    let ended = std::thread::scope(|scope| {
        let work = scope.spawn(|| examine(&path, CheckLevel::Full, &cancel));
        std::thread::sleep(Duration::from_millis(30));
        cancel.cancel();
        work.join().unwrap()
    });
    assert!(matches!(ended, Err(CaptureError::Cancelled(_))));
}
