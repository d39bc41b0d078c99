//! Claims about the two key pairs, over a real key file.

use std::io::Cursor;

use holdfast::keys::{
    Backend, KeyError, SecretStore, add_imported_identity, create, identity, imported_identities,
    open, signing_key,
};
use minisign::{PublicKey, SignatureBox};
use secrecy::{ExposeSecret, SecretString};

fn store(dir: &tempfile::TempDir) -> Box<dyn SecretStore> {
    open(Backend::File, dir.path(), "scope")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[test]
fn what_create_returns_belongs_to_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let keys = create(&*store(&dir)).unwrap();
    // Another handle: what counts is what the place keeps.
    let store = store(&dir);
    let identity = identity(&*store, &keys).unwrap();
    let sealed = age::encrypt(
        &keys.recipient.parse::<age::x25519::Recipient>().unwrap(),
        b"hi",
    );
    assert_eq!(age::decrypt(&identity, &sealed.unwrap()).unwrap(), b"hi");
    let signing = signing_key(&*store, &keys).unwrap();
    let signature = minisign::sign(None, &signing, Cursor::new(b"hi"), None, None).unwrap();
    let public = PublicKey::from_base64(&keys.verification_key).unwrap();
    let signature = SignatureBox::from_string(&signature.to_string()).unwrap();
    minisign::verify(&public, &signature, Cursor::new(b"hi"), true, false, false).unwrap();
}

#[test]
fn create_never_replaces_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let first = create(&*store).unwrap();
    assert_eq!(create(&*store).unwrap(), first);
    // An attempt that died halfway is finished, not begun anew.
    store.delete("signing_key").unwrap();
    let second = create(&*store).unwrap();
    assert_eq!(second.recipient, first.recipient);
    assert_ne!(second.verification_key, first.verification_key);
}

#[test]
fn create_leaves_an_entry_alone_that_is_no_key() {
    for name in ["identity", "signing_key"] {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir);
        store.set(name, &secret("something of somebody's")).unwrap();
        assert!(matches!(create(&*store), Err(KeyError::Wrong(what)) if what == name));
        let kept = store.get(name).unwrap().unwrap();
        assert_eq!(kept.expose_secret(), "something of somebody's");
    }
}

#[test]
fn a_key_that_is_gone_is_told_from_one_that_is_another() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keys = create(&*store(&dir)).unwrap();
    let other = store(&other);
    assert!(matches!(identity(&*other, &keys), Err(KeyError::Missing(name)) if name == "identity"));
    assert!(
        matches!(signing_key(&*other, &keys), Err(KeyError::Missing(name)) if name == "signing_key")
    );
    create(&*other).unwrap();
    assert!(matches!(identity(&*other, &keys), Err(KeyError::Wrong(name)) if name == "identity"));
    assert!(
        matches!(signing_key(&*other, &keys), Err(KeyError::Wrong(name)) if name == "signing_key")
    );
}

#[test]
fn imported_identities_are_kept_once_each_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    assert!(imported_identities(&*store).unwrap().is_empty());
    let identities: Vec<_> = (0..3).map(|_| age::x25519::Identity::generate()).collect();
    for identity in identities.iter().chain(&identities) {
        add_imported_identity(&*store, identity).unwrap();
    }
    let public = |list: &[age::x25519::Identity]| -> Vec<String> {
        list.iter()
            .map(|identity| identity.to_public().to_string())
            .collect()
    };
    assert_eq!(
        public(&imported_identities(&*store).unwrap()),
        public(&identities)
    );
    store
        .set("imported_identities", &secret("nonsense"))
        .unwrap();
    assert!(matches!(
        imported_identities(&*store),
        Err(KeyError::Wrong(_))
    ));
    assert!(matches!(
        add_imported_identity(&*store, &identities[0]),
        Err(KeyError::Wrong(_))
    ));
}
