//! Claims about `ftp`, beyond the contract.

use crate::network::{self, ODD_BASE};
use crate::servers::pyftpdlib::Pyftpdlib;
use crate::servers::vsftpd::{Tls, Vsftpd};

#[test]
fn vsftpd_keeps_every_promise_in_clear_and_over_tls() {
    for tls in [Tls::None, Tls::Explicit, Tls::Implicit] {
        let server = Vsftpd::start(tls);
        let place = server.place(ODD_BASE).open().unwrap();
        network::keeps_the_contract(&*place);
        assert_eq!(place.capabilities().in_clear, tls == Tls::None);
        let left = std::fs::read_dir(server.store().join(ODD_BASE)).unwrap();
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn vsftpd_of_old_keeps_them_too() {
    let server = Vsftpd::with_tls12(Tls::Explicit);
    network::keeps_the_contract(&*server.place("").open().unwrap());
}

#[test]
fn pyftpdlib_keeps_every_promise_in_clear_and_over_tls() {
    for server in [
        Pyftpdlib::plain(&[]),
        Pyftpdlib::with_tls(&[]),
        Pyftpdlib::with_tls(&["tls12"]),
        Pyftpdlib::plain(&["without=MLSD+MLST"]),
        Pyftpdlib::plain(&["no-features"]),
    ] {
        let place = server.place(ODD_BASE).open().unwrap();
        network::keeps_the_contract(&*place);
        let left = std::fs::read_dir(server.root().join(ODD_BASE)).unwrap();
        assert_eq!(left.count(), 0);
    }
}
