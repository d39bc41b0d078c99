# make run      builds Holdfast and opens its window
# make test     everything that must hold
# make bench    speed and memory beside tar + pigz + age, restic, borg, and the stock clients of servers
# make cost     what Holdfast costs in the tray while nothing is to be done
# make deb      a Debian package
# make audit    licences and known holes of the dependencies (needs cargo-deny)
# make bindings writes the TypeScript types of the page anew

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test bench cost deb audit bindings page
.DEFAULT_GOAL := run

# A debug build: a first window in a third of the time of a release build, the same artefacts as `make test`; what backups spend
# their time in is optimised in it too (see Cargo.toml).
DESKTOP := --features custom-protocol

run:
	@.ci/setup build
	$(MAKE) --no-print-directory page
	cargo build --locked $(DESKTOP)
	if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then
	    cargo run --quiet --locked $(DESKTOP)
	else
	    echo 'No display here (neither DISPLAY nor WAYLAND_DISPLAY is set): no window. Running `holdfast demo` instead.'
	    cargo run --quiet --locked $(DESKTOP) -- demo
	fi

test:
	@.ci/test

# What ARGS takes: tests/bench/main.rs.
ARGS ?=
bench:
	.ci/setup bench
	.ci/servers
	cargo bench --locked --no-default-features --bench peers -- $(ARGS)

cost:
	@.ci/setup build test
	$(MAKE) --no-print-directory page
	cargo build --locked $(DESKTOP)
	tests/desktop/run.sh target/debug/holdfast tests/desktop/cost.mjs

deb:
	.ci/setup build
	$(MAKE) --no-print-directory node_modules/.package-lock.json
	.ci/deb

audit:
	cargo deny check

bindings: page
	rm -rf ui/src/bindings
	TS_RS_EXPORT_DIR="$$PWD/ui/src/bindings" cargo test --locked $(DESKTOP) --lib

# Only when something of it changed: a new page means a new binary.
PAGE := package.json $(shell find ui -type f -not -path 'ui/dist*' 2>/dev/null)

page: ui/dist/index.html

ui/dist/index.html: node_modules/.package-lock.json $(PAGE)
	npm run build

# npm writes this file last: newer than the lock means all is in place. Not `npm ci`: it refuses a lock that leaves out the optional
# packages of other platforms, which not every registry carries; versions and digests are the lock's here too.
node_modules/.package-lock.json: package-lock.json
	npm install --no-save
	touch $@

.ONESHELL:
