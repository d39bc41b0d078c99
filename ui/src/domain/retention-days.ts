// What becomes of archives, day by day. Pure.
import type { RetentionReport } from "../bindings/RetentionReport";

export interface Day {
  keep: number;
  go: number;
  foreign: number;
}

/** By `YYYY-MM-DD`, in UTC, as the policy counts days. */
export function daysOf(report: RetentionReport): Map<string, Day> {
  const days = new Map<string, Day>();
  const count = (rows: { created_at: string }[], what: keyof Day) => {
    for (const { created_at } of rows) {
      const date = created_at.slice(0, 10);
      const day = days.get(date) ?? { keep: 0, go: 0, foreign: 0 };
      day[what] += 1;
      days.set(date, day);
    }
  };
  count(report.keep, "keep");
  count(report.delete, "go");
  count(report.foreign, "foreign");
  return days;
}
