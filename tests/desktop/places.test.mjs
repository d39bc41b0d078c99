// Places and what is kept there, in the real window over the real service: a server that is trusted on first use, a policy that is seen before
// it deletes, and an archive that somebody else's passphrase opens.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import crypto from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { steps } from "./steps.mjs";
import { freePort, until, Window } from "./window.mjs";

const binary = process.env.HOLDFAST_BINARY;
const scratch = mkdtempSync(path.join(os.tmpdir(), "holdfast-places-"));
const data = path.join(scratch, "data");
const service = path.join(scratch, "web");
const far = path.join(scratch, "far");
const known = path.join(scratch, "known_hosts");
const PASSPHRASE = "correct horse battery staple";
/** As the TACACS+ server's own backup would have called it. */
const OLD = "backup-instance_4f3c2b1a-20240506-070809-manual.tar.gz.enc";

let window;
let server;
const test = steps();

before(async () => {
  for (const folder of [service, far]) mkdirSync(folder);
  writeFileSync(known, "");
  execFileSync("sqlite3", [path.join(service, "app.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)"]);
  holdfast("init");
  holdfast("instance", "add", "web", service);
  server = await startServer();
  window = await Window.open(binary, { HOLDFAST_DATA_DIR: data });
});

after(async () => {
  await window?.shot("places-99-end");
  if (window?.isRunning()) await window.close();
  server?.kill();
  rmSync(scratch, { recursive: true, force: true });
});

test("a server that nobody vouches for shows its fingerprint, and is trusted by a click", async () => {
  await window.click("Destinations");
  await window.click("Add destination");
  await window.choose("Where", "SFTP server");
  await window.type("Host", "127.0.0.1");
  await window.type("User name", os.userInfo().username);
  await window.type("Private key", path.join(scratch, "user"));
  await window.type("Folder there", far);
  await window.type("Name", "far");
  await window.click("More settings");
  await window.type("Port", String(server.port));
  await window.type("File of known hosts", known);
  await window.shot("places-01-sftp");
  await window.click("Add and test");
  await window.says(/Is this the server you mean\?/);
  const shown = /SHA256:[A-Za-z0-9+/]+/.exec(await window.text())[0];
  const own = execFileSync("ssh-keygen", ["-lf", path.join(scratch, "host.pub")], { encoding: "utf8" });
  assert.equal(shown, /SHA256:\S+/.exec(own)[0]);
  await window.shot("places-02-fingerprint");
  await window.click("Trust this fingerprint");
  await window.says(/Every check passed/);
  await window.shot("places-03-trusted");
  await window.click("Close");
  assert.deepEqual(readdirSync(far), [], "a test leaves nothing behind");
  assert.equal(readFileSync(known, "utf8"), "", "nothing is added to a file of the user's");
});

test("the place shows what is free there, and can be edited", async () => {
  await window.says(/Free\s+[\d.]+ [MGT]i?B/);
  await window.shot("places-04-place");
  await window.click("Edit far");
  await window.click("More settings");
  await window.type("Speed limit", "100M");
  await window.click("Save and test");
  await window.says(/Every check passed/);
  await window.shot("places-05-edited");
  await window.click("Close");
  assert.equal(holdfast("destination", "show", "far").config.bandwidth_limit, "100M");
});

test("a policy is seen on a calendar, and deletes what it showed", async () => {
  for (let n = 0; n < 4; n += 1) holdfast("backup", "web", "--to", "far");
  const [newest] = archives();
  await window.click("Retention of far");
  await window.click("The newest", "//*[@role='dialog']");
  await window.type("The last", "1");
  await window.type("Never fewer than", "1");
  await window.type("Younger than, in days", "");
  await window.says(/1 stays[\s\S]*3 go/);
  await window.click("These go");
  await window.shot("places-06-retention");
  assert.equal(archives().length, 4, "looking deletes nothing");
  await window.click("Save, and delete 3 now");
  await window.says(/3 old archives at far are deleted/);
  await window.shot("places-07-deleted");
  assert.deepEqual(archives(), [newest]);
  assert.equal(stored().length, 1);
  assert.equal(holdfast("retention", "show", "far").policy.keep_last, 1);
});

test("an archive of the server's own backup is foreign, and opens with its passphrase", async () => {
  const folder = path.join(far, "instance_4f3c2b1a/manual");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, OLD), sealed(oldArchive()));
  await window.click("Archives of far");
  await window.click("Look again");
  await window.says(/2 archives at far: 1 new, 0 gone, 1 foreign/);
  await window.says(/foreign/);
  await window.run("[...document.querySelectorAll('main [aria-expanded]')].at(-1).click()");
  await window.says(/no policy deletes it/);
  await window.shot("places-08-foreign");
  await window.click("Verify");
  await window.says(/Sealed with a passphrase/);
  await window.type("Passphrase", "a guess");
  await window.click("Open", "//*[@role='dialog']");
  await window.says(/does not open with that one/);
  await window.shot("places-09-passphrase");
  await window.type("Passphrase", PASSPHRASE);
  await window.click("Open", "//*[@role='dialog']");
  await window.says(/The archive is sound/);
  assert.ok(!(await window.run("return document.documentElement.outerHTML")).includes(PASSPHRASE));
  const kept = spawnSync("grep", ["-rlF", PASSPHRASE, data], { encoding: "utf8" });
  assert.deepEqual([kept.status, kept.stdout], [1, ""], "nor does it lie in the data folder");
  // It is asked for once.
  await window.click("Restore from this");
  await window.says(/What to bring back/);
  await window.shot("places-10-restore");
});

function holdfast(...args) {
  const env = { ...process.env, HOLDFAST_DATA_DIR: data };
  const said = execFileSync(binary, ["--json", ...args], { env, encoding: "utf8" });
  return said === "" ? null : JSON.parse(said);
}

/** Names, newest first. */
function archives() {
  return holdfast("archives", "--destination", "far").archives.map((archive) => archive.name);
}

function stored() {
  const all = readdirSync(far, { recursive: true });
  return all.filter((name) => name.endsWith(".age"));
}

/** OpenSSH for this user alone, on a port of its own. */
async function startServer() {
  const port = await freePort();
  for (const key of ["host", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path.join(scratch, key)]);
  }
  const config = path.join(scratch, "sshd_config");
  const lines = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: path.join(scratch, "host"),
    AuthorizedKeysFile: path.join(scratch, "user.pub"),
    PermitRootLogin: "prohibit-password",
    PidFile: "none",
    StrictModes: "no",
    UsePAM: "no",
    Subsystem: "sftp internal-sftp",
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} ${value}\n`);
  writeFileSync(config, text.join(""));
  // Where sshd wants to lock itself up while it is not sure of somebody.
  if (process.getuid() === 0) mkdirSync("/run/sshd", { recursive: true });
  const sshd = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => sshd.kill());
  const answers = () =>
    new Promise((done) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.once("data", () => done(true)).once("error", () => done(false));
      socket.once("data", () => socket.destroy());
    });
  await until("the server", answers);
  return { port, kill: () => sshd.kill() };
}

/** Version 1.0: a flat `.tar.gz` with a manifest. */
function oldArchive() {
  const folder = path.join(scratch, "old");
  mkdirSync(folder);
  const database = path.join(folder, "devices.db");
  execFileSync("sqlite3", [database, "CREATE TABLE devices (name TEXT); INSERT INTO devices VALUES ('core')"]);
  const content = readFileSync(database);
  const manifest = {
    backup_metadata: {
      instance_id: "4f3c2b1a-0d9e-4c7b-8a6f-112233445566",
      instance_name: "instance_4f3c2b1a",
      hostname: "tacacs",
      backup_type: "manual",
      timestamp_utc: "2024-05-06T07:08:09.123456+00:00",
      triggered_by: "manual:admin",
      backup_version: "1.0",
    },
    system_info: { server_version: "2.3.1", python_version: "3.13.0", platform: "Linux" },
    config_info: { config_source: "file", config_hash: "0".repeat(64), has_overrides: false },
    contents: [
      {
        file: "devices.db",
        size_bytes: content.length,
        checksum_sha256: crypto.createHash("sha256").update(content).digest("hex"),
        type: "database",
        records: 1,
      },
    ],
    total_size_bytes: content.length,
    encrypted: false,
    encryption_algorithm: null,
    encryption_metadata: null,
  };
  writeFileSync(path.join(folder, "manifest.json"), JSON.stringify(manifest));
  return execFileSync("tar", ["-C", folder, "-cz", "./"], { maxBuffer: 1 << 26 });
}

/** `TCBK`, a byte, a salt and one Fernet token. */
function sealed(plain) {
  const salt = crypto.randomBytes(16);
  const key = crypto.pbkdf2Sync(PASSPHRASE, salt, 100_000, 32, "sha256");
  const iv = crypto.randomBytes(16);
  const cipher = crypto.createCipheriv("aes-128-cbc", key.subarray(16), iv);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_715_000_000n);
  const signed = Buffer.concat([Buffer.from([0x80]), time, iv, cipher.update(plain), cipher.final()]);
  const mac = crypto.createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
  const token = Buffer.concat([signed, mac]).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  return Buffer.concat([Buffer.from("TCBK\x01", "latin1"), salt, Buffer.from(token)]);
}
