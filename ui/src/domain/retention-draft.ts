// A retention policy while it is set, and what of it the program is told. Pure.
import type { RetentionPolicy } from "../bindings/RetentionPolicy";

export type Strategy = "all" | RetentionPolicy["strategy"];
export type Count =
  | "keep_last"
  | "keep_days"
  | "keep_daily"
  | "keep_weekly"
  | "keep_monthly"
  | "keep_yearly"
  | "levels";

/** As they stand in their fields: one that is empty holds no number. */
export interface RetentionDraft {
  strategy: Strategy;
  counts: Record<Count, number | string>;
  floor: number | string;
}

export const STRATEGIES: Strategy[] = ["all", "simple", "gfs", "hanoi"];

export const COUNTS: Record<Strategy, Count[]> = {
  all: [],
  simple: ["keep_last", "keep_days"],
  gfs: ["keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"],
  hanoi: ["levels"],
};

const MOST: Record<Count, number> = {
  keep_last: 100_000,
  keep_days: 36_525,
  keep_daily: 100_000,
  keep_weekly: 100_000,
  keep_monthly: 100_000,
  keep_yearly: 100_000,
  levels: 32,
};

export const mostOf = (count: Count): number => MOST[count];

/** What a strategy starts with when it is chosen. */
const USUAL: RetentionDraft = {
  strategy: "all",
  counts: { keep_last: 14, keep_days: 30, keep_daily: 7, keep_weekly: 4, keep_monthly: 12, keep_yearly: 3, levels: 5 },
  floor: 3,
};

export function draftOf(policy: RetentionPolicy | null): RetentionDraft {
  if (!policy) return USUAL;
  const { strategy, floor, ...counts } = policy;
  const none = Object.fromEntries(COUNTS[strategy].map((count) => [count, ""]));
  const set = Object.entries(counts).filter(([, n]) => n !== null);
  return { strategy, floor, counts: { ...USUAL.counts, ...none, ...Object.fromEntries(set) } };
}

const isWhole = (n: number | string, most: number) => Number.isInteger(n) && Number(n) >= 1 && Number(n) <= most;

/** One rule at least keeps something. */
export function isGood({ strategy, counts, floor }: RetentionDraft): boolean {
  if (strategy === "all") return true;
  const given = COUNTS[strategy].filter((count) => counts[count] !== "");
  return given.length > 0 && given.every((count) => isWhole(counts[count], MOST[count])) && isWhole(floor, 100_000);
}

/** Settings as the program takes them; an empty one is removed. */
export function changesOf({ strategy, counts, floor }: RetentionDraft): [string, string][] {
  if (strategy === "all") return [["strategy", ""]];
  return [
    ["strategy", strategy],
    ...COUNTS[strategy].map((count): [string, string] => [count, String(counts[count])]),
    ["floor", String(floor)],
  ];
}
