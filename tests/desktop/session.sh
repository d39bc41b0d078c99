#!/usr/bin/env bash
# Inside the display and the session bus: a window manager and an unlocked keyring, then the command.
set -uo pipefail

background=()
openbox >"$HOME/openbox.log" 2>&1 &
background+=($!)
printf 'test' | gnome-keyring-daemon --unlock --components=secrets --foreground >"$HOME/keyring.log" 2>&1 &
background+=($!)

owned() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$1" 2>/dev/null | grep -q true
}
for _ in $(seq 100); do
    owned org.freedesktop.secrets && break
    sleep 0.1
done
owned org.freedesktop.secrets || { echo "the keyring did not start:" >&2; cat "$HOME/keyring.log" >&2; exit 1; }

"$@"
status=$?
kill "${background[@]}" 2>/dev/null
exit "$status"
