import { act, screen, waitFor, within } from "@testing-library/react";
import type { RetentionReport } from "../bindings/RetentionReport";
import { daysOf } from "../domain/retention-days";
import { changesOf, draftOf, isGood, STRATEGIES } from "../domain/retention-draft";
import { lookAgain, openRoom } from "./room";

test("a policy is seen on a calendar before it is saved, and nothing goes until then", async () => {
  const { user, asked, host } = openRoom("settled", { room: "destinations" });
  const before = (await host.archives("nas")).length;
  await user.click(await screen.findByRole("button", { name: "Retention of nas" }));
  const dialog = await screen.findByRole("dialog", { name: "What stays at nas" });
  expect(await within(dialog).findByText("Nothing is deleted by itself.")).toBeVisible();
  await user.click(within(dialog).getByRole("radio", { name: "The newest" }));
  const number = (name: string) => within(dialog).getByRole("textbox", { name });
  await user.clear(number("The last"));
  await user.type(number("The last"), "1");
  await user.clear(number("Younger than, in days"));
  await user.clear(number("Never fewer than"));
  await user.type(number("Never fewer than"), "1");
  const preview = await within(dialog).findByRole("region", { name: "What this would do now" });
  const go = await within(dialog).findByRole("button", { name: `Save, and delete ${before - 1} now` });
  await waitFor(() => expect(go).toBeEnabled());
  expect(within(preview).getByText("1 stays")).toBeVisible();
  expect(await within(preview).findByRole("button", { name: "Month before" })).toBeVisible();
  await user.click(within(preview).getByRole("button", { name: "These go" }));
  expect(await within(preview).findAllByText("no rule keeps it")).toHaveLength(before - 1);
  expect(asked("setRetention")).toEqual([]);
  expect(asked("applyRetention")).toEqual([]);
  await user.click(go);
  await waitFor(() => expect(asked("applyRetention")).toEqual([["nas", "stops"]]));
  expect(asked("setRetention")).toEqual([
    [
      "nas",
      [
        ["strategy", "simple"],
        ["keep_last", "1"],
        ["keep_days", ""],
        ["floor", "1"],
      ],
    ],
  ]);
  await waitFor(async () => expect(await host.archives("nas")).toHaveLength(1));
});

test("where a table shrank nothing goes until somebody has looked", async () => {
  const { user, host, asked } = openRoom("settled", { room: "destinations" });
  const free = host.previewRetention;
  vi.spyOn(host, "previewRetention").mockImplementation(async (name, changes, shrunk) => {
    const report = await free(name, changes, shrunk);
    if (shrunk === "accepted") return report;
    const held = report.delete.map((row) => ({ ...row, reason: "shrunk" as const }));
    return { ...report, keep: [...report.keep, ...held], delete: [] };
  });
  await user.click(await screen.findByRole("button", { name: "Retention of nas" }));
  const dialog = await screen.findByRole("dialog", { name: "What stays at nas" });
  expect(within(dialog).queryByRole("checkbox")).toBeNull();
  await user.click(await within(dialog).findByRole("radio", { name: "The newest" }));
  const number = (name: string) => within(dialog).getByRole("textbox", { name });
  for (const name of ["The last", "Never fewer than"]) {
    await user.clear(number(name));
    await user.type(number(name), "1");
  }
  await user.clear(number("Younger than, in days"));
  const seen = await within(dialog).findByRole("checkbox", { name: /^I have looked/ });
  expect(within(dialog).queryByRole("button", { name: /^Save, and delete/ })).toBeNull();
  await user.click(seen);
  const go = await within(dialog).findByRole("button", { name: /^Save, and delete/ });
  await waitFor(() => expect(go).toBeEnabled());
  await user.click(go);
  await waitFor(() => expect(asked("applyRetention")).toEqual([["nas", "accepted"]]));
});

test("what would stay is asked when the dialog opens and when an act ended, and not for every change", async () => {
  const { user, host } = openRoom("settled", { room: "destinations" });
  const preview = vi.spyOn(host, "previewRetention");
  const list = vi.spyOn(host, "destinations");
  const open = async () => {
    await user.click(await screen.findByRole("button", { name: "Retention of nas" }));
    const dialog = await screen.findByRole("dialog", { name: "What stays at nas" });
    await within(dialog).findByRole("region", { name: "What this would do now" });
    return dialog;
  };
  const dialog = await open();
  expect(preview).toHaveBeenCalledTimes(1);

  list.mockClear();
  act(() => host.emit({ event: "schedules_changed" }));
  await waitFor(() => expect(list).toHaveBeenCalledTimes(1));
  lookAgain(1);
  await waitFor(() => expect(list).toHaveBeenCalledTimes(2));
  expect(preview).toHaveBeenCalledTimes(1);

  await act(() => host.verify("v", "nas:any"));
  await waitFor(() => expect(preview).toHaveBeenCalledTimes(2));

  await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(dialog).not.toBeInTheDocument());
  await open();
  expect(preview).toHaveBeenCalledTimes(3);
});

test("a policy that keeps nothing cannot be saved", async () => {
  const { user } = openRoom("settled", { room: "destinations" });
  await user.click(await screen.findByRole("button", { name: "Retention of nas" }));
  const dialog = await screen.findByRole("dialog", { name: "What stays at nas" });
  await user.click(await within(dialog).findByRole("radio", { name: "Ever fewer" }));
  expect(within(dialog).getByText(/about 16 days old/)).toBeVisible();
  await user.clear(within(dialog).getByRole("textbox", { name: "Levels" }));
  expect(within(dialog).getByRole("button", { name: "Save" })).toBeDisabled();
});

test.each(STRATEGIES)("what is drawn up as %s comes back as it was", (strategy) => {
  const draft = { ...draftOf(null), strategy };
  expect(isGood(draft)).toBe(true);
  const { floor, ...rest } = Object.fromEntries(changesOf(draft));
  if (strategy === "all") {
    expect(rest).toEqual({ strategy: "" });
    return;
  }
  const { strategy: name, ...counts } = rest;
  const numbers = Object.fromEntries(Object.entries(counts).map(([key, n]) => [key, Number(n)]));
  const again = draftOf({ strategy: name, floor: Number(floor), ...numbers } as Parameters<typeof draftOf>[0]);
  expect(changesOf(again)).toEqual(changesOf(draft));
});

test("days are counted in UTC, by what becomes of their archives", () => {
  const row = (created_at: string) => ({
    archive: "",
    execution_id: null,
    instance: "i",
    type: "manual" as const,
    created_at,
    sequence: null,
    compressed_size_bytes: 1,
  });
  const report: RetentionReport = {
    destination: "d",
    policy: null,
    keep: [{ ...row("2026-11-24T23:59:59Z"), reason: "pinned" }],
    delete: [
      { ...row("2026-11-24T00:00:00Z"), reason: "superseded" },
      { ...row("2026-11-23T12:00:00Z"), reason: "superseded" },
    ],
    foreign: [{ ...row("2026-11-23T12:00:00Z"), reason: "unread" }],
    failed: [],
    missing: [],
  };
  expect([...daysOf(report)]).toEqual([
    ["2026-11-24", { keep: 1, go: 1, foreign: 0 }],
    ["2026-11-23", { keep: 0, go: 1, foreign: 1 }],
  ]);
});
