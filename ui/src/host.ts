// The page's only way to the program. Everything else speaks to a `Host` and does not know whether it is the real one.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { createContext, useContext } from "react";
import type { Accepted } from "./bindings/Accepted";
import type { ActEvent } from "./bindings/ActEvent";
import type { ArchiveRow } from "./bindings/ArchiveRow";
import type { BackupReport } from "./bindings/BackupReport";
import type { CadenceText } from "./bindings/CadenceText";
import type { CatalogueReport } from "./bindings/CatalogueReport";
import type { CheckReport } from "./bindings/CheckReport";
import type { CloseAnswer } from "./bindings/CloseAnswer";
import type { DestinationConfig } from "./bindings/DestinationConfig";
import type { DestinationType } from "./bindings/DestinationType";
import type { Execution } from "./bindings/Execution";
import type { HookKind } from "./bindings/HookKind";
import type { HookReport } from "./bindings/HookReport";
import type { ImportReport } from "./bindings/ImportReport";
import type { Instance } from "./bindings/Instance";
import type { Place } from "./bindings/Place";
import type { Problem } from "./bindings/Problem";
import type { PublicKeys } from "./bindings/PublicKeys";
import type { RecipientRow } from "./bindings/RecipientRow";
import type { RestoreOrder } from "./bindings/RestoreOrder";
import type { RestorePlan } from "./bindings/RestorePlan";
import type { RestoreReport } from "./bindings/RestoreReport";
import type { RetentionReport } from "./bindings/RetentionReport";
import type { RetentionSettings } from "./bindings/RetentionSettings";
import type { RunningAct } from "./bindings/RunningAct";
import type { RunReport } from "./bindings/RunReport";
import type { Scan } from "./bindings/Scan";
import type { ScheduleChange } from "./bindings/ScheduleChange";
import type { ScheduleRow } from "./bindings/ScheduleRow";
import type { ShowReport } from "./bindings/ShowReport";
import type { Shrunk } from "./bindings/Shrunk";
import type { Signer } from "./bindings/Signer";
import type { StatusReport } from "./bindings/StatusReport";
import type { Template } from "./bindings/Template";
import type { TestReport } from "./bindings/TestReport";

/** What the program can be asked. A promise rejects with a `Problem`. An archive is an execution's id, `DEST:NAME` or a path. */
export interface Host {
  place(): Promise<Place>;
  status(): Promise<StatusReport>;

  instances(): Promise<Instance[]>;
  /** What would be backed up there, with these excludes. */
  scan(path: string, template?: Template, exclude?: string[]): Promise<Scan>;
  instanceScan(name: string): Promise<Scan>;
  addInstance(name: string, path: string): Promise<Instance>;
  addInstanceFrom(name: string, path: string, archive: string, accept: Accepted): Promise<Instance>;
  /** Settings and their values; `exclude` repeated is the whole list. */
  setInstance(name: string, changes: [string, string][]): Promise<Instance>;
  /** Runs the line that is saved, as a backup or a restore would. */
  testHook(act: string, name: string, hook: HookKind): Promise<HookReport>;
  addSample(): Promise<Instance>;
  removeInstance(name: string): Promise<void>;

  destinations(): Promise<DestinationConfig[]>;
  addDestination(
    name: string,
    type: DestinationType,
    settings: Record<string, string>,
    secrets: Record<string, string>,
  ): Promise<DestinationConfig>;
  /** Those that are named; an empty setting is removed, an empty secret forgotten. */
  setDestination(
    name: string,
    settings: Record<string, string>,
    secrets: Record<string, string>,
  ): Promise<DestinationConfig>;
  /** Bytes that are free there; null where it does not tell. */
  freeSpace(name: string): Promise<number | null>;
  testDestination(name: string): Promise<TestReport>;
  enableDestination(name: string, enabled: boolean): Promise<void>;
  removeDestination(name: string): Promise<void>;
  /** Makes what is known of its archives agree with what is there. */
  rebuildCatalogue(act: string, name: string): Promise<CatalogueReport>;

  retention(name: string): Promise<RetentionSettings>;
  setRetention(name: string, changes: [string, string][]): Promise<RetentionSettings>;
  /** What the policy would do with these changes. */
  previewRetention(name: string, changes: [string, string][], shrunk: Shrunk): Promise<RetentionReport>;
  applyRetention(act: string, name: string, shrunk: Shrunk): Promise<RetentionReport>;

  /** Newest first, of one destination or of all. */
  archives(destination: string | null): Promise<ArchiveRow[]>;
  download(act: string, archive: string, path: string): Promise<void>;
  pin(archive: string, pinned: boolean): Promise<void>;
  /** `confirm` is the archive's file name, as it was typed. */
  deleteArchive(archive: string, confirm: string): Promise<void>;
  backup(act: string, instance: string, to: string[], comment: string): Promise<BackupReport>;
  history(limit: number): Promise<Execution[]>;
  show(archive: string): Promise<ShowReport>;
  verify(act: string, archive: string): Promise<CheckReport>;
  drill(act: string, archive: string): Promise<CheckReport>;
  /** Of archives that are sealed to one, until the window is closed. */
  givePassphrase(passphrase: string): Promise<void>;

  schedules(): Promise<ScheduleRow[]>;
  /** With more of what became of it than in the list. */
  schedule(name: string): Promise<ScheduleRow>;
  addSchedule(name: string, change: ScheduleChange): Promise<ScheduleRow>;
  setSchedule(name: string, change: ScheduleChange): Promise<ScheduleRow>;
  pauseSchedule(name: string): Promise<ScheduleRow>;
  resumeSchedule(name: string): Promise<ScheduleRow>;
  removeSchedule(name: string): Promise<void>;
  /** The next times of what is being typed. */
  previewSchedule(cadence: CadenceText, timezone: string): Promise<string[]>;
  /** This machine's. */
  timeZone(): Promise<string>;
  runSchedule(act: string, name: string): Promise<RunReport>;

  plan(archive: string, instance: string, components: string[]): Promise<RestorePlan>;
  restore(act: string, order: RestoreOrder): Promise<RestoreReport>;
  undo(act: string, execution: string, instance: string, confirm: string): Promise<RestoreReport>;

  init(): Promise<PublicKeys>;
  publicKeys(): Promise<PublicKeys | null>;
  recipients(): Promise<RecipientRow[]>;
  addRecipient(recipient: string, name: string): Promise<void>;
  removeRecipient(recipient: string): Promise<void>;
  signers(): Promise<Signer[]>;
  addSigner(verificationKey: string, name: string): Promise<Signer>;
  removeSigner(keyId: string): Promise<void>;
  exportKit(path: string): Promise<void>;
  importKit(path: string): Promise<ImportReport>;

  settings(): Promise<Record<string, string>>;
  /** Of a secret one it is known only that it is set; an empty value forgets it. */
  setSettings(changes: Record<string, string>): Promise<void>;
  setSecretSettings(secrets: Record<string, string>): Promise<void>;

  /** What runs, and news of it until the returned function is called. */
  acts(): Promise<RunningAct[]>;
  onAct(listener: (event: ActEvent) => void): () => void;
  cancel(act: string): Promise<void>;
  /** Ends the program; where something runs, it asks first by `close_asked`. */
  quit(): Promise<void>;
  close(answer: CloseAnswer): Promise<void>;

  /** The desktop's dialogs; null where they were dismissed. */
  pickFolder(title: string): Promise<string | null>;
  pickFile(title: string): Promise<string | null>;
  saveFile(title: string, name: string): Promise<string | null>;
}

export const tauriHost: Host = {
  place: () => invoke("place"),
  status: () => invoke("status"),

  instances: () => invoke("instances"),
  scan: (path, template, exclude) => invoke("scan", { path, template: template ?? null, exclude: exclude ?? [] }),
  instanceScan: (name) => invoke("instance_scan", { name }),
  addInstance: (name, path) => invoke("add_instance", { name, path, template: null, exclude: [] }),
  addInstanceFrom: (name, path, archive, accept) => invoke("add_instance_from", { name, path, archive, accept }),
  setInstance: (name, changes) => invoke("set_instance", { name, changes }),
  testHook: (act, name, hook) => invoke("test_hook", { act, name, hook }),
  addSample: () => invoke("add_sample"),
  removeInstance: (name) => invoke("remove_instance", { name }),

  destinations: () => invoke("destinations"),
  addDestination: (name, destinationType, settings, secrets) =>
    invoke("add_destination", { name, destinationType, settings, secrets }),
  setDestination: (name, settings, secrets) => invoke("set_destination", { name, settings, secrets }),
  freeSpace: (name) => invoke("free_space", { name }),
  testDestination: (name) => invoke("test_destination", { name }),
  enableDestination: (name, enabled) => invoke("enable_destination", { name, enabled }),
  removeDestination: (name) => invoke("remove_destination", { name }),
  rebuildCatalogue: (act, name) => invoke("rebuild_catalogue", { act, name }),

  retention: (name) => invoke("retention", { name }),
  setRetention: (name, changes) => invoke("set_retention", { name, changes }),
  previewRetention: (name, changes, shrunk) => invoke("preview_retention", { name, changes, shrunk }),
  applyRetention: (act, name, shrunk) => invoke("apply_retention", { act, name, shrunk }),

  archives: (destination) => invoke("archives", { instance: null, destination }),
  download: (act, archive, path) => invoke("download", { act, archive, path }),
  pin: (archive, pinned) => invoke("pin", { archive, pinned }),
  deleteArchive: (archive, confirm) => invoke("delete_archive", { archive, confirm }),
  backup: (act, instance, to, comment) => invoke("backup", { act, instance, to, comment }),
  history: (limit) => invoke("history", { limit }),
  show: (archive) => invoke("show", { archive }),
  verify: (act, archive) => invoke("verify", { act, archive }),
  drill: (act, archive) => invoke("drill", { act, archive }),
  givePassphrase: (passphrase) => invoke("give_passphrase", { passphrase }),

  schedules: () => invoke("schedules"),
  schedule: (name) => invoke("schedule", { name }),
  addSchedule: (name, change) => invoke("add_schedule", { name, change }),
  setSchedule: (name, change) => invoke("set_schedule", { name, change }),
  pauseSchedule: (name) => invoke("pause_schedule", { name }),
  resumeSchedule: (name) => invoke("resume_schedule", { name }),
  removeSchedule: (name) => invoke("remove_schedule", { name }),
  previewSchedule: (cadence, timezone) => invoke("preview_schedule", { cadence, timezone }),
  timeZone: () => invoke("time_zone"),
  runSchedule: (act, name) => invoke("run_schedule", { id: act, name }),

  plan: (archive, instance, components) => invoke("plan", { archive, instance, components }),
  restore: (act, order) => invoke("restore", { act, order }),
  undo: (act, execution, instance, confirm) => invoke("undo", { act, execution, instance, confirm }),

  init: () => invoke("init"),
  publicKeys: () => invoke("public_keys"),
  recipients: () => invoke("recipients"),
  addRecipient: (recipient, name) => invoke("add_recipient", { recipient, name }),
  removeRecipient: (recipient) => invoke("remove_recipient", { recipient }),
  signers: () => invoke("signers"),
  addSigner: (verificationKey, name) => invoke("add_signer", { verificationKey, name }),
  removeSigner: (keyId) => invoke("remove_signer", { keyId }),
  exportKit: (path) => invoke("export_kit", { path }),
  importKit: (path) => invoke("import_kit", { path }),

  settings: () => invoke("settings"),
  setSettings: (changes) => invoke("set_settings", { changes }),
  setSecretSettings: (secrets) => invoke("set_secret_settings", { secrets }),

  acts: () => invoke("acts"),
  onAct: (listener) => {
    const stop = listen<ActEvent>("act", (event) => listener(event.payload));
    return () => void stop.then((unlisten) => unlisten());
  },
  cancel: (act) => invoke("cancel", { act }),
  quit: () => invoke("quit"),
  close: (answer) => invoke("close", { answer }),

  pickFolder: (title) => invoke("pick_folder", { title }),
  pickFile: (title) => invoke("pick_file", { title }),
  saveFile: (title, name) => invoke("save_file", { title, name }),
};

/** Whatever was thrown, in the shape that can be shown. */
export function asProblem(thrown: unknown): Problem {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    const { code, message, hint } = thrown as Problem;
    return { code, message, hint: hint ?? "" };
  }
  return { code: "internal", message: String(thrown instanceof Error ? thrown.message : thrown), hint: "" };
}

const HostContext = createContext<Host | null>(null);

export const HostProvider = HostContext.Provider;

export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) throw new Error("no HostProvider above");
  return host;
}
