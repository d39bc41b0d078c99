// What the fake program knows: a TACACS+ server's shapes with made-up figures.
import type { ArchiveRow } from "./bindings/ArchiveRow";
import type { CheckReport } from "./bindings/CheckReport";
import type { Component } from "./bindings/Component";
import type { DestinationConfig } from "./bindings/DestinationConfig";
import type { Execution } from "./bindings/Execution";
import type { HookKind } from "./bindings/HookKind";
import type { HookReport } from "./bindings/HookReport";
import type { ImportReport } from "./bindings/ImportReport";
import type { Instance } from "./bindings/Instance";
import type { InstanceSettings } from "./bindings/InstanceSettings";
import type { Place } from "./bindings/Place";
import type { Problem } from "./bindings/Problem";
import type { PublicKeys } from "./bindings/PublicKeys";
import type { RestorePlan } from "./bindings/RestorePlan";
import type { Scan } from "./bindings/Scan";
import type { ShowReport } from "./bindings/ShowReport";
import type { SignatureVerdict } from "./bindings/SignatureVerdict";
import type { TestReport } from "./bindings/TestReport";
import type { Warning } from "./bindings/Warning";

export const KEYS: PublicKeys = {
  recipient: "age1qy352euf40x77qfrg4ncn27dauqjx3t83x0d2vml0v5xcdmzjyqs2ka3fm",
  verification_key: "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
};

export const PLACE: Place = { data_dir: "/home/ada/.local/share/holdfast", keys_in: "keyring", version: "0.1.0" };

export const OPEN: Warning = {
  code: "data_folder_open",
  message: "the data folder /home/ada/.local/share/holdfast can be read by others",
  component: null,
};

export const NOTHING_THERE: Problem = {
  code: "nothing_to_back_up",
  message: "`/srv/empty` holds nothing to back up",
  hint: "check that the disk is mounted and that this is the service's folder",
};

export const NOT_CONFIRMED: Problem = {
  code: "confirmation",
  message: "The confirmation is not the name",
  hint: "Confirm with the name.",
};

export function taken(name: string): Problem {
  return { code: "taken", message: `instance \`${name}\` is there already`, hint: "choose another name" };
}

export function unknown(name: string): Problem {
  return { code: "unknown", message: `There is no instance called ${name}`, hint: "Check the spelling." };
}

export function badGlob(glob: string): Problem {
  return { code: "bad_value", message: `${glob} cannot be the exclude: it is no pattern`, hint: "Correct the value." };
}

export function badAddress(): Problem {
  return { code: "bad_value", message: "webhook_url cannot be the address of the web", hint: "Correct the value." };
}

/** A line that would fail says `exit 3`. */
export function hookReport(hook: HookKind, line: string): HookReport {
  const ok = !line.includes("exit 3");
  const problem = {
    code: "hook_test_failed",
    message: `The ${hook} hook: it ended with exit status: 3`,
    hint: "Mend it.",
  };
  return { hook, ok, exit_status: ok ? 0 : 3, seconds: 1.25, output: `${line}\n`, problem: ok ? null : problem };
}

export function badRecipient(text: string): Problem {
  return { code: "bad_value", message: `${text} cannot be the age recipient`, hint: "Correct the value." };
}

export const LAST_RECIPIENT: Problem = {
  code: "last_recipient",
  message: "This is the last recipient: without one nobody could open the archives",
  hint: "Add another recipient first.",
};

export const IMPORTED: ImportReport = {
  recipient: KEYS.recipient,
  verification_key: KEYS.verification_key,
  signer: "E7620F1842B4E81F",
  destinations: ["nas"],
  destinations_skipped: [],
  instances: [{ id: "1f0c9a3e", name: "tacacs", path: "/srv/tacacs" }],
};

export const COMPONENTS: (Component & { size: number })[] = [
  { name: "config", kind: "config", sources: ["config/tacacs.conf"], size: 4_812 },
  { name: "overrides", kind: "database", sources: ["data/config_overrides.db"], size: 102_400 },
  { name: "devices", kind: "database", sources: ["data/devices.db"], size: 81_920 },
  { name: "users", kind: "database", sources: ["data/local_auth.db"], size: 36_864 },
  { name: "accounting", kind: "database", sources: ["data/tacacs_accounting.db"], size: 1_155_072_000 },
  { name: "metrics", kind: "database", sources: ["data/metrics_history.db"], size: 12_288_000 },
  { name: "audit", kind: "database", sources: ["data/audit_trail.db"], size: 98_304_000 },
];

export function instance(name: string, path: string, id: string): Instance {
  return {
    id,
    name,
    path,
    template: "tacacs",
    components: COMPONENTS.map(({ name: part, kind, sources }) => ({ name: part, kind, sources })),
    settings: {
      compression: "gzip",
      encryption: "recipients",
      check: "quick",
      max_block_ms: 2000,
      when_busy: "fail",
      hooks: { before: "", after: "", stop: "", start: "" },
      exclude: [],
    },
    created_at: "2026-01-10T08:00:00Z",
  };
}

export function destination(name: string, path: string, id: string): DestinationConfig {
  return {
    id,
    name,
    type: "local",
    enabled: true,
    config: { base_path: path },
    created_at: "2026-01-10T08:00:00Z",
    created_by: "ada",
    last_backup_at: null,
    last_backup_status: null,
  };
}

/** The settings after `setInstance`. */
export function changed(settings: InstanceSettings, changes: [string, string][]): InstanceSettings {
  const exclude = changes.filter(([key]) => key === "exclude").map(([, glob]) => glob);
  const others = changes.filter(([key]) => key !== "exclude" && !key.endsWith("_hook"));
  const hooks = changes.filter(([key]) => key.endsWith("_hook")).map(([key, line]) => [key.slice(0, -5), line]);
  return {
    ...settings,
    ...Object.fromEntries(others),
    hooks: { ...settings.hooks, ...Object.fromEntries(hooks) },
    exclude: exclude.length > 0 ? exclude.filter(Boolean) : settings.exclude,
  };
}

export function scan(path: string, exclude: string[] = []): Scan {
  return {
    path,
    template: "tacacs",
    components: COMPONENTS.map(({ name, kind, sources, size }) => ({
      name,
      kind,
      sources: sources.map((source) => ({ path: source, readable: true, writable: name !== "audit", owner: "tacacs" })),
      size_bytes: size,
    })),
    left_out: [
      { path: "data/devices.db-wal", reason: "side_file" },
      ...exclude.map((glob) => ({ path: glob, reason: "excluded" })),
    ],
    warnings: [],
  };
}

export const TEST_GOOD: TestReport = {
  ok: true,
  checks: [
    { name: "reach", ok: true, message: "local" },
    { name: "write", ok: true, message: "" },
    { name: "listing", ok: true, message: "" },
    { name: "nothing_left", ok: true, message: "" },
  ],
  fingerprint: null,
};

export const TEST_BAD: TestReport = {
  ok: false,
  checks: [{ name: "write", ok: false, message: "forbidden: /mnt/nas/backups cannot be written" }],
  fingerprint: null,
};

export const TEST_UNTRUSTED: TestReport = {
  ok: false,
  checks: [{ name: "reach", ok: false, message: "trust: the host key of backup.example.net is not known" }],
  fingerprint: "SHA256:hGg8jW0Zz8m4Yk5Q2n1xw3T0r9vB7cJfLdKpEoAsUiM",
};

let clock = 0;

/** A finished act of a moment ago; each later one is a minute younger. */
export function execution(of: Partial<Execution>): Execution {
  clock += 1;
  const at = Date.now() - 7_200_000 + clock * 60_000;
  return {
    id: "e0",
    destination_id: "d1",
    backup_filename: null,
    backup_path: null,
    triggered_by: "window",
    started_at: new Date(at).toISOString(),
    completed_at: new Date(at + 4_200).toISOString(),
    status: "completed",
    size_bytes: null,
    compressed_size_bytes: null,
    files_included: null,
    error_message: null,
    kind: "backup",
    run_id: "r1",
    instance_id: "1f0c9a3e",
    archive_sha256: null,
    manifest_sha256: null,
    sequence: null,
    verified_at: null,
    drilled_at: null,
    pinned: false,
    comment: null,
    warnings: [],
    ...of,
  };
}

/** What a backup adds to its record. */
export function archive(name: string): Partial<Execution> {
  return {
    backup_filename: `backup-${name}-20260301-${120000 + clock}-manual.tar.gz.age`,
    size_bytes: 1_266_000_000,
    compressed_size_bytes: 420_000_000,
    files_included: 7,
    archive_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    verified_at: new Date().toISOString(),
  };
}

export function archiveRow(of: Execution, destination: string): ArchiveRow {
  return {
    destination,
    name: of.backup_filename ?? "",
    instance: "tacacs",
    type: "manual",
    created_at: of.started_at,
    compressed_size_bytes: of.compressed_size_bytes ?? 0,
    encrypted: true,
    pinned: of.pinned,
    verified_at: of.verified_at,
    drilled_at: of.drilled_at,
    execution_id: of.id,
    status: of.status,
    foreign: false,
  };
}

export function history(trouble: boolean): Execution[] {
  const first = execution({ id: "h1", ...archive("tacacs"), pinned: true, comment: "before the upgrade" });
  const second = execution({ id: "h2", ...archive("tacacs"), drilled_at: new Date().toISOString() });
  const failed = execution({
    id: "h3",
    status: "failed",
    error_message: "destination `nas`: unreachable: no route to host",
  });
  const partial = execution({
    id: "h4",
    status: "partial",
    ...archive("tacacs"),
    verified_at: null,
    warnings: [
      { code: "component_missing", message: "`data/metrics_history.db` was locked for 2 s", component: "metrics" },
    ],
  });
  return trouble ? [failed, partial, second, first] : [second, first];
}

export function show(archiveRef: string, signature: SignatureVerdict): ShowReport {
  return {
    archive: archiveRef,
    signature,
    key_id: signature === "none" ? null : "E7620F1842B4E81F",
    claims_broken: [],
    compressed_size_bytes: 420_000_000,
    fetched_bytes: 66_000,
    manifest: {
      backup_metadata: {
        instance_id: "1f0c9a3e",
        instance_name: "tacacs",
        hostname: "aaa-1",
        backup_type: "manual",
        timestamp_utc: "2026-03-01T12:00:00Z",
        triggered_by: "window",
        comment: "",
        backup_version: "2.0",
        archive_name: "backup-tacacs-20260301-120000-manual.tar.gz.age",
        run_id: "r1",
        sequence: 7,
      },
      system_info: { app_version: "0.1.0", platform: "linux x86_64", sqlite_version: "3.50.4" },
      config_info: { config_source: "file", config_hash: "", has_overrides: true },
      components: COMPONENTS.map(({ name, kind, sources }) => ({
        name,
        kind,
        status: "ok",
        source: sources[0] ?? "",
        index_sha256: null,
        counts: null,
      })),
      contents: [],
      capture: { started_at: "2026-03-01T12:00:00Z", window_ms: 0.4, exact: true },
      total_size_bytes: 1_266_000_000,
      encrypted: true,
      encryption_algorithm: "age-x25519",
      members: { compressed: [], uncompressed: [], sha256: [] },
      warnings: [],
    },
  };
}

export function sound(archiveRef: string): CheckReport {
  return {
    archive: archiveRef,
    ok: true,
    problems: [],
    fetched_bytes: 420_000_000,
    signature: "this-installation",
    claims_broken: [],
  };
}

export function plan(components: string[]): RestorePlan {
  const chosen = COMPONENTS.filter((c) => components.includes(c.name));
  return {
    fetch_bytes: 420_000,
    space_needed_bytes: 1_600_000,
    components: chosen.map(({ name, kind, sources }) => ({
      name,
      kind,
      action: "replace",
      targets: sources.map((source) => `/srv/tacacs/${source}`),
      tables:
        kind === "database"
          ? {
              devices: { live: 112, archive: 120 },
              device_groups: { live: 6, archive: 6 },
              realms: { live: 1, archive: 1 },
            }
          : {},
      settings: kind === "config" ? [{ setting: "server.port", live: "4949", archive: "49" }] : [],
      files: null,
      warnings: [],
    })),
  };
}
