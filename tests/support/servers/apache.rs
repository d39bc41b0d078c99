//! Apache with mod_dav.
