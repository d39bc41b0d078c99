// The schedules of the fake program: one that runs well, one that misses slots, one that is paused, one whose drill fails.
import type { Cadence } from "./bindings/Cadence";
import type { CadenceText } from "./bindings/CadenceText";
import type { Problem } from "./bindings/Problem";
import type { RunReport } from "./bindings/RunReport";
import type { ScheduleChange } from "./bindings/ScheduleChange";
import type { ScheduleRow } from "./bindings/ScheduleRow";
import type { SlotRow } from "./bindings/SlotRow";
import { simpleOf } from "./domain/cadence";
import type { Host } from "./host";

export const ZONE = "Europe/Berlin";

const BAD_CRON: Problem = {
  code: "bad_cron",
  message: "a cron expression has five fields: minute, hour, day of month, month, day of week",
  hint: '"0 3 * * *" is every day at three',
};

const ARCHIVE_BAD: Problem = {
  code: "archive_bad",
  message: "`nas:backup-tacacs-20260301-030000.tar.gz.age` does not restore: `devices` is not a database",
  hint: "back up again now",
};

const DAY = 86_400_000;

export function slot(of: Partial<SlotRow> & { slot: string }): SlotRow {
  return {
    last_slot: of.slot,
    count: 1,
    how: "on_time",
    state: "ran",
    reason: null,
    problem: null,
    run_id: null,
    attempt: 1,
    next_try_at: null,
    started_at: of.slot,
    ended_at: of.slot,
    ...of,
  };
}

export function scheduleRow(of: Partial<ScheduleRow> & { name: string }): ScheduleRow {
  return {
    id: `s-${of.name}`,
    instance: "tacacs",
    destinations: ["nas"],
    act: "backup",
    cadence: { kind: "cron", expression: "0 3 * * *" },
    timezone: ZONE,
    catch_up: "once",
    grace_seconds: 21_600,
    retries: 3,
    settle_seconds: 60,
    paused: false,
    status: "idle",
    problem: null,
    failure_count: 0,
    last_run: null,
    last_status: null,
    last_error: null,
    next_run: null,
    next: [],
    slots: [],
    ...of,
  };
}

/** With its times ahead. */
function timed(row: ScheduleRow, now: number): ScheduleRow {
  const next = timesAfter(row.cadence, row.timezone, now);
  return { ...row, next, next_run: row.paused || row.status === "disabled" ? null : (next[0] ?? null) };
}

function rows(now: number, trouble: boolean): ScheduleRow[] {
  const today = Date.parse(timesAfter({ kind: "cron", expression: "0 3 * * *" }, ZONE, now - DAY)[0] ?? "");
  const ago = (days: number, more = 0) => new Date(today - days * DAY + more).toISOString();
  const daily = scheduleRow({
    name: "nightly",
    last_run: ago(0),
    last_status: "ran",
    slots: [
      slot({ slot: ago(0) }),
      slot({ slot: ago(1), state: "caught_up", how: "caught_up", started_at: ago(1, 22_320_000) }),
      slot({ slot: ago(2) }),
      slot({ slot: ago(3), attempt: 2 }),
    ],
  });
  const often = scheduleRow({
    name: "often",
    cadence: { kind: "interval", every_seconds: 21_600, anchor: ago(30) },
    last_run: ago(0, 3_600_000),
    last_status: "ran",
    catch_up: "skip",
    slots: [
      slot({ slot: ago(0) }),
      slot({
        slot: ago(3, DAY / 4),
        last_slot: ago(0, -DAY / 4),
        count: 11,
        state: "skipped",
        reason: "missed",
        started_at: null,
        ended_at: null,
      }),
    ],
  });
  const paused = scheduleRow({
    name: "weekly",
    act: "verify",
    cadence: { kind: "cron", expression: "30 18 * * 1,4" },
    paused: true,
    status: "paused",
    slots: [
      slot({ slot: ago(2), state: "skipped", reason: "paused", started_at: null, ended_at: null }),
      slot({ slot: ago(6) }),
    ],
  });
  const drill = scheduleRow({
    name: "proof",
    act: "drill",
    cadence: { kind: "cron", expression: "0 2 1 * *" },
    status: "failing",
    problem: ARCHIVE_BAD,
    failure_count: 3,
    last_run: ago(4),
    last_status: "failed",
    last_error: ARCHIVE_BAD.message,
    slots: [slot({ slot: ago(4), state: "failed", attempt: 3, problem: ARCHIVE_BAD })],
  });
  return trouble ? [daily, often, drill, paused] : [daily, often, paused];
}

interface Around {
  filled: boolean;
  trouble: boolean;
  did: (verb: string, ...args: unknown[]) => void;
  after: <T>(value: T) => Promise<T>;
  fail: (problem: Problem) => Promise<never>;
  changed: () => void;
  run: (id: string, row: ScheduleRow) => Promise<RunReport>;
}

type Part = Pick<
  Host,
  | "schedules"
  | "schedule"
  | "addSchedule"
  | "setSchedule"
  | "pauseSchedule"
  | "resumeSchedule"
  | "removeSchedule"
  | "previewSchedule"
  | "timeZone"
  | "runSchedule"
>;

/** Its part of the host, and when an instance is backed up next. */
export function fakeSchedules(around: Around): Part & { nextRun: (instance: string) => string | null } {
  const { did, after, fail } = around;
  let all = around.filled ? rows(Date.now(), around.trouble) : [];
  const shown = () => all.map((row) => timed(row, Date.now()));
  const unknown = (name: string): Problem => ({
    code: "unknown",
    message: `there is no schedule called ${name}`,
    hint: "check the spelling",
  });
  const alter = (name: string, change: (row: ScheduleRow) => ScheduleRow) => {
    const row = all.find((r) => r.name === name);
    if (!row) return fail(unknown(name));
    const altered = change(row);
    all = all.map((r) => (r === row ? altered : r));
    around.changed();
    return after(timed(altered, Date.now()));
  };
  return {
    nextRun: (instance) => {
      const times = shown().filter((row) => row.act === "backup" && row.instance === instance);
      return times.flatMap((row) => row.next_run ?? []).sort()[0] ?? null;
    },
    schedules: () => after(shown()),
    schedule: (name) => {
      const row = shown().find((r) => r.name === name);
      return row ? after(row) : fail(unknown(name));
    },
    addSchedule: (name, change) => {
      did("addSchedule", name, change);
      if (all.some((row) => row.name === name)) {
        return fail({ code: "taken", message: `schedule \`${name}\` is there already`, hint: "choose another name" });
      }
      all = [...all, changedBy(scheduleRow({ name }), change)];
      return alter(name, (row) => row);
    },
    setSchedule: (name, change) => {
      did("setSchedule", name, change);
      return alter(name, (row) => changedBy(row, change));
    },
    pauseSchedule: (name) => {
      did("pauseSchedule", name);
      return alter(name, (row) => ({ ...row, paused: true, status: "paused" }));
    },
    resumeSchedule: (name) => {
      did("resumeSchedule", name);
      return alter(name, (row) => ({ ...row, paused: false, status: row.failure_count > 0 ? "failing" : "idle" }));
    },
    removeSchedule: (name) => {
      did("removeSchedule", name);
      all = all.filter((row) => row.name !== name);
      return after(undefined);
    },
    previewSchedule: (cadence, timezone) => {
      if (cadence.kind === "cron" && cadence.text.split(/\s+/).length !== 5) return fail(BAD_CRON);
      return after(timesAfter(cadenceFrom(cadence), timezone, Date.now()));
    },
    timeZone: () => after(ZONE),
    runSchedule: async (act, name) => {
      did("runSchedule", name);
      const row = all.find((r) => r.name === name);
      if (!row) return fail(unknown(name));
      const report = await around.run(act, row);
      const at = new Date().toISOString();
      await alter(name, (r) => ({
        ...r,
        last_run: at,
        last_status: report.state,
        slots: [slot({ slot: at, how: "by_hand", state: report.state }), ...r.slots],
      }));
      return report;
    },
  };
}

function changedBy(row: ScheduleRow, change: ScheduleChange): ScheduleRow {
  const settings = Object.fromEntries(change.settings);
  return {
    ...row,
    instance: change.instance ?? row.instance,
    destinations: change.to.length > 0 ? change.to : row.destinations,
    cadence: change.cadence ? cadenceFrom(change.cadence) : row.cadence,
    timezone: change.timezone ?? row.timezone,
    act: change.act ?? row.act,
    catch_up: settings.catch_up === "skip" ? "skip" : settings.catch_up === "once" ? "once" : row.catch_up,
    retries: settings.retries === undefined ? row.retries : Number(settings.retries),
    grace_seconds: settings.grace === undefined ? row.grace_seconds : secondsOf(settings.grace),
    settle_seconds: settings.settle === undefined ? row.settle_seconds : secondsOf(settings.settle),
  };
}

function cadenceFrom(text: CadenceText): Cadence {
  switch (text.kind) {
    case "cron":
      return { kind: "cron", expression: text.text };
    case "every":
      return { kind: "interval", every_seconds: secondsOf(text.text), anchor: new Date().toISOString() };
    case "manual":
      return { kind: "manual" };
    case "custom":
      return { kind: "custom", name: text.text };
  }
}

function secondsOf(text: string): number {
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
  return Number.parseInt(text, 10) * (units[text.slice(-1)] ?? 1);
}

/** The next five. What is no simple pattern is taken for every day at noon. */
function timesAfter(cadence: Cadence, zone: string, now: number): string[] {
  if (cadence.kind === "manual" || cadence.kind === "custom") return [];
  if (cadence.kind === "interval") {
    const [every, anchor] = [cadence.every_seconds * 1000, Date.parse(cadence.anchor)];
    const first = anchor + (Math.floor((now - anchor) / every) + 1) * every;
    return [0, 1, 2, 3, 4].map((n) => new Date(first + n * every).toISOString());
  }
  const simple = simpleOf(cadence.expression) ?? { kind: "daily", time: "12:00" };
  const found: string[] = [];
  for (let day = 0; day < 400 && found.length < 5; day += 1) {
    const date = new Date(now + (day - 1) * DAY);
    if (simple.kind === "weekly" && !simple.days.includes(date.getUTCDay())) continue;
    if (simple.kind === "monthly" && simple.day !== date.getUTCDate()) continue;
    const wall = Date.parse(`${date.toISOString().slice(0, 10)}T${simple.time}:00Z`);
    const at = wall - offset(zone, wall);
    if (at > now) found.push(new Date(at).toISOString());
  }
  return found;
}

/** Of a zone's clock from UTC; near a change of the clocks it may be an hour off. */
function offset(zone: string, at: number): number {
  const wall = new Date(at).toLocaleString("sv-SE", { timeZone: zone });
  return Date.parse(`${wall.replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000;
}
