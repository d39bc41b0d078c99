// The settings of an instance while they are edited, and what of them is to be changed. Pure.
import type { Instance } from "../bindings/Instance";

type Settings = Instance["settings"];

export interface Draft extends Omit<Settings, "exclude" | "max_block_ms"> {
  /** A pattern a line. */
  exclude: string;
  /** As it stands in the field: not a number while it is empty. */
  max_block_ms: number | string;
}

export const LONGEST_BLOCK = { least: 10, most: 600_000 };

export function draftOf(settings: Settings): Draft {
  return { ...settings, hooks: { ...settings.hooks }, exclude: settings.exclude.join("\n") };
}

/** Blank lines are no patterns. */
export function globs(draft: Draft): string[] {
  return draft.exclude
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

export function isGood({ max_block_ms: ms }: Draft): boolean {
  return typeof ms === "number" && Number.isInteger(ms) && ms >= LONGEST_BLOCK.least && ms <= LONGEST_BLOCK.most;
}

/** Names and values as the program takes them; what stays is not named. An empty `exclude` is an empty list. */
export function changes(settings: Settings, draft: Draft): [string, string][] {
  const plain = (["compression", "encryption", "check", "max_block_ms", "when_busy"] as const)
    .filter((key) => settings[key] !== draft[key])
    .map((key): [string, string] => [key, String(draft[key])]);
  const hooks = (["before", "after", "stop", "start"] as const)
    .filter((key) => settings.hooks[key] !== draft.hooks[key].trim())
    .map((key): [string, string] => [`${key}_hook`, draft.hooks[key].trim()]);
  const wanted = globs(draft);
  const same = wanted.length === settings.exclude.length && wanted.every((glob, n) => glob === settings.exclude[n]);
  const list: [string, string][] = wanted.length > 0 ? wanted.map((glob) => ["exclude", glob]) : [["exclude", ""]];
  return [...(same ? [] : list), ...plain, ...hooks];
}
