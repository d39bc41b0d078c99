// The journey of a first day, in the real window over the real service: add an instance, a place, back up, break it, bring it back,
// take that back. What counts is what is on disk.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { answerDialog, until, Window } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-window-"));
const service = path.join(scratch, "tacacs");
const place = path.join(scratch, "archives");
const kit = path.join(scratch, "kit.txt");
const devices = path.join(service, "data/devices.db");
const users = path.join(service, "data/local_auth.db");

let window;
const test = steps();

before(async () => {
  makeService();
  mkdirSync(place);
  window = await Window.open(binary, { HOLDFAST_DATA_DIR: path.join(scratch, "data") });
});

after(async () => {
  window?.desktop("99-desktop");
  await window?.shot("99-end");
  await window?.close();
});

test("the first window offers a service of one's own and a sample", async () => {
  await window.says(/Nothing is backed up yet/);
  await window.says(/Try it on a sample/);
  await window.shot("01-welcome");
});

test("the page may do nothing but ask this program", async () => {
  const fetched = await window.run(`
    return fetch("https://example.org/").then(() => "let through", () => "refused")`);
  assert.equal(fetched, "refused");
  const plugin = await window.run(`
    return window.__TAURI_INTERNALS__.invoke("plugin:event|emit", { event: "act", payload: null })
      .then(() => "let through", () => "refused")`);
  assert.equal(plugin, "refused");
});

test("a folder chosen in the dialog is scanned, shown and added", async () => {
  await window.click("Choose a folder");
  await answerDialog("Choose the folder of a service", service);
  await window.says(/What would be backed up/);
  await window.says(/devices\.db/);
  await window.shot("02-scan");
  await window.type("Name", "tacacs");
  await window.click("Add it");
  await window.says(/Getting safe/);
  await window.shot("03-steps");
});

test("a folder becomes a destination that passes its test", async () => {
  await window.click("Add destination");
  await window.click("Choose…");
  await answerDialog("Choose a folder for the archives", place);
  await window.click("Add and test");
  await window.says(/Every check passed/);
  await window.shot("04-destination");
  await window.click("Close");
  assert.deepEqual(readdirSync(place), [], "a test leaves nothing behind");
});

test("back up now leaves one encrypted archive and says so", async () => {
  await window.click("Overview");
  await window.click("Back up now", "//article");
  await window.click("Back up now", "//*[@role='dialog']");
  await window.says(/tacacs is backed up/, 60_000);
  await window.shot("05-backed-up");
  const archives = files(place);
  assert.equal(archives.length, 1, archives.join(" "));
  assert.match(archives[0], /backup-tacacs-\d{8}-\d{6}-manual\.tar\.gz\.age$/);
  assert.equal(readFileSync(archives[0]).subarray(0, 21).toString(), "age-encryption.org/v1");
});

test("the recovery kit is saved where the user says, for the user alone", async () => {
  await window.click("Save kit");
  await answerDialog("Save the recovery kit", kit);
  await until("the end of the first steps", async () => !/Getting safe/.test(await window.text()));
  assert.match(readFileSync(kit, "utf8"), /AGE-SECRET-KEY-1/);
  assert.equal(statSync(kit).mode & 0o777, 0o600);
});

test("a restore waits for the exact name and brings back only what was chosen", async () => {
  sql(devices, "DELETE FROM devices WHERE id > 3");
  sql(users, "INSERT INTO local_users (username) VALUES ('after-the-backup')");
  await window.click("History");
  await window.click("Details of Backup · tacacs");
  await window.shot("06-history");
  await window.click("Restore from this");
  await window.says(/What to bring back/);
  await window.click("Everything");
  await window.click("devices");
  await window.shot("07-choice");
  await window.click("See what would change");
  await window.says(/devices\s+3\s+120/);
  await window.shot("08-plan");
  await window.click("Continue");
  await window.type("Name of the instance", "tacac");
  const disabled = `return [...document.querySelectorAll("button")].find((b) => b.textContent === "Restore now").disabled`;
  assert.equal(await window.run(disabled), true);
  assert.equal(rows(devices, "devices"), 3, "nothing changes before the name is typed");
  await window.type("Name of the instance", "tacacs");
  await window.click("Restore now");
  await window.says(/tacacs is restored/, 60_000);
  await window.shot("09-restored");
  assert.equal(rows(devices, "devices"), 120);
  assert.equal(rows(users, "local_users"), 61, "what was not chosen is untouched");
  assert.equal(sql(devices, "PRAGMA integrity_check"), "ok");
});

test("one click takes the restore back", async () => {
  await window.click("Undo");
  await window.type("Name of the instance", "tacacs");
  await window.click("Undo now");
  await window.says(/The restore is undone/, 60_000);
  await window.shot("10-undone");
  assert.equal(rows(devices, "devices"), 3);
});

test("a file chosen in the dialog is opened as an archive", async () => {
  await window.click("Restore something else");
  await window.click("From a file…");
  await answerDialog("Choose an archive", files(place)[0]);
  await window.says(/this installation/);
  await window.shot("11-from-file");
});

test("a file that is no archive is refused in words, with what to do", async () => {
  const text = path.join(scratch, "notes.txt");
  writeFileSync(text, "not an archive\n");
  await window.click("Back");
  await window.click("From a file…");
  await answerDialog("Choose an archive", text);
  await window.says(/Code: \w+/);
  await window.shot("12-refused");
});

/** A small server's folder, one database in each journal mode. */
function makeService() {
  mkdirSync(path.join(service, "config"), { recursive: true });
  mkdirSync(path.join(service, "data"));
  const config = ["[server]", "host = 0.0.0.0", "port = 49", "", "[database]"];
  writeFileSync(
    path.join(service, "config/tacacs.conf"),
    [...config, "devices_db = data/devices.db", "auth_db = data/local_auth.db", ""].join("\n"),
  );
  const counted = (n) => `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${n})`;
  sql(
    devices,
    `PRAGMA journal_mode=WAL; CREATE TABLE devices (id INTEGER PRIMARY KEY, name TEXT, network TEXT);
     ${counted(120)} INSERT INTO devices SELECT n, 'switch-' || n, '10.0.' || n || '.0/24' FROM c`,
  );
  sql(
    users,
    `CREATE TABLE local_users (id INTEGER PRIMARY KEY, username TEXT);
     ${counted(60)} INSERT INTO local_users SELECT n, 'user-' || n FROM c`,
  );
}

function sql(database, statements) {
  return execFileSync("sqlite3", ["-cmd", ".timeout 5000", database, statements], { encoding: "utf8" }).trim();
}

function rows(database, table) {
  return Number(sql(database, `SELECT count(*) FROM ${table}`));
}

function files(dir) {
  if (!existsSync(dir)) return [];
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
