// What the rooms change, in the real window over the real service: an instance's settings, a destination's archives, the keys, and an
// instance taken over from an archive on another machine. What counts is what the program's own verbs say afterwards.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { answerDialog, until, Window } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-rooms-"));
const here = path.join(scratch, "here");
const there = path.join(scratch, "there");
const service = path.join(scratch, "web");
const place = path.join(scratch, "archives");
const saved = path.join(scratch, "saved.tar.gz.age");
const kit = path.join(scratch, "kit.txt");

let window;
let other;
const test = steps();

before(async () => {
  mkdirSync(path.join(service, "logs"), { recursive: true });
  mkdirSync(place);
  execFileSync("sqlite3", [path.join(service, "app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
  writeFileSync(path.join(service, "logs/today.log"), "nobody needs this twice\n");
  other = holdfast(path.join(scratch, "other"), "init");
  holdfast(here, "init");
  holdfast(here, "instance", "add", "web", service);
  holdfast(here, "destination", "add", "vault", "--type", "local", "--set", `base_path=${place}`);
  holdfast(here, "backup", "web", "--to", "vault");
  holdfast(here, "key", "export", "--out", kit);
  window = await Window.open(binary, { HOLDFAST_DATA_DIR: here });
});

after(async () => {
  await window?.shot("rooms-99-end");
  if (window?.isRunning()) await window.close();
  rmSync(scratch, { recursive: true, force: true });
});

test("what is excluded is seen before it is saved, and saved with the other settings", async () => {
  await window.click("Instances");
  await window.click("Edit: web");
  await window.type("Exclude", "logs/**");
  await window.click("See what would be backed up");
  await window.click("What is left out of web", "//*[@role='dialog']");
  await window.says(/logs\/today\.log\s*·\s*excluded/);
  await window.shot("rooms-01-excludes");
  assert.deepEqual(settings().exclude, [], "looking changes nothing");
  await window.click("Backup", "//*[@role='dialog']");
  await window.click("zstd");
  await window.type("Longest wait of a writer", "750");
  await window.shot("rooms-02-backup");
  await window.click("Commands", "//*[@role='dialog']");
  await window.type("Before a restore", "true");
  await window.shot("rooms-03-commands");
  await window.click("Save");
  await until("the settings", () => settings().exclude.length > 0);
  const { exclude, compression, max_block_ms: longest, hooks, encryption } = settings();
  assert.deepEqual(exclude, ["logs/**"]);
  assert.deepEqual([compression, longest, hooks.stop, encryption], ["zstd", 750, "true", "recipients"]);
});

test("a command is tried, and what it says is shown", async () => {
  holdfast(here, "instance", "set", "web", "before_hook=echo the queue is not empty; exit 3");
  await window.run("window.location.reload()");
  await window.click("Instances");
  await window.click("Edit: web");
  await window.click("Commands", "//*[@role='dialog']");
  await window.click("Test: Before a backup reads anything");
  await window.says(/The command did not do well/);
  await window.says(/the queue is not empty/);
  await window.shot("rooms-11-hook");
  await window.click("Cancel", "//*[@role='dialog']");
  holdfast(here, "instance", "set", "web", "before_hook=");
});

test("a schedule is added with its next times in sight, run, paused and removed", async () => {
  await window.click("Schedules");
  await window.click("Add schedule");
  await window.type("Name", "nightly");
  await window.says(/Next times[\s\S]*3:00/);
  await window.shot("rooms-12-schedule-form");
  await window.click("Add it");
  await until("the schedule", () => schedules().length === 1);
  const [added] = schedules();
  assert.equal(added.cadence.expression, "0 3 * * *");
  assert.deepEqual([added.destinations, added.instance, added.act], [["vault"], "web", "backup"]);
  await window.says(/every day at/i);
  await window.click("Run now: nightly");
  await window.says(/nightly ran/);
  assert.equal(schedules()[0].slots[0].state, "ran");
  await window.says(/by hand/);
  await window.shot("rooms-13-schedules");
  await window.click("Pause: nightly");
  await window.says(/Paused/);
  assert.equal(schedules()[0].status, "paused");
  // What the command line does is seen here too.
  holdfast(here, "schedule", "resume", "nightly");
  await window.click("Overview");
  await window.says(/Next backup\s+(in|tomorrow)/);
  await window.click("Schedules");
  await window.click("Remove: nightly");
  await window.click("Remove", "//*[@role='dialog']");
  await until("its end", () => schedules().length === 0);
  // The archive of its run, so that what follows finds the one it made.
  for (const { name } of archives().filter((a) => a.type === "scheduled")) {
    holdfast(here, "delete", `vault:${name}`, "--confirm", name);
  }
});

test("an address is kept out of sight", async () => {
  await window.click("Settings");
  await window.type("Ping for a dead-man monitor", "https://monitor.example/s3cret");
  await window.shot("rooms-14-settings");
  await window.click("Keep: Ping for a dead-man monitor");
  await window.says(/An address is kept/);
  assert.ok(!(await window.run("return document.body.innerHTML")).includes("s3cret"));
  assert.equal(holdfast(here, "settings", "show").settings.ping_url, "set");
  await window.click("Forget: Ping for a dead-man monitor");
  await until("the end of the address", () => holdfast(here, "settings", "show").settings.ping_url === undefined);
});

test("an archive is pinned, saved to a file and verified from its destination's room", async () => {
  await window.click("Destinations");
  await window.click("Archives of vault");
  await window.click("Look again");
  await window.says(/1 archive at vault: 0 new, 0 gone, 0 foreign/);
  const [archive] = archives();
  await window.run("document.querySelector('main [aria-expanded]').click()");
  await window.says(new RegExp(archive.name));
  await window.click("Verify");
  await window.says(/The archive is sound/);
  await window.click("Download…");
  await answerDialog("Save the archive", saved);
  await window.says(/The archive is saved/);
  await window.shot("rooms-04-archive");
  const [stored] = files(place);
  assert.deepEqual(readFileSync(saved), readFileSync(stored));
  await window.click("Pin");
  await until("the pin", () => archives()[0].pinned);
  await window.click("Unpin");
  await until("the end of the pin", () => !archives()[0].pinned);
});

test("an archive goes only when its file name is typed in", async () => {
  const [{ name }] = archives();
  await window.click("Delete…");
  await window.type("File name of the archive", name.slice(0, -1));
  const disabled = `return [...document.querySelectorAll("button")].find((b) => b.textContent === "Delete for good").disabled`;
  assert.equal(await window.run(disabled), true);
  assert.equal(files(place).length, 1);
  await window.type("File name of the archive", name);
  await window.shot("rooms-05-delete");
  await window.click("Delete for good");
  await window.says(/The archive is deleted/);
  await window.says(/No archive here yet/);
  assert.deepEqual(files(place), []);
});

test("recipients and signers come and go", async () => {
  await window.click("Keys");
  await window.click("Add recipient");
  await window.type("Public key of the recipient", other.recipient);
  await window.type("Name", "the safe");
  await window.click("Add", "//*[@role='dialog']");
  await until("the recipient", () => holdfast(here, "recipients", "list").recipients.length === 2);
  await window.click("Add signer");
  await window.type("Verification key of the signer", "not a key");
  await window.type("Name", "the other machine");
  await window.click("Add", "//*[@role='dialog']");
  await window.says(/This value cannot be used/);
  await window.shot("rooms-06-no-key");
  await window.type("Verification key of the signer", other.verification_key);
  await window.click("Add", "//*[@role='dialog']");
  await until("the signer", () => holdfast(here, "signers", "list").signers.length === 1);
  await window.says(/the other machine/);
  await window.shot("rooms-07-keys");
  for (const name of ["the safe", "the other machine"]) {
    await window.click(`Remove: ${name}`);
    await window.click("Remove", "//*[@role='dialog']");
    await until(`the end of ${name}`, async () => !(await window.text()).includes(name));
  }
  assert.equal(holdfast(here, "recipients", "list").recipients.length, 1);
  assert.equal(holdfast(here, "signers", "list").signers.length, 0);
});

test("on another machine the kit and an archive bring the instance back, up to its restore", async () => {
  const { id } = holdfast(here, "instance", "show", "web");
  await window.close();
  window = await Window.open(binary, { HOLDFAST_DATA_DIR: there });
  await window.click("To the keys");
  await window.click("Import a recovery kit…");
  await answerDialog("Choose the recovery kit", kit);
  await window.says(/The kit is imported[\s\S]*vault[\s\S]*web/);
  await window.shot("rooms-08-imported");
  await window.click("Instances");
  await window.click("From an archive");
  await window.click("A file…");
  await answerDialog("Choose an archive", saved);
  await window.says(/a known signer/);
  const target = path.join(scratch, "web-again");
  await window.type("Folder of the service", target);
  await window.shot("rooms-09-from-archive");
  await window.click("Add, and go on to the restore");
  await window.says(/What to bring back/);
  const [again] = holdfast(there, "instance", "list").instances;
  assert.deepEqual([again.name, again.id], ["web", id]);
  await window.click("See what would change");
  await window.says(/is made new/);
  await window.click("Continue");
  await window.type("Name of the instance", "web");
  await window.click("Restore now");
  await window.says(/web is restored/, 60_000);
  await window.shot("rooms-10-restored");
  assert.equal(execFileSync("sqlite3", [path.join(target, "app.db"), "SELECT n FROM t"], { encoding: "utf8" }), "1\n");
});

function settings() {
  return holdfast(here, "instance", "show", "web").settings;
}

function schedules() {
  return holdfast(here, "schedule", "list").schedules;
}

function archives() {
  return holdfast(here, "archives").archives;
}

function holdfast(data, ...words) {
  const said = execFileSync(binary, ["--data-dir", data, "--json", ...words], { encoding: "utf8" });
  return said.trim() === "" ? null : JSON.parse(said);
}

function files(dir) {
  if (!existsSync(dir)) return [];
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
