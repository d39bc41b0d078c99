import { screen, waitFor, within } from "@testing-library/react";
import { follow } from "../acts";
import type { Execution } from "../bindings/Execution";
import type { RunningAct } from "../bindings/RunningAct";
import type { StatusReason } from "../bindings/StatusReason";
import { execution } from "../host.fake.data";
import { undoable } from "../views/history";
import { openRoom } from "./room";

test("a room that breaks leaves no empty window, and the others open", async () => {
  const { user, host } = openRoom("settled", { room: "history" });
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(host, "destinations").mockResolvedValue(null as never);
  await user.click(await screen.findByRole("button", { name: "Destinations" }));
  expect(await screen.findByText("This cannot be shown")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Settings" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
});

test("history opens a row into its details and its trouble", async () => {
  const { user } = openRoom("trouble", { room: "history" });
  const rows = await screen.findAllByRole("button", { name: "Details of Backup · tacacs" });
  expect(rows).toHaveLength(4);
  expect(screen.getByText("Failed")).toBeInTheDocument();
  await user.click(rows[0] as HTMLElement);
  expect(await screen.findByText("Destination `nas`: unreachable: no route to host")).toBeVisible();
});

test("a destination is added, tested and the test's checks are shown", async () => {
  const { user, asked } = openRoom("empty", { room: "destinations", add: true }, { folder: "/mnt/usb" });
  const dialog = await screen.findByRole("dialog", { name: "Add destination" });
  expect(within(dialog).getByRole("button", { name: "Add and test" })).toBeDisabled();
  await user.click(within(dialog).getByRole("button", { name: "Choose…" }));
  await waitFor(() => expect(within(dialog).getByRole("textbox", { name: "Folder" })).toHaveValue("/mnt/usb"));
  await user.click(within(dialog).getByRole("button", { name: "Add and test" }));
  expect(await within(dialog).findByText("Every check passed")).toBeInTheDocument();
  expect(asked("addDestination")).toEqual([["backups", "local", { base_path: "/mnt/usb" }, []]]);
});

test("a place that fails its test says which check and why", async () => {
  const { user } = openRoom("trouble", { room: "destinations" });
  await user.click(await screen.findByRole("button", { name: "Test" }));
  expect(await screen.findByText("Not every check passed")).toBeInTheDocument();
  expect(screen.getByText(/forbidden: \/mnt\/nas\/backups cannot be written/)).toBeInTheDocument();
});

test("removing an instance asks first", async () => {
  const { user, asked } = openRoom("settled", { room: "instances" });
  await user.click(await screen.findByRole("button", { name: "Remove: tacacs" }));
  const dialog = await screen.findByRole("dialog", { name: "Remove tacacs?" });
  expect(asked("removeInstance")).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(asked("removeInstance")).toEqual([["tacacs"]]));
  expect(await screen.findByText("No instance yet")).toBeInTheDocument();
});

test("the language changes at once and is kept by the program", async () => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  await user.click(await screen.findByRole("combobox", { name: "Language" }));
  await user.click(await screen.findByRole("option", { name: "Deutsch" }));
  expect(await screen.findByRole("heading", { name: "Einstellungen" })).toBeInTheDocument();
  expect(asked("setSettings")).toEqual([[{ language: "de" }]]);
});

test("starting at login is a switch, and quitting is a button of the settings", async () => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  const start = await screen.findByRole("switch", { name: /^Start when I log in/ });
  await waitFor(() => expect(start).toBeEnabled());
  expect(start).not.toBeChecked();
  await user.click(start);
  await waitFor(() => expect(start).toBeChecked());
  await user.click(start);
  await waitFor(() => expect(start).not.toBeChecked());
  expect(asked("setSettings")).toEqual([[{ autostart: "yes" }], [{ autostart: "no" }]]);
  await user.click(screen.getByRole("button", { name: "Quit Holdfast" }));
  expect(asked("quit")).toHaveLength(1);
});

test("every room can be reached by its name and is marked as the one that is open", async () => {
  const { user } = openRoom("settled", { room: "overview" });
  for (const room of ["Instances", "Destinations", "Schedules", "History", "Restore", "Keys", "Settings"]) {
    await user.click(screen.getByRole("button", { name: room }));
    expect(await screen.findByRole("heading", { level: 1, name: room })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: room })).toHaveAttribute("aria-current", "page");
  }
});

test("only the newest restore of an instance can be undone, and not twice", () => {
  const of = (id: string, kind: Execution["kind"], status: Execution["status"] = "completed") =>
    execution({ id, kind, status });
  const older = of("older", "restore");
  const newer = of("newer", "restore");
  expect(undoable([newer, older], older)).toBe("newer");
  expect(undoable([of("u", "undo"), newer], newer)).toBeNull();
  expect(undoable([of("x", "restore", "failed"), newer], newer)).toBe("newer");
});

test("the pace starts anew with every phase of an act", () => {
  const act = (phase: RunningAct["progress"]["phase"], done_bytes: number): RunningAct => ({
    id: "a",
    kind: "backup",
    subject: "web",
    started_at: "",
    progress: { phase, done_bytes, total_bytes: 100, what: "" },
  });
  let table = follow([], { event: "changed", act: act("packing", 10) }, 0);
  table = follow(table, { event: "changed", act: act("packing", 20) }, 1000);
  expect(table[0]?.samples).toHaveLength(2);
  table = follow(table, { event: "changed", act: act("verifying", 0) }, 2000);
  expect(table[0]?.samples).toEqual([{ at: 2000, done: 0 }]);
  expect(follow(table, { event: "ended", id: "a" }, 3000)).toEqual([]);
});

test.each<StatusReason>(["schedule_failed", "schedule_cannot_run", "schedule_waits", "schedules_unusable"])(
  "from the overview, %s leads to the schedules",
  async (reason) => {
    const standing = { state: "attention" as const, reason, sentence: "the schedules rest", concerned: ["nightly"] };
    const { user } = openRoom("settled", { room: "overview" }, { standing });
    await user.click(await screen.findByRole("button", { name: "To the schedules" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Schedules" })).toBeInTheDocument();
  },
);

test("where it is not the schedules, the overview does not lead there", async () => {
  openRoom("trouble", { room: "overview" });
  expect(await screen.findByText(/did not succeed/)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "To the schedules" })).toBeNull();
});
