#!/usr/bin/env bash
# The page's types are those of the program: they are written anew and compared with what is checked in.
set -euo pipefail
cd "$(dirname "$0")/../.."

rm -rf ui/src/bindings
cargo test --lib export_bindings
changed=$(git status --porcelain -- ui/src/bindings)
if [ -n "$changed" ]; then
    echo "the page's types are not those of the program; commit ui/src/bindings as they are now:" >&2
    echo "$changed" >&2
    exit 1
fi
