// What becomes of a run that is cancelled, and of one over which the user quits. What counts is what is on disk.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { Panel, Tray } from "./tray.mjs";
import { until, Window } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-running-"));
const data = path.join(scratch, "data");
const place = path.join(scratch, "archives");
const go = path.join(scratch, "go");
const MIB = 1 << 20;

let window;
let panel;
const test = steps();

before(async () => {
  panel = await Panel.start();
  makeService("large", 200);
  makeService("held", 1);
  mkdirSync(place);
  holdfast("init");
  for (const name of ["large", "held"]) holdfast("instance", "add", name, path.join(scratch, name));
  // Their runs last until the test lets them go: one before it reads anything, one before what it has written gets its name.
  const hold = "while [ ! -e ../go ]; do sleep 0.05; done";
  holdfast("instance", "set", "held", `before_hook=${hold}`);
  holdfast("instance", "set", "large", `after_hook=${hold}`);
  holdfast("destination", "add", "vault", "--type", "local", "--set", `base_path=${place}`);
  window = await openWindow();
});

after(async () => {
  writeFileSync(go, "");
  if (window?.isRunning()) {
    await window.shot("running-99-end");
    await window.close();
  }
  panel?.end();
  rmSync(scratch, { recursive: true, force: true });
});

test("a backup that is cancelled while it writes leaves nothing behind and is in the history as cancelled", async () => {
  await backUp("large");
  // In the midst of it: some of the archive is there already.
  await until("the beginning of an archive", () => bytes(place) > 8 * MIB);
  await window.click("Cancel Backup: large");
  await window.says(/Cancelling…/);
  writeFileSync(go, "");
  await window.says(/large was not backed up/);
  await window.says(/Nothing was left half done/);
  await window.shot("running-01-cancelled");
  assert.deepEqual(files(place), []);
  assert.deepEqual(files(path.join(data, "work")), [], "the workspace is swept");
  const [newest] = history();
  assert.equal(newest.status, "cancelled");
  assert.equal(newest.kind, "backup");
  await window.click("History");
  await window.says(/Backup · large[\s\S]*Cancelled/);
  await window.shot("running-02-history");
});

test("quitting over a run asks, and staying lets it go on to its end", async () => {
  rmSync(go, { force: true });
  await backUp("held");
  await quit();
  await window.says(/Something is still running/);
  await window.shot("running-03-asked");
  await window.click("Stay");
  await until("the end of the question", async () => !/Something is still running/.test(await window.text()));
  assert.equal(archives().length, 0, "it is still held");
  writeFileSync(go, "");
  await window.says(/held is backed up/, 60_000);
  assert.equal(archives().length, 1);
});

test("leaving when it has ended waits for the run, and its archive is there", async () => {
  rmSync(go, { force: true });
  await backUp("held");
  await quit();
  await window.click("Leave when it has ended");
  await until("the end of the question", async () => !/Something is still running/.test(await window.text()));
  assert.ok(window.isRunning());
  assert.equal(archives().length, 1, "it is still held");
  writeFileSync(go, "");
  await window.ended();
  assert.equal(archives().length, 2);
  assert.equal(history()[0].status, "completed");
});

test("cancelling to leave ends the run and the program, and leaves nothing of it", async () => {
  rmSync(go, { force: true });
  window = await openWindow();
  await backUp("held");
  await quit();
  await window.click("Cancel it and leave");
  await window.ended();
  assert.equal(archives().length, 2);
  assert.equal(files(place).length, 2, "nothing of the cancelled one is left");
  assert.equal(history()[0].status, "cancelled");
});

test("quitting while nothing runs asks nothing", async () => {
  window = await openWindow();
  await window.says(/Back up now/);
  await quit();
  await window.ended();
});

function openWindow() {
  return Window.open(binary, { HOLDFAST_DATA_DIR: data });
}

/** As a user does, in the tray. */
async function quit() {
  const tray = await Tray.of(Number(window.program));
  tray.choose("Quit");
}

/** Starts it, and waits until it runs. */
async function backUp(instance) {
  await window.click("Overview");
  await window.click("Back up now", `//article[@aria-label='${instance}']`);
  await window.click("Back up now", "//*[@role='dialog']");
  const label = `Cancel Backup: ${instance}`;
  await until("the run", () =>
    window.run("return document.querySelector(`[aria-label='` + arguments[0] + `']`) !== null", label),
  );
}

/** A database, and what no compression makes smaller. */
function makeService(name, mebibytes) {
  const dir = path.join(scratch, name);
  mkdirSync(dir);
  execFileSync("sqlite3", [path.join(dir, "app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
  const file = openSync(path.join(dir, "random.bin"), "w");
  for (let n = 0; n < mebibytes; n += 1) writeSync(file, randomBytes(MIB));
  closeSync(file);
}

function holdfast(...words) {
  return execFileSync(binary, ["--data-dir", data, "--json", ...words], { encoding: "utf8" });
}

/** Newest first. */
function history() {
  return JSON.parse(holdfast("history")).executions;
}

/** What has its final name. */
function archives() {
  return files(place).filter((file) => path.basename(file).startsWith("backup-"));
}

function files(dir) {
  if (!existsSync(dir)) return [];
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

function bytes(dir) {
  return files(dir).reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
