// When a schedule is due, in words, and the patterns that a simple choice can express. Pure.
import type { TFunction } from "i18next";
import type { Cadence } from "../bindings/Cadence";

/** Times as `HH:MM`; days of the week from 0, a Sunday. */
export type Simple =
  | { kind: "daily"; time: string }
  | { kind: "weekly"; days: number[]; time: string }
  | { kind: "monthly"; day: number; time: string };

/** Monday first. */
export const WEEK = [1, 2, 3, 4, 5, 6, 0];

const NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const NICKNAMES: Record<string, string> = {
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
};

/** What a five-field pattern says, where it is that simple. */
export function simpleOf(expression: string): Simple | null {
  const text = expression.trim().toLowerCase();
  const fields = (NICKNAMES[text] ?? text).split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || month !== "*") return null;
  const [h, m] = [numberIn(hour, 0, 23), numberIn(minute, 0, 59)];
  if (h === null || m === null) return null;
  const time = `${two(h)}:${two(m)}`;
  if (day !== "*") {
    const on = numberIn(day, 1, 31);
    return weekday === "*" && on !== null ? { kind: "monthly", day: on, time } : null;
  }
  if (weekday === "*") return { kind: "daily", time };
  const days = weekdaysOf(weekday ?? "");
  if (!days) return null;
  return days.length === 7 ? { kind: "daily", time } : { kind: "weekly", days, time };
}

export function patternOf(simple: Simple): string {
  const [hour, minute] = simple.time.split(":").map(Number);
  const clock = `${minute} ${hour}`;
  switch (simple.kind) {
    case "daily":
      return `${clock} * * *`;
    case "weekly":
      return `${clock} * * ${inOrder(simple.days).join(",")}`;
    case "monthly":
      return `${clock} ${simple.day} * *`;
  }
}

/** `3:00` as `03:00`; null for what is no time. */
export function timeOf(text: string): string | null {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  return hour && minute ? `${two(Number(hour))}:${minute}` : null;
}

/** The largest unit that leaves no rest. */
export function lengthOf(seconds: number): { count: number; unit: "hours" | "minutes" | "seconds" } {
  if (seconds > 0 && seconds % 3600 === 0) return { count: seconds / 3600, unit: "hours" };
  if (seconds > 0 && seconds % 60 === 0) return { count: seconds / 60, unit: "minutes" };
  return { count: seconds, unit: "seconds" };
}

export interface CadenceWords {
  words: string;
  /** What has no simple sentence, as it was typed. */
  pattern: string | null;
  /** Of the times of a clock; null where elapsed time counts. */
  zone: string | null;
}

export function cadenceWords(cadence: Cadence, zone: string, t: TFunction, language: string): CadenceWords {
  switch (cadence.kind) {
    case "manual":
      return { words: t("schedules.cadence.manual"), pattern: null, zone: null };
    case "custom":
      return { words: t("schedules.cadence.custom"), pattern: cadence.name, zone: null };
    case "interval": {
      const { count, unit } = lengthOf(cadence.every_seconds);
      return { words: t(`schedules.cadence.${unit}`, { count }), pattern: null, zone: null };
    }
    case "cron": {
      const simple = simpleOf(cadence.expression);
      return simple
        ? { words: simpleWords(simple, t, language), pattern: null, zone }
        : { words: t("schedules.cadence.pattern"), pattern: cadence.expression, zone };
    }
  }
}

/** All of it in one line. */
export function cadenceLine({ words, pattern, zone }: CadenceWords): string {
  return [words, pattern, zone && `(${zone})`].filter(Boolean).join(" ");
}

function simpleWords(simple: Simple, t: TFunction, language: string): string {
  const time = clockTime(simple.time, language);
  switch (simple.kind) {
    case "daily":
      return t("schedules.cadence.daily", { time });
    case "monthly":
      return t("schedules.cadence.monthly", { count: simple.day, ordinal: true, time });
    case "weekly": {
      const days = inOrder(simple.days);
      const names = days.map((day) => weekdayName(day, language));
      if (isSpan(days)) return t("schedules.cadence.weekly_span", { first: names[0], last: names.at(-1), time });
      const list = new Intl.ListFormat(language, { type: "conjunction" }).format(names);
      return t("schedules.cadence.weekly", { days: list, time });
    }
  }
}

export function weekdayName(day: number, language: string): string {
  // The 7th of January 2024 was a Sunday.
  const at = new Date(Date.UTC(2024, 0, 7 + day));
  return new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" }).format(at);
}

function clockTime(time: string, language: string): string {
  const words = new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: "UTC",
  });
  return words.format(new Date(`2024-01-07T${time}:00Z`));
}

/** Three days or more without a gap. */
function isSpan(days: number[]): boolean {
  const places = days.map((day) => WEEK.indexOf(day));
  return days.length >= 3 && places.every((place, n) => n === 0 || place === (places[n - 1] ?? 0) + 1);
}

function inOrder(days: number[]): number[] {
  return WEEK.filter((day) => days.includes(day));
}

function weekdaysOf(field: string): number[] | null {
  const found = new Set<number>();
  for (const item of field.split(",")) {
    const [first, last, ...rest] = item.split("-").map(weekday);
    const to = item.includes("-") ? last : first;
    if (first === null || first === undefined || to === null || to === undefined || rest.length > 0) return null;
    if (to < first) return null;
    for (let day = first; day <= to; day += 1) found.add(day % 7);
  }
  return inOrder([...found]);
}

function weekday(text: string): number | null {
  const named = NAMES.indexOf(text);
  return named >= 0 ? named : numberIn(text, 0, 7);
}

function numberIn(text: string | undefined, least: number, most: number): number | null {
  if (!text || !/^\d{1,2}$/.test(text)) return null;
  const number = Number(text);
  return number >= least && number <= most ? number : null;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
