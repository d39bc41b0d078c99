// Schedules in the background process: a slot comes due by the real clock, and what is seen of it: the archive, the tray, a real
// notification service, a webhook and a monitor; then a process that is stopped over several slots, and one that is killed in a run.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { openMenu, Panel, Tray } from "./tray.mjs";
import { screenshot, sleep, until } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-schedules-"));
const place = path.join(scratch, "archives");
const gone = path.join(scratch, "archives-elsewhere");
const go = path.join(scratch, "go");
const env = { ...process.env, HOLDFAST_DATA_DIR: path.join(scratch, "data"), HOLDFAST_KEYRING: "file" };

/** A minute to the next slot, and some for a beat and a run. */
const NEXT_SLOT = 110_000;

let program;
let panel;
let tray;
let notifications;
let web;
const heard = [];
const test = steps(300_000);

before(async () => {
  mkdirSync(place);
  mkdirSync(path.join(scratch, "web"));
  execFileSync("sqlite3", [path.join(scratch, "web/app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
  web = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      heard.push({ path: request.url.replace(/\?.*/, ""), body });
      response.end();
    });
  });
  await new Promise((done) => web.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${web.address().port}`;
  holdfast("init");
  holdfast("instance", "add", "web", path.join(scratch, "web"));
  // A run lasts until the test lets it go.
  holdfast("instance", "set", "web", "before_hook=while [ ! -e ../go ]; do sleep 0.05; done");
  holdfast("destination", "add", "vault", "--type", "local", "--set", `base_path=${place}`);
  env.HOOK = `${url}/hook`;
  env.PING = `${url}/ping`;
  holdfast("settings", "set", "--secret", "webhook_url=env:HOOK", "--secret", "ping_url=env:PING");
  const every = ["--cron", "* * * * *", "--set", "settle=0", "--set", "retries=0"];
  holdfast("schedule", "add", "often", "--instance", "web", "--to", "vault", ...every);
  notifications = spawn("dunst", [], { env, stdio: "ignore" });
  notifications.unref();
  await until("the notification service", () => dunst("count") !== null);
});

after(() => {
  writeFileSync(go, "");
  screenshot("schedules-99-end");
  if (program && program.exitCode === null) process.kill(program.pid, "SIGKILL");
  notifications?.kill();
  panel?.end();
  web?.close();
  rmSync(scratch, { recursive: true, force: true });
});

test("a slot comes due: the tray shows the run, the archive is there, webhook and monitor have heard", async () => {
  panel = await Panel.start();
  await start();
  assert.ok(tray.labels().includes("Pause schedules"), tray.labels().join(", "));
  await tray.says(/^Running: web$/, NEXT_SLOT);
  await tray.shows("running");
  await openMenu("schedules-01-running-light");
  await until("the news of its beginning", () => events().includes("started"));
  assert.deepEqual(pings(), ["/ping/start"]);
  assert.equal(show().status, "running");
  writeFileSync(go, "");
  await until("its end", () => slot().state === "ran");
  await tray.says(/^web is backed up and verified/);
  await tray.shows("fine");
  assert.ok(
    archives().some((name) => name.includes("-scheduled.")),
    archives().join(", "),
  );
  await until("the news of its end", () => events().includes("succeeded") && pings().includes("/ping"));
  const told = news().at(-1);
  assert.equal(told.schedule, "often");
  assert.equal(told.run_id, executions()[0].run_id);
  assert.equal(Date.parse(told.slot) % 60_000, 0);
  assert.equal(shown(), 0, "no notification for success");
});

test("a failure is a notification, a webhook and a ping; the next success clears it", async () => {
  renameSync(place, gone);
  await until("the failure", () => show().status === "failing", NEXT_SLOT);
  await until("the notification", () => shown() === 1);
  await tray.shows("failing", 20_000);
  screenshot("schedules-02-failed");
  await until("the news of it", () => events().includes("failed") && pings().includes("/ping/fail"));
  renameSync(gone, place);
  await until("the next success", () => show().status === "idle", NEXT_SLOT);
  await until("the notification to go", () => shown() === 0);
  const titles = JSON.parse(dunst("history"))
    .data.flat()
    .map((entry) => entry.summary.data);
  assert.ok(titles.includes("The backup of web failed"), titles.join(", "));
});

test("the tray pauses and resumes", async () => {
  tray.choose("Pause schedules");
  await tray.says(/^Resume schedules$/);
  assert.equal(show().status, "paused");
  assert.equal(show().next_run, null);
  await openMenu("schedules-03-paused-light");
  tray.choose("Resume schedules");
  await tray.says(/^Pause schedules$/);
  assert.ok(["idle", "running"].includes(show().status));
});

test("a process that is stopped over several slots catches up once, and says which slots it stands for", async () => {
  const before = slot();
  await until("an idle moment", () => show().status === "idle");
  process.kill(program.pid, "SIGSTOP");
  const stopped = Date.now();
  // Over two slots at least, and on until half a minute after the last: what is noticed within seconds is not late.
  const minute = 60_000;
  const goOn = Math.ceil((stopped + 65_000) / minute) * minute + minute / 2;
  await sleep(goOn - stopped);
  process.kill(program.pid, "SIGCONT");
  const caughtUp = () => show().slots.find((s) => s.state === "caught_up" && Date.parse(s.slot) > stopped - 60_000);
  await until("the catch-up", () => caughtUp(), NEXT_SLOT);
  const covered = show().slots.filter((s) => s.reason === "covered" && Date.parse(s.last_slot) > stopped);
  assert.ok(covered.length >= 1, JSON.stringify(show().slots.slice(0, 6)));
  assert.ok(Date.parse(caughtUp().slot) > Date.parse(before.slot));
});

test("killed in the middle of a run, it is interrupted, and the next start makes it again", async () => {
  rmSync(go);
  await tray.says(/^Running: web$/, NEXT_SLOT);
  const killed = await until("the claim", () => show().slots.find((s) => s.state === "running"));
  process.kill(program.pid, "SIGKILL");
  await until("its end", () => program.exitCode !== null || program.signalCode !== null);
  await start();
  const again = () => show().slots.find((s) => s.slot === killed.slot);
  await until("the second attempt", () => again().attempt === 2, 60_000);
  assert.equal(executions().find((e) => e.run_id === killed.run_id).status, "interrupted");
  assert.equal(again().problem.code, "interrupted");
  writeFileSync(go, "");
  await until("its end", () => ["ran", "caught_up"].includes(again().state));
});

test("quitting from the tray ends it, and the schedules with it", async () => {
  await until("an idle moment", () => show().status === "idle");
  tray.choose("Quit");
  await until("the end of the program", () => program.exitCode !== null);
  assert.equal(program.exitCode, 0);
});

async function start() {
  program = spawn(binary, ["--background"], { env, stdio: ["ignore", "inherit", "inherit"] });
  program.unref();
  tray = await Tray.of(program.pid);
  await tray.says(/schedules$/);
}

function holdfast(...words) {
  return execFileSync(binary, ["--json", ...words], { env, encoding: "utf8" });
}

function show() {
  return JSON.parse(holdfast("schedule", "show", "often"));
}

/** The newest. */
function slot() {
  return show().slots[0];
}

function executions() {
  return JSON.parse(holdfast("history")).executions;
}

/** What the webhook got. */
function news() {
  return heard.filter((h) => h.path === "/hook").map((h) => JSON.parse(h.body));
}

function events() {
  return news().map((n) => n.event);
}

function pings() {
  return heard.map((h) => h.path).filter((p) => p.startsWith("/ping"));
}

function dunst(...words) {
  try {
    return execFileSync("dunstctl", words, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return null; // It does not answer yet.
  }
}

/** Notifications on the screen. */
function shown() {
  return Number(dunst("count", "displayed"));
}

/** What has its final name. */
function archives() {
  const all = existsSync(place) ? readdirSync(place, { recursive: true }) : [];
  return all.map((file) => path.basename(file)).filter((file) => file.startsWith("backup-"));
}
