import type { Cadence } from "../bindings/Cadence";
import { cadenceOf, changeOf, type Draft, draftOf, isGood, newDraft } from "../domain/schedule-draft";
import { scheduleRow } from "../host.fake.schedules";

const draft = (change: Partial<Draft>): Draft => ({
  ...newDraft(["web"], ["nas"], "UTC"),
  name: "nightly",
  ...change,
});
const rowOf = (cadence: Cadence) => scheduleRow({ name: "nightly", cadence });
const opened = (row: ReturnType<typeof scheduleRow>) => draftOf(row, ["tacacs"], ["nas"]);

test.each<[Partial<Draft>, ReturnType<typeof cadenceOf>]>([
  [
    { choice: "daily", time: "3:00" },
    { kind: "cron", text: "0 3 * * *" },
  ],
  [{ choice: "daily", time: "25:00" }, null],
  [
    { choice: "weekly", days: [0, 4, 1], time: "18:30" },
    { kind: "cron", text: "30 18 * * 1,4,0" },
  ],
  [{ choice: "weekly", days: [] }, null],
  [
    { choice: "monthly", day: 31, time: "02:00" },
    { kind: "cron", text: "0 2 31 * *" },
  ],
  [{ choice: "monthly", day: "" }, null],
  [{ choice: "monthly", day: 32 }, null],
  [
    { choice: "every", every: 90, unit: "minutes" },
    { kind: "every", text: "90m" },
  ],
  [{ choice: "every", every: 0 }, null],
  [
    { choice: "cron", cron: " */5 * * * * " },
    { kind: "cron", text: "*/5 * * * *" },
  ],
  [{ choice: "cron", cron: " " }, null],
  [{ choice: "manual" }, { kind: "manual" }],
])("%j is sent as %j", (change, text) => {
  expect(cadenceOf(draft(change))).toEqual(text);
  expect(isGood(draft(change))).toBe(text !== null);
});

test.each<[Cadence, Partial<Draft>]>([
  [
    { kind: "cron", expression: "30 18 * * mon,thu" },
    { choice: "weekly", days: [1, 4], time: "18:30" },
  ],
  [
    { kind: "cron", expression: "0 2 1 * *" },
    { choice: "monthly", day: 1, time: "02:00" },
  ],
  [
    { kind: "cron", expression: "*/5 8-18 * * *" },
    { choice: "cron", cron: "*/5 8-18 * * *" },
  ],
  [
    { kind: "interval", every_seconds: 5400, anchor: "" },
    { choice: "every", every: 90, unit: "minutes" },
  ],
  [
    { kind: "interval", every_seconds: 90, anchor: "" },
    { choice: "every", every: 90, unit: "seconds" },
  ],
  [
    { kind: "custom", name: "tides" },
    { choice: "custom", custom: "tides" },
  ],
  [{ kind: "manual" }, { choice: "manual" }],
])("%j opens as %j, and sends nothing as long as it stays", (cadence, expected) => {
  const row = rowOf(cadence);
  expect(opened(row)).toMatchObject(expected);
  expect(changeOf(row, opened(row))).toBeNull();
});

test("an interval that stays is not sent with another change: it would start anew", () => {
  const row = rowOf({ kind: "interval", every_seconds: 21_600, anchor: "" });
  const change = changeOf(row, { ...opened(row), act: "drill", catch_up: "skip", grace: "" });
  expect(change).toMatchObject({
    cadence: null,
    act: "drill",
    settings: [
      ["catch_up", "skip"],
      ["grace", ""],
    ],
  });
});

test("a destination that is gone is left out, and so is an instance", () => {
  const row = scheduleRow({ name: "nightly", destinations: ["nas", "d7"], instance: "1f0c" });
  const open = opened(row);
  expect([open.to, open.instance]).toEqual([["nas"], null]);
  expect(isGood(open)).toBe(false);
  expect(changeOf(row, { ...open, instance: "tacacs" })).toMatchObject({ to: ["nas"], instance: "tacacs" });
});

test.each(["", "with space", "ä", "a".repeat(65)])("%j is no name of a schedule", (name) => {
  expect(isGood(draft({ name }))).toBe(false);
});
