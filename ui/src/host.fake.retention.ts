// The retention of a program that is not there: it knows the newest few of an archive list, which is enough for the page.
import type { ArchiveRow } from "./bindings/ArchiveRow";
import type { KeepReason } from "./bindings/KeepReason";
import type { RetentionPolicy } from "./bindings/RetentionPolicy";
import type { RetentionReport } from "./bindings/RetentionReport";
import type { Host } from "./host";

type Verbs = Pick<Host, "retention" | "setRetention" | "previewRetention" | "applyRetention">;

export function fakeRetention(with_: {
  archives: (destination: string) => ArchiveRow[];
  did: (verb: string, ...args: unknown[]) => void;
  after: <T>(value: T) => Promise<T>;
  run: (act: string, destination: string) => Promise<void>;
  remove: (archives: string[]) => void;
}): Verbs {
  const { archives, did, after, run, remove } = with_;
  const policies = new Map<string, RetentionPolicy | null>();
  const report = (destination: string, policy: RetentionPolicy | null): RetentionReport => {
    const rows = archives(destination).map((row) => ({
      archive: `${row.destination}:${row.name}`,
      execution_id: row.execution_id,
      instance: row.instance,
      type: row.type,
      created_at: row.created_at,
      sequence: null,
      compressed_size_bytes: row.compressed_size_bytes,
    }));
    const most = policy ? kept(policy) : rows.length;
    const why = (n: number): KeepReason => (policy ? { reason: "last", n: n + 1 } : { reason: "no_policy" });
    return {
      destination,
      policy,
      keep: rows.slice(0, most).map((row, n) => ({ ...row, ...why(n) })),
      delete: rows.slice(most).map((row) => ({ ...row, reason: "superseded" })),
      foreign: [],
      failed: [],
      missing: [],
    };
  };
  return {
    retention: (destination) => after({ destination, policy: policies.get(destination) ?? null }),
    setRetention: (destination, changes) => {
      did("setRetention", destination, changes);
      const policy = policyOf(changes);
      policies.set(destination, policy);
      return after({ destination, policy });
    },
    previewRetention: (destination, changes, _) => after(report(destination, policyOf(changes))),
    applyRetention: async (act, destination, shrunk) => {
      did("applyRetention", destination, shrunk);
      await run(act, destination);
      const done = report(destination, policies.get(destination) ?? null);
      remove(done.delete.map((row) => row.archive));
      return done;
    },
  };
}

function kept(policy: RetentionPolicy): number {
  const counts =
    policy.strategy === "simple"
      ? [policy.keep_last]
      : policy.strategy === "gfs"
        ? [policy.keep_daily]
        : [policy.levels];
  return Math.max(policy.floor, ...counts.map((count) => count ?? 0));
}

function policyOf(changes: [string, string][]): RetentionPolicy | null {
  const { strategy, ...rest } = Object.fromEntries(changes);
  const count = (key: string) => (rest[key] ? Number(rest[key]) : null);
  const floor = count("floor") ?? 3;
  switch (strategy) {
    case "simple":
      return { floor, strategy, keep_last: count("keep_last"), keep_days: count("keep_days") };
    case "gfs":
      return {
        floor,
        strategy,
        keep_daily: count("keep_daily"),
        keep_weekly: count("keep_weekly"),
        keep_monthly: count("keep_monthly"),
        keep_yearly: count("keep_yearly"),
      };
    case "hanoi":
      return { floor, strategy, levels: count("levels") ?? 1 };
    default:
      return null;
  }
}
