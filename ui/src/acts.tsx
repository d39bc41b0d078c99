// The acts that run, as the program tells of them, and what became of those that ended.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { ActEvent } from "./bindings/ActEvent";
import type { ActKind } from "./bindings/ActKind";
import type { Problem } from "./bindings/Problem";
import type { RunningAct } from "./bindings/RunningAct";
import type { Sample } from "./format";
import { asProblem, type Host, useHost } from "./host";
import { useAnew } from "./queries";

export interface Followed {
  act: RunningAct;
  /** Of the phase it is in. */
  samples: Sample[];
}

export interface Notice {
  id: string;
  tone: "good" | "warning" | "bad";
  title: string;
  lines?: string[];
  problem?: Problem;
}

interface Acts {
  acts: Followed[];
  notices: Notice[];
  notify: (notice: Omit<Notice, "id">) => void;
  dismiss: (id: string) => void;
  /** Starts an act under a new id; what it throws becomes a notice with this title, and null. */
  start: <T>(verb: (host: Host, act: string) => Promise<T>, failed: string) => Promise<T | null>;
  closeAsked: boolean;
  answerClose: (answer: "stay" | "finish" | "cancel") => void;
}

const Context = createContext<Acts | null>(null);

const KEPT_SAMPLES = 80;
const PASSING_MS = 12_000;
/** After these something else is free at a destination; at which, they do not tell. */
const FILL: (ActKind | undefined)[] = ["backup", "retention"];

/** The table after an event. Pure. */
export function follow(table: Followed[], event: ActEvent, now: number): Followed[] {
  if (event.event === "ended") return table.filter((f) => f.act.id !== event.id);
  if (event.event !== "changed") return table;
  const { act } = event;
  const before = table.find((f) => f.act.id === act.id);
  const same = before?.act.progress.phase === act.progress.phase;
  const sample = { at: now, done: act.progress.done_bytes };
  const samples = [...(same && before ? before.samples : []), sample].slice(-KEPT_SAMPLES);
  const followed = { act, samples };
  return before ? table.map((f) => (f === before ? followed : f)) : [...table, followed];
}

export function ActsProvider({ children }: { children: ReactNode }) {
  const host = useHost();
  const anew = useAnew();
  const [acts, setActs] = useState<Followed[]>([]);
  const [notices, setNotices] = useState<Notice[]>([]);
  const [closeAsked, setCloseAsked] = useState(false);

  useEffect(() => {
    let table: Followed[] = [];
    const hear = (event: ActEvent) => {
      if (event.event === "close_asked") setCloseAsked(true);
      if (event.event === "schedules_changed") void anew();
      if (event.event === "ended") {
        const ended = table.find(({ act }) => act.id === event.id);
        void anew(["retention-preview"], ...(FILL.includes(ended?.act.kind) ? [["free-space"]] : []));
      }
      table = follow(table, event, Date.now());
      setActs(table);
    };
    const stop = host.onAct(hear);
    void host.acts().then((running) => {
      for (const act of running) hear({ event: "changed", act });
    });
    return stop;
  }, [host, anew]);

  const notify = useCallback((notice: Omit<Notice, "id">) => {
    const id = crypto.randomUUID();
    setNotices((all) => [...all.slice(-2), { ...notice, id }]);
    // Good news goes by itself, and what the user did; what needs somebody stays.
    const passes = notice.tone === "good" || notice.problem?.code === "cancelled";
    if (passes) setTimeout(() => setNotices((all) => all.filter((n) => n.id !== id)), PASSING_MS);
  }, []);

  const start = useCallback<Acts["start"]>(
    async (verb, failed) => {
      try {
        return await verb(host, crypto.randomUUID());
      } catch (thrown) {
        const problem = asProblem(thrown);
        notify({ tone: problem.code === "cancelled" ? "warning" : "bad", title: failed, problem });
        return null;
      } finally {
        void anew();
      }
    },
    [host, anew, notify],
  );

  const value = useMemo<Acts>(
    () => ({
      acts,
      notices,
      notify,
      start,
      dismiss: (id) => setNotices((all) => all.filter((n) => n.id !== id)),
      closeAsked: closeAsked && acts.length > 0,
      answerClose: (answer) => {
        setCloseAsked(false);
        void host.close(answer);
      },
    }),
    [acts, notices, notify, start, closeAsked, host],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useActs(): Acts {
  const acts = useContext(Context);
  if (!acts) throw new Error("no ActsProvider above");
  return acts;
}
