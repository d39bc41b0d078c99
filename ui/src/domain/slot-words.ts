// What became of a slot, in words. Pure.
import type { TFunction } from "i18next";
import type { SlotRow } from "../bindings/SlotRow";
import type { SlotState } from "../bindings/SlotState";
import { zoned, zonedNear } from "../format";
import { problemWords } from "../shared/problem";

export type Tone = "good" | "bad" | "quiet" | "open";

const TONES: Record<SlotState, Tone> = {
  waiting: "open",
  running: "open",
  retrying: "open",
  ran: "good",
  caught_up: "good",
  partial: "bad",
  failed: "bad",
  interrupted: "bad",
  cancelled: "quiet",
  skipped: "quiet",
};

export interface SlotWords {
  when: string;
  what: string;
  /** The reason, and how it goes on. */
  why: string[];
  problem: string | null;
  tone: Tone;
}

export function slotWords(slot: SlotRow, zone: string, t: TFunction, language: string): SlotWords {
  const at = (time: string) => zoned(time, zone, language);
  const when =
    slot.count > 1
      ? t("schedules.slot.span", { count: slot.count, first: at(slot.slot), last: at(slot.last_slot) })
      : at(slot.slot);
  const why = [
    slot.how === "by_hand" && t("schedules.slot.by_hand"),
    slot.reason && t(`schedules.reason.${slot.reason}`),
    slot.attempt > 1 && t("schedules.slot.attempt", { attempt: slot.attempt }),
    TONES[slot.state] === "open" &&
      slot.next_try_at &&
      t("schedules.slot.next_try", { at: zonedNear(slot.next_try_at, slot.slot, zone, language) }),
  ];
  return {
    when,
    what: fate(slot, zone, t, language),
    why: why.filter((part) => typeof part === "string"),
    problem: slot.problem && problemLine(slot.problem, t),
    tone: TONES[slot.state],
  };
}

function fate(slot: SlotRow, zone: string, t: TFunction, language: string): string {
  if (slot.state !== "caught_up" || !slot.started_at) return t(`schedules.state.${slot.state}`);
  return t("schedules.slot.caught_up_at", {
    due: zonedNear(slot.slot, slot.started_at, zone, language),
    ran: zonedNear(slot.started_at, slot.slot, zone, language),
  });
}

function problemLine(problem: NonNullable<SlotRow["problem"]>, t: TFunction): string {
  const { title, facts } = problemWords(problem, t);
  return facts ? `${title}: ${facts}` : title;
}
