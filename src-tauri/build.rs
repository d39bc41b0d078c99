//! Lets Tauri read its configuration at build time. Without `desktop` there is nothing to do.

fn main() {
    #[cfg(feature = "desktop")]
    tauri_build::build();
}
