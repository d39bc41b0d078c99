#!/usr/bin/env bash
# Drives the real window and tray: run.sh BINARY [TEST FILE…]
# In a display, a session bus, a window manager and an unlocked keyring of its own; nothing of the user's is touched.
# HOLDFAST_SCREENSHOTS=DIR keeps the screenshots. The binary needs the page inside: cargo build --features custom-protocol
set -euo pipefail

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 BINARY [TEST FILE...]" >&2
    exit 2
fi
HOLDFAST_BINARY=$(realpath "$1")
export HOLDFAST_BINARY
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here"/*.test.mjs

for tool in xvfb-run dbus-run-session openbox gnome-keyring-daemon dunst xfce4-panel WebKitWebDriver gdbus convert xdotool sqlite3 node; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done

scratch=$(mktemp -d)
trap '[ ! -f "$scratch/log" ] || cat "$scratch/log"; rm -rf "$scratch"' EXIT
export HOME="$scratch/home" XDG_RUNTIME_DIR="$scratch/runtime"
mkdir -p "$HOME"
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY HOLDFAST_DATA_DIR HOLDFAST_KEYRING
export GDK_BACKEND=x11 GIO_USE_VFS=local GSETTINGS_BACKEND=memory NO_AT_BRIDGE=1 LIBGL_ALWAYS_SOFTWARE=1 LANG=C.UTF-8

# Input is closed and output goes to a file first: a driver that outlives its test would hold a pipe open for ever.
status=0
timeout -k 10 1500 xvfb-run -a -s "-screen 0 1280x900x24 -nolisten tcp" \
    dbus-run-session -- bash "$here/session.sh" node --test --test-concurrency=1 "$@" \
    >"$scratch/log" 2>&1 </dev/null || status=$?
exit "$status"
