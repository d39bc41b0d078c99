// A schedule while it is added or edited, and what of it the program is told. Pure.
import type { CadenceText } from "../bindings/CadenceText";
import type { CatchUp } from "../bindings/CatchUp";
import type { ScheduleChange } from "../bindings/ScheduleChange";
import type { ScheduledAct } from "../bindings/ScheduledAct";
import type { ScheduleRow } from "../bindings/ScheduleRow";
import { lengthOf, patternOf, simpleOf, timeOf, WEEK } from "./cadence";

export type Choice = "daily" | "weekly" | "monthly" | "every" | "cron" | "manual" | "custom";
export type Unit = ReturnType<typeof lengthOf>["unit"];

export interface Draft {
  name: string;
  instance: string | null;
  to: string[];
  act: ScheduledAct;
  choice: Choice;
  /** As they stand in their fields: a number field that is empty holds no number. */
  time: string;
  days: number[];
  day: number | string;
  every: number | string;
  unit: Unit;
  cron: string;
  custom: string;
  timezone: string;
  catch_up: CatchUp;
  grace: string;
  retries: number | string;
  settle: string;
}

export const MOST_RETRIES = 20;

/** Of a new one: every day at three, to every destination that takes archives. */
export function newDraft(instances: string[], open: string[], timezone: string): Draft {
  return {
    name: "",
    instance: instances.length === 1 ? (instances[0] ?? null) : null,
    to: open,
    act: "backup",
    choice: "daily",
    time: "03:00",
    days: WEEK.slice(0, 5),
    day: 1,
    every: 6,
    unit: "hours",
    cron: "0 3 * * *",
    custom: "",
    timezone,
    catch_up: "once",
    grace: "6h",
    retries: 3,
    settle: "60s",
  };
}

/** Of one that is there; what is gone of its instance and destinations is left out. */
export function draftOf(row: ScheduleRow, instances: string[], destinations: string[]): Draft {
  return {
    ...newDraft([], [], row.timezone),
    ...timesOf(row),
    name: row.name,
    instance: instances.includes(row.instance) ? row.instance : null,
    to: row.destinations.filter((name) => destinations.includes(name)),
    act: row.act,
    catch_up: row.catch_up,
    grace: lengthText(row.grace_seconds),
    retries: row.retries,
    settle: lengthText(row.settle_seconds),
  };
}

function timesOf({ cadence }: ScheduleRow): Partial<Draft> {
  switch (cadence.kind) {
    case "manual":
      return { choice: "manual" };
    case "custom":
      return { choice: "custom", custom: cadence.name };
    case "interval": {
      const { count, unit } = lengthOf(cadence.every_seconds);
      return { choice: "every", every: count, unit };
    }
    case "cron": {
      const simple = simpleOf(cadence.expression);
      if (!simple) return { choice: "cron", cron: cadence.expression };
      const { kind, ...rest } = simple;
      return { choice: kind, cron: cadence.expression, ...rest };
    }
  }
}

/** What the program takes; null while something is missing. */
export function cadenceOf(draft: Draft): CadenceText | null {
  const time = timeOf(draft.time);
  switch (draft.choice) {
    case "daily":
      return time ? { kind: "cron", text: patternOf({ kind: "daily", time }) } : null;
    case "weekly":
      return time && draft.days.length > 0
        ? { kind: "cron", text: patternOf({ kind: "weekly", days: draft.days, time }) }
        : null;
    case "monthly":
      return time && isWhole(draft.day, 1, 31)
        ? { kind: "cron", text: patternOf({ kind: "monthly", day: draft.day, time }) }
        : null;
    case "every":
      return isWhole(draft.every, 1, Number.MAX_SAFE_INTEGER)
        ? { kind: "every", text: `${draft.every}${draft.unit.charAt(0)}` }
        : null;
    case "cron":
      return draft.cron.trim() ? { kind: "cron", text: draft.cron.trim() } : null;
    case "manual":
      return { kind: "manual" };
    case "custom":
      return { kind: "custom", text: draft.custom };
  }
}

export function isGoodName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name);
}

export function isGood(draft: Draft): boolean {
  return (
    isGoodName(draft.name) &&
    draft.instance !== null &&
    draft.to.length > 0 &&
    cadenceOf(draft) !== null &&
    draft.timezone !== "" &&
    (draft.retries === "" || isWhole(draft.retries, 0, MOST_RETRIES))
  );
}

/** What is to be different from `row`, all of it where there is none. Null: nothing. Times that stay are not sent: an interval would start anew. */
export function changeOf(row: ScheduleRow | null, draft: Draft): ScheduleChange | null {
  const before = row && draftOf(row, [row.instance], row.destinations);
  const cadence = cadenceOf(draft);
  const changed = <K extends keyof Draft>(key: K) => before === null || before[key] !== draft[key];
  const settings = (["catch_up", "grace", "retries", "settle"] as const)
    .filter(changed)
    .map((key): [string, string] => [key, String(draft[key]).trim()]);
  const change: ScheduleChange = {
    instance: changed("instance") ? draft.instance : null,
    to: before && same([...before.to].sort(), [...draft.to].sort()) ? [] : draft.to,
    cadence: before && same(cadenceOf(before), cadence) ? null : cadence,
    timezone: changed("timezone") ? draft.timezone : null,
    act: changed("act") ? draft.act : null,
    settings,
  };
  const nothing = same(change, { instance: null, to: [], cadence: null, timezone: null, act: null, settings: [] });
  return nothing ? null : change;
}

function lengthText(seconds: number): string {
  // A minute is the program's own word for its shortest rest.
  if (seconds === 60) return "60s";
  const { count, unit } = lengthOf(seconds);
  return `${count}${unit.charAt(0)}`;
}

function isWhole(value: number | string, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
