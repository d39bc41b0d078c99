// The background process: its tray over the session's bus, one process a data folder, and what becomes of it when its window is closed.
// What counts is what is on disk and in the table of processes.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { openMenu, Panel, Tray } from "./tray.mjs";
import { screenshot, sleep, until, xdotool } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-tray-"));
const place = path.join(scratch, "archives");
const go = path.join(scratch, "go");
const env = { ...process.env, HOLDFAST_DATA_DIR: path.join(scratch, "data"), HOLDFAST_KEYRING: "file" };

let program;
let panel;
let tray;
/** Open descriptors of a process that never had a window. */
let descriptors;
const test = steps();

before(() => {
  addService("web");
  mkdirSync(place);
  holdfast("init");
  holdfast("instance", "add", "web", path.join(scratch, "web"));
  // A run lasts until the test lets it go.
  holdfast("instance", "set", "web", "before_hook=while [ ! -e ../go ]; do sleep 0.05; done");
  holdfast("destination", "add", "vault", "--type", "local", "--set", `base_path=${place}`);
  // By hand: nothing comes due while the tray is looked at.
  holdfast("schedule", "add", "weekly", "--instance", "web", "--to", "vault", "--manual");
});

after(async () => {
  writeFileSync(go, "");
  screenshot("tray-99-end");
  if (program && isRunning()) process.kill(program.pid, "SIGKILL");
  panel?.end();
  rmSync(scratch, { recursive: true, force: true });
});

test("it starts without a tray host, without a window, and is in the tray as soon as there is one", async () => {
  program = start("--background");
  await sleep(2000);
  assert.ok(isRunning());
  assert.deepEqual(windows(), []);
  panel = await Panel.start();
  tray = await Tray.of(program.pid);
  assert.deepEqual(windows(), []);
});

test("the menu says how things stand, and the icon too", async () => {
  await tray.says(/^No verified backup yet of web\.$/);
  const [, state, age] = tray.menu();
  assert.ok(!state.enabled && !age.enabled, "what only tells cannot be chosen");
  assert.equal(age.label, "Last verified backup: never");
  await tray.shows("attention");
  await openMenu("tray-01-menu-light");
  descriptors = openDescriptors();
});

test("a second start in the background says that one runs, and ends well", () => {
  const said = execFileSync(binary, ["--background"], { env, encoding: "utf8" });
  assert.match(said, new RegExp(`runs in the background already \\(process ${program.pid}\\)`));
});

test("backing up from the menu makes an archive, and the icon changes while it does", async () => {
  tray.choose("web");
  await tray.says(/^Running: web$/);
  await tray.shows("running");
  writeFileSync(go, "");
  await tray.says(/^web is backed up and verified/);
  await tray.says(/^Last verified backup: just now$/);
  await tray.shows("fine");
  assert.equal(archives().length, 1);
});

test("what the command line does is in the menu soon", async () => {
  addService("mail");
  holdfast("instance", "add", "mail", path.join(scratch, "mail"));
  await tray.says(/^mail$/, 20_000);
  await tray.shows("attention");
  holdfast("backup", "mail", "--to", "vault");
  await tray.says(/^All 2 instances are backed up/, 20_000);
});

test("what cannot be done is said in the menu", async () => {
  holdfast("destination", "disable", "vault");
  tray.choose("web");
  await tray.says(/destination/i);
  holdfast("destination", "enable", "vault");
});

test("opening shows one window, and a second start raises it and ends well", async () => {
  tray.choose("Open Holdfast");
  const id = await oneWindow();
  xdotool("windowminimize", "--sync", id);
  await until("the window to go", () => windows().length === 0);
  execFileSync(binary, { env, timeout: 30_000 });
  assert.equal(await oneWindow(), id);
  assert.equal(webProcesses().length > 0, true, "the check below would see nothing");
});

test("a window that is closed leaves the process that never had one", async () => {
  const grasping = graspTheLock();
  await closeWindow();
  await until("a fresh process", () => commandLine().includes("--background") && webProcesses().length === 0);
  assert.equal(grasping.exitCode, null, "the lock was free for a moment");
  grasping.kill();
  assert.ok(isRunning(), "of the same id");
  tray = await Tray.of(program.pid);
  await tray.says(/^All 2 instances/);
  // What the first look opens is open again.
  await until("its descriptors", () => openDescriptors() <= descriptors);
  assert.deepEqual(zombies(), []);
});

test("a start right behind a closed window gets a window of the same process", async () => {
  for (let round = 0; round < 3; round += 1) {
    execFileSync(binary, { env, timeout: 30_000 });
    await oneWindow();
    await closeWindow();
    await sleep(round * 60);
    execFileSync(binary, { env, timeout: 30_000 });
    await oneWindow();
    await closeWindow();
    await until("a fresh process", () => webProcesses().length === 0);
  }
  assert.ok(isRunning());
  assert.equal(others().length, 0, "there is one process");
});

test("a run goes on when the window is closed, and the fresh process waits for its end", async () => {
  rmSync(go);
  tray = await Tray.of(program.pid);
  execFileSync(binary, { env, timeout: 30_000 });
  await oneWindow();
  tray.choose("web");
  await tray.says(/^Running: web$/);
  await closeWindow();
  await sleep(1000);
  await tray.says(/^Running: web$/);
  writeFileSync(go, "");
  await until("the archive", () => archives().length === 3);
  await until("a fresh process", () => webProcesses().length === 0);
  tray = await Tray.of(program.pid);
});

test("quitting over a run opens the window to ask, and leaves when it has ended", async () => {
  rmSync(go);
  tray.choose("web");
  await tray.says(/^Running: web$/);
  tray.choose("Quit");
  await oneWindow();
  // Until the page has asked what runs; the answer that has the focus is to leave when it has ended.
  await sleep(4000);
  screenshot("tray-02-quit-asks");
  assert.ok(isRunning());
  xdotool("windowactivate", "--sync", await oneWindow());
  xdotool("key", "--clearmodifiers", "Return");
  await sleep(1000);
  assert.ok(isRunning(), "it is still held");
  writeFileSync(go, "");
  await until("the end of the program", () => !isRunning());
  assert.equal(archives().length, 4);
});

test("what a killed process left does not keep the next from starting", async () => {
  program = start("--background");
  await Tray.of(program.pid);
  process.kill(program.pid, "SIGKILL");
  await until("its end", () => !isRunning());
  program = start();
  await oneWindow();
  tray = await Tray.of(program.pid);
});

test("a signal to end cancels what runs and leaves nothing of it", async () => {
  rmSync(go);
  tray.choose("web");
  await tray.says(/^Running: web$/);
  process.kill(program.pid, "SIGTERM");
  await until("the end of the program", () => program.exitCode !== null);
  assert.equal(program.exitCode, 0);
  assert.equal(archives().length, 4);
  assert.equal(JSON.parse(holdfast("history")).executions[0].status, "cancelled");
});

test("it can be read on a dark panel, and quitting while nothing runs asks nothing", async () => {
  await panel.stop();
  panel = await Panel.start("Adwaita:dark");
  program = start("--background");
  tray = await Tray.of(program.pid);
  await tray.says(/^Last verified/);
  await openMenu("tray-03-menu-dark");
  tray.choose("Quit");
  await until("the end of the program", () => program.exitCode !== null);
  assert.equal(program.exitCode, 0);
});

function start(...args) {
  const started = spawn(binary, args, { env, stdio: ["ignore", "inherit", "inherit"] });
  started.unref();
  return started;
}

/** Not as a zombie. */
function isRunning() {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${program.pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function commandLine() {
  return readFileSync(`/proc/${program.pid}/cmdline`, "utf8").split("\0");
}

/** Tries without a pause to get the lock of the one process, and ends when it has. */
function graspTheLock() {
  const code = `
import fcntl, sys
lock = open(sys.argv[1])
while True:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        pass`;
  const grasping = spawn("python3", ["-c", code, path.join(env.HOLDFAST_DATA_DIR, "locks/background.lock")]);
  process.once("exit", () => grasping.kill());
  return grasping;
}

function windows() {
  try {
    return xdotool("search", "--onlyvisible", "--name", "^Holdfast$").split("\n").filter(Boolean);
  } catch {
    return []; // It finds none, which it calls a failure.
  }
}

/** Waits until there is one, and the window manager has done with it: while it frames it, it takes it off the screen. */
async function oneWindow() {
  return until("one window", async () => {
    const [id, other] = windows();
    if (!id || other) return null;
    await sleep(300);
    return windows()[0] === id ? id : null;
  });
}

/** By the window manager, until that is heard: keys go astray while a window is not focused yet. */
async function closeWindow() {
  await until("the end of the window", async () => {
    const [id] = windows();
    if (!id) return true;
    xdotool("windowactivate", "--sync", id);
    xdotool("key", "--clearmodifiers", "alt+F4");
    for (let looks = 0; looks < 20 && windows().length > 0; looks += 1) await sleep(100);
    return windows().length === 0;
  });
}

/** Processes that this one started, dead or alive. */
function children() {
  return stats().filter(({ parent }) => parent === program.pid);
}

function webProcesses() {
  return children().filter(({ name, state }) => state !== "Z" && name.startsWith("WebKit"));
}

function zombies() {
  return children().filter(({ state }) => state === "Z");
}

/** Other processes of the program that serve this data folder. */
function others() {
  const same = (pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes(`=${env.HOLDFAST_DATA_DIR}\0`);
  return stats().filter(
    ({ name, pid, state }) => name === "holdfast" && state !== "Z" && pid !== program.pid && same(pid),
  );
}

function stats() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [, name, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(text);
        return [{ pid: Number(pid), name, state, parent: Number(parent) }];
      } catch {
        return [];
      }
    });
}

function openDescriptors() {
  return readdirSync(`/proc/${program.pid}/fd`).length;
}

function addService(name) {
  const dir = path.join(scratch, name);
  mkdirSync(dir);
  execFileSync("sqlite3", [path.join(dir, "app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
}

function holdfast(...words) {
  return execFileSync(binary, ["--json", ...words], { env, encoding: "utf8" });
}

/** What has its final name. */
function archives() {
  const all = existsSync(place) ? readdirSync(place, { recursive: true }) : [];
  return all.filter((file) => path.basename(file).startsWith("backup-"));
}
