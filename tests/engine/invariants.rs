//! The rules that keep the code in layers, held against the sources' tokens. Each failure says why its rule is there.
//! It judges names, sizes and first lines: what the code does is other tests' business.

mod read;

use read::{Source, page_sources, sources};

/// A module at the crate's root and what it may name of the others. `keys::Backend` allows that item alone.
struct Layer {
    module: &'static str,
    may_name: &'static [&'static str],
    why: &'static str,
}

const MIDDLE: &str = "the five in the middle know nothing of each other, so that each can be read, tested and replaced alone; what needs \
                      two of them belongs in `service`";
const FACES: &str = "a face acts through `service` alone: locks, records and checks are made there, and a way around it would skip them; \
                     a value it needs can be re-exported there";

const LAYERS: &[Layer] = &[
    Layer {
        module: "model",
        may_name: &[],
        why: "values are what all else speaks in: naming a layer above would tie every module to it",
    },
    Layer {
        module: "source",
        may_name: &["model"],
        why: MIDDLE,
    },
    Layer {
        module: "archive",
        may_name: &["model"],
        why: MIDDLE,
    },
    Layer {
        module: "destination",
        may_name: &["model"],
        why: MIDDLE,
    },
    Layer {
        module: "store",
        may_name: &["model"],
        why: MIDDLE,
    },
    Layer {
        module: "keys",
        may_name: &["model"],
        why: MIDDLE,
    },
    Layer {
        module: "service",
        may_name: &["archive", "destination", "keys", "model", "source", "store"],
        why: "the verbs serve the command line and the window alike, so they can know neither",
    },
    Layer {
        module: "alerts",
        may_name: &["model"],
        why: "it delivers what others decided to tell, and can be read and tested without a backup",
    },
    Layer {
        module: "jobs",
        may_name: &["alerts", "environment", "model", "service", "store"],
        why: "schedules act through the service's verbs; the store lends them how a database of our own is opened, and nothing else",
    },
    Layer {
        module: "environment",
        may_name: &["keys::Backend"],
        why: "it only says where data and secrets lie; who asks opens them",
    },
    Layer {
        module: "autostart",
        may_name: &["environment"],
        why: "it only writes what the desktop's session reads; what is wanted is a setting, and the faces tell it",
    },
    Layer {
        module: "cli",
        may_name: &[
            "autostart",
            "environment",
            "jobs",
            "keys::Backend",
            "model",
            "service",
        ],
        why: FACES,
    },
    Layer {
        module: "shell",
        may_name: &[
            "autostart",
            "environment",
            "jobs",
            "keys::Backend",
            "model",
            "service",
        ],
        why: FACES,
    },
    Layer {
        module: "main",
        may_name: &["cli", "shell"],
        why: "the entry chooses between window and command line and does nothing else",
    },
];

/// Async code and what brings it. `shell` may say `async`, because the window system's commands are, and nothing more.
const ASYNC_CRATES: &[&str] = &[
    "async_std",
    "futures",
    "futures_util",
    "hyper",
    "object_store",
    "opendal",
    "reqwest",
    "russh",
    "smol",
    "tokio",
    "tokio_cron_scheduler",
];

/// Where async code lives: the network's runtime, and the library that carries the pulse.
const ASYNC_PLACES: &[[&str; 2]] = &[
    ["destination", "net"],
    ["destination", "http"],
    // What they ask is asked by `http`, or run by `net`; only the requests and sessions themselves are of async crates.
    ["destination", "azure"],
    ["destination", "ftp"],
    ["destination", "s3"],
    ["destination", "sftp"],
    ["destination", "webdav"],
    ["jobs", "pulse"],
];

/// What would make a pure function depend on the machine or the hour.
const OUTSIDE_WORLD: &[&str] = &[
    "rusqlite",
    "rustix",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

const LONGEST_FILE: usize = 500;

#[test]
fn modules_name_only_what_lies_below_them() {
    let breaches: Vec<_> = sources().iter().flat_map(upward_names).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn only_the_shell_names_the_window_system() {
    let window = |root: &str| root == "rfd" || root == "tauri" || root.starts_with("tauri_");
    let breaches: Vec<_> = sources()
        .iter()
        .filter(|source| source.module() != "shell")
        .flat_map(|source| source.foreign(|path| window(&path[0])))
        .collect();
    assert!(
        breaches.is_empty(),
        "named outside `shell`:\n{}\nwithout the `desktop` feature the same engine runs on servers that have no window system, and \
         Tauri's next version must be one module's business",
        breaches.join("\n")
    );
}

#[test]
fn async_code_lives_behind_the_network_module() {
    let mut breaches = Vec::new();
    for source in sources() {
        if ASYNC_PLACES
            .iter()
            .any(|place| source.module_path.starts_with(&place.map(String::from)))
        {
            continue;
        }
        breaches.extend(source.foreign(|path| ASYNC_CRATES.contains(&path[0].as_str())));
        if source.module() != "shell" {
            breaches.extend(source.words(&["async", "await"]));
        }
    }
    assert!(
        breaches.is_empty(),
        "async outside of its places:\n{}\nthe engine is synchronous: threads where cores help, cancellation by a token. One \
         runtime, in one place, keeps it so",
        breaches.join("\n")
    );
}

#[test]
fn values_know_neither_disk_nor_clock() {
    let outside = |path: &[String]| {
        let text = path.join("::");
        let named = OUTSIDE_WORLD
            .iter()
            .any(|o| text == *o || text.starts_with(&format!("{o}::")));
        named || path.last().is_some_and(|last| last == "now")
    };
    let breaches: Vec<_> = sources()
        .iter()
        .filter(|source| source.module() == "model")
        .flat_map(|source| source.foreign(outside))
        .collect();
    assert!(
        breaches.is_empty(),
        "the outside world in `model`:\n{}\nits functions are tested by tables: time and content come in as arguments",
        breaches.join("\n")
    );
}

#[test]
fn only_the_faces_print() {
    let macros = ["println", "eprintln", "print", "eprint", "dbg"];
    let breaches: Vec<_> = sources()
        .iter()
        .filter(|source| !["cli", "shell", "main"].contains(&source.module()))
        .flat_map(|source| source.words(&macros))
        .collect();
    assert!(
        breaches.is_empty(),
        "printed in the engine:\n{}\nit returns errors and tells an `Observer`; with `--json` standard output is one document",
        breaches.join("\n")
    );
}

#[test]
fn nothing_is_unsafe() {
    let mut breaches: Vec<_> = sources()
        .iter()
        .flat_map(|s| s.words(&["unsafe"]))
        .collect();
    let manifest: toml::Table = read::text("Cargo.toml")
        .parse()
        .expect("Cargo.toml is TOML");
    if manifest["lints"]["rust"]["unsafe_code"].as_str() != Some("forbid") {
        breaches.push("Cargo.toml: `unsafe_code` is not forbidden".into());
    }
    assert!(
        breaches.is_empty(),
        "{}\na backup program must not be what corrupts memory: a kept crate does it, or it is done without",
        breaches.join("\n")
    );
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut files = read::files("src-tauri", &["rs"]);
    files.extend(read::files("tests", &["rs"]));
    files.extend(page_sources());
    let breaches: Vec<_> = files
        .iter()
        .map(|file| (file, read::text(file).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(
        breaches.is_empty(),
        "longer than {LONGEST_FILE} lines:\n{}\nsplit by purpose: the aim is 400",
        breaches.join("\n")
    );
}

#[test]
fn every_module_says_its_role_first() {
    let mut files = read::files("src-tauri", &["rs"]);
    files.extend(read::files("tests", &["rs"]));
    let breaches: Vec<_> = files
        .into_iter()
        .filter(|file| {
            let text = read::text(file);
            !text.trim().is_empty() && !text.starts_with("//! ")
        })
        .collect();
    assert!(
        breaches.is_empty(),
        "no `//!` at the top of:\n{}\na newcomer opens a file to learn what it is for, and what it is not for",
        breaches.join("\n")
    );
}

#[test]
fn a_breach_would_be_seen() {
    let breach = |path: &str, code: &str| !upward_names(&Source::parse(path, code)).is_empty();
    for (path, code) in [
        ("model/plan.rs", "use crate::store::Store;"),
        (
            "source/mod.rs",
            "use crate::{model::Cancel, archive::{Packer, PackError}};",
        ),
        ("archive/pack.rs", "use super::super::destination as place;"),
        (
            "store/mod.rs",
            "fn f() { let _ = format!(\"{}\", super::keys::open()); }",
        ),
        (
            "store/mod.rs",
            "mod tests { use super::super::keys::open; }",
        ),
        (
            "destination/local.rs",
            "impl From<crate::store::StoreError> for E {}",
        ),
        (
            "keys/file.rs",
            "#[serde(with = a)] struct S(pub(in crate::store) u8);",
        ),
        ("service/mod.rs", "pub use crate::cli::run;"),
        ("cli/show.rs", "use crate::keys::identity;"),
        ("shell/mod.rs", "use crate::archive;"),
        ("main.rs", "use holdfast::store::Store;"),
        ("novelty.rs", "fn f() {}"),
    ] {
        assert!(breach(path, code), "not seen in {path}: {code}");
    }
    for (path, code) in [
        (
            "service/mod.rs",
            "use crate::archive::Packer; mod tests { use super::*; }",
        ),
        ("model/plan.rs", "use super::destination::DestinationType;"),
        ("keys/mod.rs", "mod kit { use super::store; }"),
        (
            "store/mod.rs",
            "//! Not crate::keys.\nfn f() { let _ = \"crate::keys\"; } // crate::keys",
        ),
        ("cli/mod.rs", "use crate::keys::Backend;"),
        ("main.rs", "fn main() { holdfast::cli::run() }"),
    ] {
        assert!(!breach(path, code), "wrongly seen in {path}: {code}");
    }
}

/// What a source names that its layer may not, one line each.
fn upward_names(source: &Source) -> Vec<String> {
    let own = source.module();
    if own == "lib" {
        return Vec::new();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == own) else {
        return vec![format!(
            "{}: `{own}` has no layer; say in LAYERS what it may name, and in ARCHITECTURE.md what it is",
            source.file
        )];
    };
    let allowed = |path: &[String]| {
        path[0] == own
            || layer.may_name.iter().any(|allowed| {
                let item: Vec<_> = allowed.split("::").collect();
                path.len() >= item.len() && path.iter().zip(&item).all(|(a, b)| a == b)
            })
    };
    source
        .own_crate()
        .iter()
        .filter(|path| LAYERS.iter().any(|layer| layer.module == path[0]))
        .filter(|path| !allowed(path))
        .map(|path| {
            format!(
                "{}: names `crate::{}`: {}",
                source.file,
                path.join("::"),
                layer.why
            )
        })
        .collect()
}
