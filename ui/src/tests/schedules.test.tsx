import { screen, waitFor, within } from "@testing-library/react";
import type { JobStatus } from "../bindings/JobStatus";
import type { Reason } from "../bindings/Reason";
import type { RunReport } from "../bindings/RunReport";
import type { SlotState } from "../bindings/SlotState";
import { runNotice } from "../domain/schedule-run";
import { slotWords } from "../domain/slot-words";
import { slot } from "../host.fake.schedules";
import { speak } from "../i18n";
import { openRoom } from "./room";

// Away from a change of the clocks: the fake program reckons in whole days.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-03-10T12:00:00Z") }));
afterEach(() => void vi.useRealTimers());

type User = ReturnType<typeof openRoom>["user"];

async function choose(user: User, dialog: HTMLElement, field: string, option: string) {
  await user.click(within(dialog).getByRole("combobox", { name: field }));
  await user.click(await screen.findByRole("option", { name: option }));
}

test("the room shows when each schedule is due, its next times, and what became of the last ones", async () => {
  openRoom("trouble", { room: "schedules" });
  const nightly = await screen.findByRole("region", { name: "nightly" });
  expect(within(nightly).getByText("Backs up tacacs to nas")).toBeInTheDocument();
  expect(within(nightly).getByText("Every day at 03:00 (Europe/Berlin)")).toBeInTheDocument();
  expect(within(nightly).getByText("on the clock of Europe/Berlin")).toBeInTheDocument();
  expect(within(nightly).getAllByText(/^\w{3}, \w{3} \d+, \d{4}, 03:00$/)).toHaveLength(5);
  expect(within(nightly).getByText("caught up, was due 03:00, ran 09:12")).toBeInTheDocument();

  const often = screen.getByRole("region", { name: "often" });
  expect(within(often).getByText("Every 6 hours")).toBeInTheDocument();
  expect(within(often).getByText(/11 slots from .* to /)).toHaveTextContent(
    "did not run · the machine was off, or nothing was there to run it in time",
  );

  const proof = screen.getByRole("region", { name: "proof" });
  expect(within(proof).getByText("Failing")).toBeInTheDocument();
  expect(within(proof).getByText("3 in a row")).toBeInTheDocument();
  expect(within(proof).getByRole("alert")).toHaveTextContent("The archive that was checked is not good");
  expect(within(proof).getByRole("alert")).toHaveTextContent("Back up again now");

  const weekly = screen.getByRole("region", { name: "weekly" });
  expect(within(weekly).getByText("Every Monday and Thursday at 18:30 (Europe/Berlin)")).toBeInTheDocument();
  expect(within(weekly).getByText("Next times, once it is resumed")).toBeInTheDocument();
});

test("a German reader finds the room in German", async () => {
  openRoom("trouble", { room: "schedules" }, { language: "de" });
  const nightly = await screen.findByRole("region", { name: "nightly" });
  expect(screen.getByRole("heading", { level: 1, name: "Zeitpläne" })).toBeInTheDocument();
  expect(within(nightly).getByText("Jeden Tag um 03:00 (Europe/Berlin)")).toBeInTheDocument();
  expect(within(nightly).getByText("nachgeholt, war fällig 03:00, lief 09:12")).toBeInTheDocument();
  expect(screen.getByText("Am 1. jedes Monats um 02:00 (Europe/Berlin)")).toBeInTheDocument();
  expect(screen.getByText("Schlägt fehl")).toBeInTheDocument();
  expect(screen.getByText("Angehalten")).toBeInTheDocument();
});

test("a schedule is added as the simple choices say, with the defaults of the program named", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules", add: true });
  const dialog = await screen.findByRole("dialog", { name: "Add schedule" });
  const add = await within(dialog).findByRole("button", { name: "Add it" });
  expect(add).toBeDisabled();
  await waitFor(() => expect(within(dialog).getByRole("textbox", { name: "Name" })).toHaveFocus());
  await user.keyboard("evenings");
  await choose(user, dialog, "When", "On days of the week");
  for (const day of ["Tuesday", "Wednesday", "Friday"]) {
    await user.click(within(dialog).getByRole("checkbox", { name: day }));
  }
  const time = within(dialog).getByRole("textbox", { name: "Time" });
  await user.clear(time);
  await user.type(time, "18:3");
  expect(within(dialog).getByText("A time such as 03:00 or 18:30.")).toBeInTheDocument();
  expect(add).toBeDisabled();
  await user.type(time, "0");
  expect(await within(dialog).findAllByText(/^(Mon|Thu), .* 18:30$/)).toHaveLength(5);
  await user.click(add);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked("addSchedule")).toEqual([
    [
      "evenings",
      {
        instance: "tacacs",
        to: ["nas"],
        cadence: { kind: "cron", text: "30 18 * * 1,4" },
        timezone: "Europe/Berlin",
        act: "backup",
        settings: [
          ["catch_up", "once"],
          ["grace", "6h"],
          ["retries", "3"],
          ["settle", "60s"],
        ],
      },
    ],
  ]);
  expect(await screen.findByRole("region", { name: "evenings" })).toBeInTheDocument();
});

test("a pattern that is none is told of where it is typed", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules", add: true });
  const dialog = await screen.findByRole("dialog", { name: "Add schedule" });
  await within(dialog).findByRole("button", { name: "Add it" });
  await choose(user, dialog, "When", "By a cron pattern");
  const pattern = within(dialog).getByRole("textbox", { name: "Pattern" });
  await user.clear(pattern);
  expect(within(dialog).getByText(/Complete the times/)).toBeInTheDocument();
  await user.type(pattern, "0 3 * *");
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("This is no time pattern that cron knows");
  await user.type(pattern, " *");
  await waitFor(() => expect(within(dialog).queryByRole("alert")).toBeNull());
  expect(asked("addSchedule")).toEqual([]);
});

test("editing opens in the simple choice, and sends what is changed and no more", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules" });
  await user.click(await screen.findByRole("button", { name: "Edit: weekly" }));
  const dialog = await screen.findByRole("dialog", { name: "Edit weekly" });
  const save = await within(dialog).findByRole("button", { name: "Save" });
  expect(save).toBeDisabled();
  await waitFor(() => expect(within(dialog).getByRole("combobox", { name: "Instance" })).toHaveFocus());
  expect(within(dialog).getByRole("combobox", { name: "When" })).toHaveValue("On days of the week");
  expect(within(dialog).getByRole("checkbox", { name: "Thursday" })).toBeChecked();
  await user.click(within(dialog).getByRole("checkbox", { name: "Thursday" }));
  await user.click(within(dialog).getByRole("button", { name: /^More/ }));
  const retries = await within(dialog).findByRole("textbox", { name: /tried again/ });
  await user.clear(retries);
  await user.type(retries, "5");
  await user.click(save);
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked("setSchedule")).toEqual([
    [
      "weekly",
      {
        instance: null,
        to: [],
        cadence: { kind: "cron", text: "30 18 * * 1" },
        timezone: null,
        act: null,
        settings: [["retries", "5"]],
      },
    ],
  ]);
});

test("run now is an act with its progress, and says how it ended", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules" }, { pace: 20 });
  await user.click(await screen.findByRole("button", { name: "Run now: nightly" }));
  expect(await screen.findByRole("progressbar", { name: "Progress of tacacs" })).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Run now: nightly" })).toBeDisabled();
  expect(asked("runSchedule")).toEqual([["nightly"]]);
  expect(await screen.findByText("nightly ran")).toBeInTheDocument();
  const nightly = screen.getByRole("region", { name: "nightly" });
  expect(await within(nightly).findByText(/· by hand/)).toBeInTheDocument();
});

test("a schedule is paused and resumed", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules" });
  await user.click(await screen.findByRole("button", { name: "Pause: nightly" }));
  await user.click(await screen.findByRole("button", { name: "Resume: nightly" }));
  expect(await screen.findByRole("button", { name: "Pause: nightly" })).toBeInTheDocument();
  expect([asked("pauseSchedule"), asked("resumeSchedule")]).toEqual([[["nightly"]], [["nightly"]]]);
});

test("removing asks first and says that the archives stay", async () => {
  const { user, asked } = openRoom("settled", { room: "schedules" });
  await user.click(await screen.findByRole("button", { name: "Remove: often" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove often?" });
  expect(dialog).toHaveTextContent("The archives stay where they are.");
  expect(asked("removeSchedule")).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("region", { name: "often" })).toBeNull());
  expect(asked("removeSchedule")).toEqual([["often"]]);
});

test("without an instance the room says so and leads there", async () => {
  const { user } = openRoom("empty", { room: "schedules" });
  expect(await screen.findByText("There is nothing to back up yet")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Add instance" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Instances" })).toBeInTheDocument();
});

test("without a destination the room says so and leads there", async () => {
  const { user } = openRoom("empty", { room: "overview" });
  await user.click(await screen.findByRole("button", { name: "Use the sample" }));
  await screen.findByRole("article", { name: "sample" });
  await user.click(screen.getByRole("button", { name: "Schedules" }));
  await user.click(await screen.findByRole("button", { name: "Add destination" }));
  expect(await screen.findByRole("dialog", { name: "Add destination" })).toBeInTheDocument();
});

test("the overview names the next backup of an instance", async () => {
  openRoom("settled", { room: "overview" });
  const card = await screen.findByRole("article", { name: "tacacs" });
  expect(within(card).getByText("Next backup").nextSibling).toHaveTextContent(/^in /);
});

const STATES: SlotState[] = [
  "waiting",
  "running",
  "retrying",
  "ran",
  "caught_up",
  "partial",
  "failed",
  "interrupted",
  "cancelled",
  "skipped",
];
const REASONS: Reason[] = [
  "missed",
  "covered",
  "paused",
  "still_running",
  "changed",
  "destination",
  "keyring",
  "busy",
  "disabled",
  "settling",
  "interrupted",
];
const STATUSES: JobStatus[] = ["idle", "waiting", "running", "retrying", "paused", "failing", "disabled"];

test.each(["en", "de"] as const)("every state, reason and status has words of its own in %s", (language) => {
  const { t } = speak(language);
  const words = [
    STATES.map((state) => t(`schedules.state.${state}`)),
    REASONS.map((reason) => t(`schedules.reason.${reason}`)),
    STATUSES.map((status) => t(`schedules.status.${status}`)),
  ];
  for (const texts of words) {
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.filter((text) => text === "" || text.startsWith("schedules."))).toEqual([]);
  }
});

const DUE = "2026-03-01T02:00:00Z";

test.each<[string, Parameters<typeof slot>[0], string, string[]]>([
  ["ran by hand", { slot: DUE, how: "by_hand" }, "ran", ["by hand"]],
  [
    "caught up the next day",
    { slot: DUE, state: "caught_up", started_at: "2026-03-02T08:12:00Z" },
    "caught up, was due Sun, Mar 1, 2026, 03:00, ran Mon, Mar 2, 2026, 09:12",
    [],
  ],
  [
    "is tried again",
    { slot: DUE, state: "retrying", reason: "destination", attempt: 2, next_try_at: "2026-03-01T02:10:00Z" },
    "is tried again",
    ["no destination answered", "attempt 2", "next try 03:10"],
  ],
  ["was covered", { slot: DUE, state: "skipped", reason: "covered" }, "did not run", ["a later run stands for it"]],
])("a slot that %s is told of on the schedule's own clock", (_what, of, what, why) => {
  const words = slotWords(slot(of), "Europe/Berlin", speak("en").t, "en");
  expect(words).toMatchObject({ when: "Sun, Mar 1, 2026, 03:00", what, why });
});

test.each<[RunReport["state"], string, string]>([
  ["ran", "good", "nightly ran"],
  ["partial", "warning", "nightly ran, and not all went well"],
  ["cancelled", "warning", "nightly was cancelled"],
  ["failed", "bad", "nightly did not succeed"],
])("a run that ended as %s is %s news, with its problem", (state, tone, title) => {
  const problem = state === "ran" ? null : { code: "incomplete", message: "users is missing", hint: "" };
  const report: RunReport = {
    run_id: "r",
    schedule: "nightly",
    act: "backup",
    state,
    problem,
    executions: [],
    checks: [],
    retention: [],
  };
  const notice = runNotice(report, speak("en").t, "en");
  expect(notice).toMatchObject({ tone, title });
  expect(notice.lines?.[0]).toBe(problem ? "Not everything is in the archive" : undefined);
});
