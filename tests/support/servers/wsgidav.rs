//! wsgidav, which speaks WebDAV.
