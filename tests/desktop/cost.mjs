// What the background process costs while it has nothing to do: `make cost`. Prints what it measures, and fails beyond the limits.
// HOLDFAST_COST_SECONDS: how long it is watched idle (120).
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { Panel, Tray } from "./tray.mjs";
import { sleep, until } from "./window.mjs";

const LIMITS = { grownMiB: 3, cpuPercent: 0.5, wakeUps: 1, writtenBytes: 0 };
const binary = process.env.HOLDFAST_BINARY;
const seconds = Number(process.env.HOLDFAST_COST_SECONDS ?? 120);
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-cost-"));
const env = { ...process.env, HOLDFAST_DATA_DIR: path.join(scratch, "data"), HOLDFAST_KEYRING: "file" };

let program;
let panel;
let never;

before(async () => {
  // As it is on most days: one service, one verified backup, two schedules.
  const service = path.join(scratch, "web");
  const place = path.join(scratch, "archives");
  mkdirSync(service);
  mkdirSync(place);
  execFileSync("sqlite3", [path.join(service, "app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
  holdfast("init");
  holdfast("instance", "add", "web", service);
  holdfast("destination", "add", "vault", "--type", "local", "--set", `base_path=${place}`);
  holdfast("backup", "web", "--to", "vault");
  const at = ["--instance", "web", "--to", "vault", "--cron"];
  holdfast("schedule", "add", "nightly", ...at, "0 3 * * *");
  holdfast("schedule", "add", "proof", ...at, "0 5 * * sun", "--act", "drill");
  panel = await Panel.start();
  program = spawn(binary, ["--background"], { env, stdio: ["ignore", "inherit", "inherit"] });
  const tray = await Tray.of(program.pid);
  await tray.says(/backed up and verified/);
});

after(() => {
  program?.kill("SIGKILL");
  panel?.end();
  rmSync(scratch, { recursive: true, force: true });
});

test(`idle for ${seconds} s: processor, wake-ups, disk`, async () => {
  await sleep(10_000);
  never = memory("never opened");
  const [from, start] = [activity(), performance.now()];
  await sleep(seconds * 1000);
  const to = activity();
  const elapsed = (performance.now() - start) / 1000;
  const cpu = (100 * (to.cpuSeconds - from.cpuSeconds)) / elapsed;
  let wakeUps = 0;
  for (const [thread, { name, switches }] of to.threads) {
    const woken = (switches - (from.threads.get(thread)?.switches ?? 0)) / elapsed;
    wakeUps += woken;
    if (woken > 0) console.log(`  ${name.padEnd(16)} ${woken.toFixed(3)} wake-ups a second`);
  }
  const written = to.written - from.written;
  console.log(
    `  in all: ${wakeUps.toFixed(3)} wake-ups a second, ${cpu.toFixed(4)} % of a core, ${written} bytes to disk`,
  );
  assert.ok(cpu < LIMITS.cpuPercent, "processor");
  assert.ok(wakeUps <= LIMITS.wakeUps, "wake-ups");
  assert.ok(written <= LIMITS.writtenBytes, "disk");
});

test("memory: never opened, window open, closed", async () => {
  execFileSync(binary, { env, timeout: 30_000 });
  await until("the window", () => window());
  await sleep(10_000);
  memory("window open");
  xdotool("windowactivate", "--sync", window());
  xdotool("key", "--clearmodifiers", "alt+F4");
  await until("the end of the window", () => !window());
  await sleep(10_000);
  const closed = memory("closed + 10 s");
  for (const kind of ["pss", "private"]) {
    const grown = closed[kind] - never[kind];
    console.log(`  ${kind}: ${grown.toFixed(1)} MiB above never opened`);
    assert.ok(grown <= LIMITS.grownMiB, kind);
  }
});

/** Of the whole tree of processes, in MiB. */
function memory(when) {
  const sum = { pss: 0, private: 0 };
  const pids = tree();
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const of = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)[1]) / 1024;
    sum.pss += of("Pss");
    sum.private += of("Private_Clean") + of("Private_Dirty");
  }
  const [pss, own] = [sum.pss, sum.private].map((mib) => mib.toFixed(1).padStart(6));
  console.log(`  ${when.padEnd(14)} PSS ${pss} MiB, private ${own} MiB, processes: ${pids.length}`);
  return sum;
}

/** So far, of all threads of the tree. A voluntary context switch is a wake-up that has ended. */
function activity() {
  const found = { cpuSeconds: 0, written: 0, threads: new Map() };
  for (const pid of tree()) {
    found.written += Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const task = `/proc/${pid}/task/${thread}`;
      found.cpuSeconds += Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]) / 1e9;
      const status = readFileSync(`${task}/status`, "utf8");
      const name = /^Name:\s+(.*)$/m.exec(status)[1];
      const switches = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
      found.threads.set(thread, { name, switches });
    }
  }
  return found;
}

function tree(pid = program.pid) {
  const started = readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  });
  return [pid, ...started.flatMap((child) => tree(child))];
}

function window() {
  try {
    return xdotool("search", "--onlyvisible", "--name", "^Holdfast$").split("\n")[0];
  } catch {
    return null; // It finds none, which it calls a failure.
  }
}

function holdfast(...words) {
  return execFileSync(binary, ["--json", ...words], { env, encoding: "utf8" });
}

function xdotool(...args) {
  return execFileSync("xdotool", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}
