// A program that is not there: it keeps its state in memory, so that the page runs in a plain browser and in tests.
import type { ActEvent } from "./bindings/ActEvent";
import type { ActKind } from "./bindings/ActKind";
import type { ArchiveRow } from "./bindings/ArchiveRow";
import type { BackupExecution } from "./bindings/BackupExecution";
import type { Execution } from "./bindings/Execution";
import type { ExecutionKind } from "./bindings/ExecutionKind";
import type { Instance } from "./bindings/Instance";
import type { Phase } from "./bindings/Phase";
import type { Problem } from "./bindings/Problem";
import type { RecipientRow } from "./bindings/RecipientRow";
import type { RestoreReport } from "./bindings/RestoreReport";
import type { RunningAct } from "./bindings/RunningAct";
import type { RunReport } from "./bindings/RunReport";
import type { Signer } from "./bindings/Signer";
import type { StatusReport } from "./bindings/StatusReport";
import type { Host } from "./host";
import * as made from "./host.fake.data";
import { fakeRetention } from "./host.fake.retention";
import { fakeSchedules } from "./host.fake.schedules";

/** What it starts with. `foreign`: every archive was signed by a key that is not known. */
export type Scene = "empty" | "settled" | "trouble" | "foreign";

export interface FakeOptions {
  /** Of each step of an act, in milliseconds. */
  pace?: number;
  /** What the dialogs answer. */
  folder?: string | null;
  file?: string | null;
  /** What its status says instead. */
  standing?: Partial<StatusReport>;
}

export function sceneOf(search: string): Scene {
  const scene = new URLSearchParams(search).get("scene");
  return scene === "settled" || scene === "trouble" || scene === "foreign" ? scene : "empty";
}

/** The host, and a list of what it was asked to change. */
export type FakeHost = Host & { asked: { verb: string; args: unknown[] }[]; emit: (event: ActEvent) => void };

const cancelled: Problem = { code: "cancelled", message: "cancelled", hint: "nothing was left half done" };

/** Their names, with a `-` before those to be forgotten. Not the secrets themselves: what is asked is shown. */
const secretsGiven = (secrets: Record<string, string>) =>
  Object.entries(secrets).map(([name, secret]) => (secret === "" ? `-${name}` : name));

export function fakeHost(scene: Scene, options: FakeOptions = {}): FakeHost {
  const { pace = 120, folder = "/srv/tacacs", file = "/home/ada/backup.tar.gz.age" } = options;
  const settled = scene !== "empty";
  let keys = settled ? made.KEYS : null;
  let instances: Instance[] = settled ? [made.instance("tacacs", "/srv/tacacs", "1f0c9a3e")] : [];
  let destinations = settled ? [made.destination("nas", "/mnt/nas/backups", "d1")] : [];
  let history: Execution[] = settled ? made.history(scene === "trouble") : [];
  let recipients: RecipientRow[] = [{ recipient: made.KEYS.recipient, name: "this machine", own: true }];
  let signers: Signer[] = [];
  const settings: Record<string, string> = {};
  const running = new Map<string, RunningAct>();
  const stopped = new Set<string>();
  const listeners = new Set<(event: ActEvent) => void>();
  const asked: FakeHost["asked"] = [];
  const emit = (event: ActEvent) => {
    for (const listener of listeners) listener(event);
  };
  const did = (verb: string, ...args: unknown[]) => void asked.push({ verb, args });
  const after = <T>(value: T): Promise<T> =>
    new Promise((done) => setTimeout(() => done(structuredClone(value)), pace / 4));
  const fail = (problem: Problem) => Promise.reject<never>(problem);
  const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

  async function run(id: string, kind: ActKind, subject: string, phases: Phase[]) {
    const total = 1_400_000_000;
    const act: RunningAct = {
      id,
      kind,
      subject,
      started_at: new Date().toISOString(),
      progress: { phase: "preparing", done_bytes: 0, total_bytes: 0, what: "" },
    };
    const end = () => {
      running.delete(id);
      emit({ event: "ended", id });
    };
    for (const phase of phases) {
      for (let step = 0; step <= 10; step += 1) {
        act.progress = {
          phase,
          done_bytes: (total * step) / 10,
          total_bytes: total,
          what: made.COMPONENTS[step % 7]?.name ?? "",
        };
        running.set(id, structuredClone(act));
        emit({ event: "changed", act: structuredClone(act) });
        await wait(pace);
        if (stopped.has(id)) {
          end();
          throw cancelled;
        }
      }
    }
    end();
  }

  const record = (kind: ExecutionKind, instance: string, more: Partial<Execution>) => {
    const id = instances.find((i) => i.name === instance)?.id ?? null;
    const execution = made.execution({ kind, instance_id: id, id: `e${history.length + 1}`, ...more });
    history = [execution, ...history];
    return execution;
  };

  const backedUp = async (act: string, instance: string, to: string[], comment: string): Promise<BackupExecution[]> => {
    await run(act, "backup", instance, ["capturing", "packing", "verifying"]);
    return to.map((name) => {
      const destination_id = destinations.find((d) => d.name === name)?.id ?? null;
      const row = record("backup", instance, { destination_id, comment: comment || null, ...made.archive(instance) });
      return {
        id: row.id,
        destination: name,
        archive: row.backup_filename,
        status: row.status,
        size_bytes: row.size_bytes,
        compressed_size_bytes: row.compressed_size_bytes,
        sha256: row.archive_sha256,
        warnings: [],
        problem: null,
      };
    });
  };

  const schedules = fakeSchedules({
    filled: settled,
    trouble: scene === "trouble",
    did,
    after,
    fail,
    changed: () => emit({ event: "schedules_changed" }),
    run: async (id, { name, act, instance, destinations: to }) => {
      const report: RunReport = {
        run_id: "r1",
        schedule: name,
        act,
        state: "ran",
        problem: null,
        executions: [],
        checks: [],
        retention: [],
      };
      if (act === "backup") return { ...report, executions: await backedUp(id, instance, to, "") };
      await run(id, act, instance, ["fetching", "checking"]);
      return { ...report, checks: to.map((place) => made.sound(`${place}:backup-${instance}.tar.gz.age`)) };
    },
  });

  const restored = (kind: "restore" | "undo", instance: string, components: string[]): RestoreReport => ({
    execution_id: record(kind, instance, { destination_id: null }).id,
    safety_backup: `/home/ada/.local/share/holdfast/safety/${instance}-1f0c9a3e/backup-${instance}-20260301-120000-safety.tar.gz.age`,
    components: components.map((name) => ({ name, status: "restored" })),
    restart_required: true,
    fetched_bytes: 420_000,
    warnings: [],
  });

  const destinationOf = (e: Execution) => destinations.find((d) => d.id === e.destination_id)?.name ?? "";
  const named = (e: Execution) => `${destinationOf(e)}:${e.backup_filename}`;
  const archives = (): ArchiveRow[] =>
    history
      .filter((e) => e.kind === "backup" && e.backup_filename !== null && destinationOf(e) !== "")
      .map((e) => made.archiveRow(e, destinationOf(e)));

  const retention = fakeRetention({
    archives: (of) => archives().filter((a) => a.destination === of),
    did,
    after,
    run: (act, name) => run(act, "retention", name, ["applying"]),
    remove: (gone) => {
      history = history.filter((e) => !gone.includes(named(e)));
    },
  });

  const status = (): StatusReport => {
    const newest = history.find((e) => e.kind === "backup" && e.verified_at !== null);
    const at = newest?.started_at ?? null;
    const rows = instances.map((i) => ({
      name: i.name,
      last_verified_at: at,
      restorable_as_of: at,
      next_run: schedules.nextRun(i.name),
    }));
    const concerned = rows.map((r) => r.name);
    const well: StatusReport = {
      state: "well",
      reason: "well",
      sentence: "",
      concerned: [],
      problem: null,
      instances: rows,
      warnings: [],
    };
    if (scene === "trouble") {
      return { ...well, state: "failing", reason: "backup_failed", concerned, warnings: [made.OPEN] };
    }
    if (rows.length === 0) return { ...well, state: "attention", reason: "no_instance" };
    if (newest) return well;
    return { ...well, state: "attention", reason: "not_verified", concerned };
  };

  return {
    asked,
    emit,
    place: () => after(made.PLACE),
    status: () => after({ ...status(), ...options.standing }),

    instances: () => after(instances),
    scan: (path, _template, exclude = []) => {
      did("scan", path, exclude);
      return path.includes("empty") ? fail(made.NOTHING_THERE) : after(made.scan(path, exclude));
    },
    instanceScan: (name) => after(made.scan(instances.find((i) => i.name === name)?.path ?? "")),
    addInstance: (name, path) => {
      did("addInstance", name, path);
      if (instances.some((i) => i.name === name)) return fail(made.taken(name));
      const instance = made.instance(name, path, "1f0c9a3e");
      instances = [...instances, instance];
      return after(instance);
    },
    addInstanceFrom: (name, path, archive, accept) => {
      did("addInstanceFrom", name, path, archive, accept);
      if (instances.some((i) => i.name === name)) return fail(made.taken(name));
      const instance = made.instance(name, path, "1f0c9a3e");
      instances = [...instances, instance];
      return after(instance);
    },
    setInstance: (name, changes) => {
      did("setInstance", name, changes);
      const instance = instances.find((i) => i.name === name);
      if (!instance) return fail(made.unknown(name));
      const bad = changes.find(([key, value]) => key === "exclude" && value.includes("["));
      if (bad) return fail(made.badGlob(bad[1]));
      const changed = { ...instance, settings: made.changed(instance.settings, changes) };
      instances = instances.map((i) => (i.name === name ? changed : i));
      return after(changed);
    },
    testHook: async (act, name, hook) => {
      did("testHook", name, hook);
      await run(act, "hook", name, ["running_hook"]);
      const line = instances.find((i) => i.name === name)?.settings.hooks[hook] ?? "";
      return after(made.hookReport(hook, line));
    },
    addSample: () => {
      did("addSample");
      const instance = made.instance("sample", "/home/ada/.local/share/holdfast-sample", "1f0c9a3e");
      instances = [...instances, instance];
      return after(instance);
    },
    removeInstance: (name) => {
      did("removeInstance", name);
      instances = instances.filter((i) => i.name !== name);
      return after(undefined);
    },

    destinations: () => after(destinations),
    addDestination: (name, type, config, secrets) => {
      did("addDestination", name, type, config, secretsGiven(secrets));
      if (destinations.some((d) => d.name === name)) return fail(made.taken(name));
      const destination = { ...made.destination(name, "", `d${destinations.length + 1}`), type, config };
      destinations = [...destinations, destination];
      return after(destination);
    },
    setDestination: (name, settings, secrets) => {
      did("setDestination", name, settings, secretsGiven(secrets));
      const before = destinations.find((d) => d.name === name);
      if (!before) return fail(made.unknown(name));
      const set = Object.entries({ ...before.config, ...settings }).filter(([, value]) => value !== "");
      const destination = { ...before, config: Object.fromEntries(set) };
      destinations = destinations.map((d) => (d.name === name ? destination : d));
      return after(destination);
    },
    freeSpace: () => after(scene === "trouble" ? null : 182_000_000_000),
    testDestination: (name) => {
      const place = destinations.find((d) => d.name === name);
      if (place && place.type !== "local" && !place.config.fingerprint) return after(made.TEST_UNTRUSTED);
      return after(scene === "trouble" ? made.TEST_BAD : made.TEST_GOOD);
    },
    enableDestination: (name, enabled) => {
      did("enableDestination", name, enabled);
      destinations = destinations.map((d) => (d.name === name ? { ...d, enabled } : d));
      return after(undefined);
    },
    removeDestination: (name) => {
      did("removeDestination", name);
      destinations = destinations.filter((d) => d.name !== name);
      return after(undefined);
    },

    rebuildCatalogue: async (act, name) => {
      did("rebuildCatalogue", name);
      await run(act, "catalogue", name, ["fetching"]);
      return { destination: name, found: history.length, added: 0, removed: 0, foreign: 0 };
    },

    archives: (of) => after(archives().filter((a) => of === null || a.destination === of)),
    download: async (act, archive, path) => {
      did("download", archive, path);
      await run(act, "download", archive, ["fetching"]);
    },
    pin: (archive, pinned) => {
      did("pin", archive, pinned);
      history = history.map((e) => (named(e) === archive ? { ...e, pinned } : e));
      return after(undefined);
    },
    deleteArchive: (archive, confirm) => {
      did("deleteArchive", archive, confirm);
      if (!archive.endsWith(`:${confirm}`)) return fail(made.NOT_CONFIRMED);
      history = history.filter((e) => named(e) !== archive);
      return after(undefined);
    },
    backup: async (act, instance, to, comment) => {
      did("backup", instance, to, comment);
      return { run_id: "r1", executions: await backedUp(act, instance, to, comment) };
    },
    history: (limit) => after(history.slice(0, limit)),
    givePassphrase: (passphrase) => {
      did("givePassphrase", passphrase);
      return after(undefined);
    },
    show: (archive) => after(made.show(archive, scene === "foreign" ? "unknown" : "this-installation")),
    verify: async (act, archive) => {
      await run(act, "verify", archive, ["verifying"]);
      return made.sound(archive);
    },
    drill: async (act, archive) => {
      await run(act, "drill", archive, ["fetching", "checking"]);
      return made.sound(archive);
    },

    ...schedules,
    ...retention,

    plan: (_archive, _instance, components) => after(made.plan(components)),
    restore: async (act, order) => {
      did("restore", order);
      if (order.confirm !== order.instance) return fail(made.NOT_CONFIRMED);
      await run(act, "restore", order.instance, ["fetching", "checking", "saving_before", "applying"]);
      return restored("restore", order.instance, order.components);
    },
    undo: async (act, execution, instance, confirm) => {
      did("undo", execution, instance, confirm);
      await run(act, "undo", instance, ["applying"]);
      return restored("undo", instance, ["devices"]);
    },

    init: () => {
      keys = made.KEYS;
      return after(made.KEYS);
    },
    publicKeys: () => after(keys),
    recipients: () => after(recipients),
    addRecipient: (recipient, name) => {
      did("addRecipient", recipient, name);
      if (!recipient.startsWith("age1")) return fail(made.badRecipient(recipient));
      recipients = [...recipients, { recipient, name, own: false }];
      return after(undefined);
    },
    removeRecipient: (recipient) => {
      did("removeRecipient", recipient);
      if (recipients.length === 1) return fail(made.LAST_RECIPIENT);
      recipients = recipients.filter((r) => r.recipient !== recipient);
      return after(undefined);
    },
    signers: () => after(signers),
    addSigner: (verification_key, name) => {
      did("addSigner", verification_key, name);
      const signer = { key_id: "E7620F1842B4E81F", verification_key, name };
      signers = [...signers, signer];
      return after(signer);
    },
    removeSigner: (keyId) => {
      did("removeSigner", keyId);
      signers = signers.filter((s) => s.key_id !== keyId);
      return after(undefined);
    },
    exportKit: (path) => {
      did("exportKit", path);
      return after(undefined);
    },
    importKit: (path) => {
      did("importKit", path);
      keys = made.KEYS;
      return after(made.IMPORTED);
    },

    settings: () => after(settings),
    setSettings: (changes) => {
      did("setSettings", changes);
      for (const [key, value] of Object.entries(changes)) {
        if (value === "") delete settings[key];
        else settings[key] = value;
      }
      return after(undefined);
    },
    setSecretSettings: (secrets) => {
      // Not the secrets themselves: what is asked is shown.
      did("setSecretSettings", Object.keys(secrets));
      if (Object.values(secrets).some((secret) => !/^https?:/.test(secret))) return fail(made.badAddress());
      for (const key of Object.keys(secrets)) settings[key] = "set";
      return after(undefined);
    },

    acts: () => after([...running.values()]),
    onAct: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    cancel: (act) => {
      did("cancel", act);
      stopped.add(act);
      return after(undefined);
    },
    quit: () => {
      did("quit");
      return after(undefined);
    },
    close: (answer) => {
      did("close", answer);
      return after(undefined);
    },

    pickFolder: () => after(folder),
    pickFile: () => after(file),
    saveFile: (_title, name) => after(`/home/ada/${name}`),
  };
}
