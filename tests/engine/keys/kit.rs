//! Claims about the recovery kit.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use age::x25519::Identity;
use holdfast::keys::kit::{Kit, KitError, KitInstance, read, write};
use holdfast::model::{DestinationConfig, DestinationType};
use jiff::Timestamp;
use minisign::KeyPair;
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

fn destination(name: &str, base_path: &str) -> DestinationConfig {
    DestinationConfig {
        id: "d1".to_owned(),
        name: name.to_owned(),
        destination_type: DestinationType::Local,
        enabled: true,
        config: BTreeMap::from([("base_path".to_owned(), base_path.to_owned())]),
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "ada".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

fn kit(destinations: Vec<DestinationConfig>) -> Kit {
    let identity = Identity::generate();
    Kit {
        created_at: "2026-02-03T04:05:06Z".parse().unwrap(),
        recipient: identity.to_public().to_string(),
        identities: vec![identity, Identity::generate()],
        verification_key: KeyPair::generate_unencrypted_keypair()
            .unwrap()
            .pk
            .to_base64(),
        instances: vec![KitInstance {
            id: "0a1b2c3d".to_owned(),
            name: "tacacs".to_owned(),
            path: "/srv/täcacs".to_owned(),
        }],
        destinations,
    }
}

fn text_of(kit: &Kit) -> String {
    write(kit).expose_secret().to_owned()
}

fn parse(text: &str) -> Result<Kit, KitError> {
    read(&SecretString::from(text.to_owned()))
}

fn refusal(text: &str) -> String {
    parse(text).err().expect("it was read").to_string()
}

fn assert_same(a: &Kit, b: &Kit) {
    let public = |kit: &Kit| -> Vec<String> {
        kit.identities
            .iter()
            .map(|identity| identity.to_public().to_string())
            .collect()
    };
    assert_eq!(public(a), public(b));
    assert_eq!(
        (
            a.created_at,
            &a.recipient,
            &a.verification_key,
            &a.instances,
            &a.destinations
        ),
        (
            b.created_at,
            &b.recipient,
            &b.verification_key,
            &b.instances,
            &b.destinations
        )
    );
}

#[test]
fn a_kit_is_a_page_of_ascii_that_says_what_to_do() {
    let text = text_of(&kit(vec![destination("näs\nwith a break", "/mnt/\u{7f}")]));
    assert!(text.is_ascii() && !text.contains('\r'));
    assert!(text.chars().all(|c| c == '\n' || !c.is_ascii_control()));
    assert!(text.lines().all(|line| line.len() < 1000));
    let redacted: Vec<String> = text
        .lines()
        .map(|line| {
            let words = line.split(' ').map(|word| match word {
                w if w.starts_with("AGE-SECRET-KEY-1") => "[identity]",
                w if w.starts_with("age1") => "[recipient]",
                w if w.starts_with("RW") => "[verification key]",
                w => w,
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    insta::assert_snapshot!(redacted.join("\n"), @r###"
    # holdfast recovery kit: 1
    # created: 2026-02-03T04:05:06Z
    #
    #  Whoever has this file can read every backup made with it: keep it away from
    #  the backups and from this machine. Without it, and without the keyring of
    #  this machine, sealed backups cannot be read by anybody.
    #
    #  With Holdfast, on a new machine:
    #    holdfast key import THIS-FILE
    #
    #  By hand, with stock tools (age, tar, minisign), in an empty folder:
    #    age -d -i THIS-FILE backup-NAME.tar.gz.age | tar xz
    #    age -d -i THIS-FILE backup-NAME.tar.zst.age | tar x --zstd
    #  Who made it, after unpacking:
    #    minisign -V -P [verification key] -m manifest.json
    #
    # public key: [recipient]
    # verification key: [verification key]
    # instance: {"id":"0a1b2c3d","name":"tacacs","path":"/srv/t\u00e4cacs"}
    # destination: {"id":"d1","name":"n\u00e4s\nwith a break","type":"local","enabled":true,"config":{"base_path":"/mnt/\u007f"},"created_at":"1970-01-01T00:00:00Z","created_by":"ada","last_backup_at":null,"last_backup_status":null}
    [identity]
    [identity]
    # end:
    "###);
}

#[test]
fn stock_age_opens_a_backup_with_the_kit_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let kit = kit(vec![destination("nas", "/mnt/nas")]);
    let path = dir.path().join("kit.txt");
    fs::write(&path, text_of(&kit)).unwrap();
    for identity in &kit.identities {
        let sealed = dir.path().join("sealed.age");
        fs::write(
            &sealed,
            age::encrypt(&identity.to_public(), b"the backup").unwrap(),
        )
        .unwrap();
        let opened = Command::new("age")
            .arg("-d")
            .arg("-i")
            .args([&path, &sealed])
            .output()
            .unwrap();
        assert!(
            opened.status.success(),
            "{}",
            String::from_utf8_lossy(&opened.stderr)
        );
        assert_eq!(opened.stdout, b"the backup");
    }
}

#[test]
fn a_kit_comes_back_as_it_was() {
    let kit = kit(vec![
        destination("nas", "/mnt/nas"),
        destination("b", "\u{1f511}\\u00e4\"\n"),
    ]);
    let text = text_of(&kit);
    assert_same(&parse(&text).unwrap(), &kit);
    // As other systems' editors leave it.
    let edited = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_same(&parse(&edited).unwrap(), &kit);
    assert_same(&parse(&format!("\n{text}\n\n")).unwrap(), &kit);
}

#[test]
fn what_is_no_kit_says_why() {
    let text = text_of(&kit(vec![]));
    let without = |start: &str| -> String {
        let kept = text.split_inclusive('\n');
        kept.filter(|line| !line.starts_with(start)).collect()
    };
    let identity = text.lines().find(|line| line.starts_with("AGE")).unwrap();
    let other = Identity::generate().to_public().to_string();
    let recipient = text
        .lines()
        .find(|line| line.starts_with("# public key"))
        .unwrap();
    let cases = [
        (String::new(), "empty"),
        (identity.to_owned(), "first line"),
        ("# created: 2026-01-01T00:00:00Z\n".to_owned(), "first line"),
        (
            text.replace("recovery kit: 1", "recovery kit: 2"),
            "version",
        ),
        (without("# end"), "cut off"),
        (text[..text.len() / 2].to_owned(), ""),
        (without("AGE"), "no identity belongs"),
        (
            text.replace(recipient, &format!("# public key: {other}")),
            "no identity belongs",
        ),
        (without("# public key"), "no public key"),
        (without("# verification key"), "no verification key"),
        (without("# created"), "no time"),
        (text.replace("# instance", "# instnace"), "not known"),
        (text.replace("0a1b2c3d", "0A1B2C3D"), "instance id"),
        (text.replace("tacacs", "../x"), "name"),
        (format!("{text}{identity}\n"), "follows the end"),
        (
            text.replace("# end:", "# created: 2026-01-01T00:00:00Z\n# end:"),
            "twice",
        ),
        (text.replace(identity, &identity[..40]), "no age identity"),
    ];
    for (text, reason) in cases {
        let found = refusal(&text);
        assert!(found.contains(reason), "{found} should say: {reason}");
        assert!(!found.contains("AGE-SECRET"), "{found}");
    }
}

#[test]
fn a_value_cannot_write_lines_of_its_own() {
    let mut forged = kit(vec![destination("a\n# end:\nAGE-SECRET-KEY-1", "b")]);
    forged.instances[0].path = "x\n# instance: {}".to_owned();
    assert_same(&parse(&text_of(&forged)).unwrap(), &forged);
    forged.verification_key += "\n# instance: {}";
    assert!(!text_of(&forged).contains("\n# instance: {}"));
}

fn destinations() -> impl Strategy<Value = Vec<DestinationConfig>> {
    let one = (any::<String>(), any::<String>(), any::<i32>()).prop_map(|(name, path, second)| {
        let created_at = Timestamp::from_second(second.into()).unwrap();
        DestinationConfig {
            created_at,
            ..destination(&name, &path)
        }
    });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn any_destination_survives_the_kit(destinations in destinations()) {
        let kit = kit(destinations);
        let text = text_of(&kit);
        prop_assert!(text.is_ascii());
        assert_same(&parse(&text).unwrap(), &kit);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_change_to_a_kit_makes_the_reader_panic(place in 0..2000_usize, with in "\\PC{0,3}|\n|# [a-z]+: ?") {
        let mut text = text_of(&kit(vec![destination("nas", "/mnt")]));
        let place = place % text.len();
        text.replace_range(place..=place, &with);
        let _ = parse(&text);
    }
}
