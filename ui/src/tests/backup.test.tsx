import { screen, waitFor, within } from "@testing-library/react";
import type { BackupReport } from "../bindings/BackupReport";
import { backupNotice } from "../domain/backup-dialog";
import { speak } from "../i18n";
import { openRoom } from "./room";

async function startBackup(user: ReturnType<typeof openRoom>["user"]) {
  const card = await screen.findByRole("article", { name: "tacacs" });
  await user.click(within(card).getByRole("button", { name: "Back up now" }));
  const dialog = await screen.findByRole("dialog", { name: "Back up tacacs" });
  await user.click(await within(dialog).findByRole("button", { name: "Back up now" }));
}

test("a backup goes to the chosen destinations, shows its progress and says how it ended", async () => {
  const { user, asked } = openRoom("settled", { room: "overview" }, { pace: 20 });
  await startBackup(user);
  expect(await screen.findByRole("progressbar", { name: "Progress of tacacs" })).toBeInTheDocument();
  expect(asked("backup")).toEqual([["tacacs", ["nas"], ""]]);
  expect(await screen.findByText("tacacs is backed up")).toBeInTheDocument();
  await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
});

test("a backup that is cancelled says so and leaves no success behind", async () => {
  const { user, asked } = openRoom("settled", { room: "overview" }, { pace: 60 });
  await startBackup(user);
  await user.click(await screen.findByRole("button", { name: "Cancel Backup: tacacs" }));
  expect(await screen.findByText("tacacs was not backed up")).toBeInTheDocument();
  expect(asked("cancel")).toHaveLength(1);
  expect(screen.queryByText("tacacs is backed up")).toBeNull();
});

test("without a destination the dialog leads to adding one", async () => {
  const { user } = openRoom("empty", { room: "overview" });
  await user.click(await screen.findByRole("button", { name: "Use the sample" }));
  const card = await screen.findByRole("article", { name: "sample" });
  await user.click(within(card).getByRole("button", { name: "Back up now" }));
  const dialog = await screen.findByRole("dialog", { name: "Back up sample" });
  await user.click(await within(dialog).findByRole("button", { name: "Add destination" }));
  expect(await screen.findByRole("dialog", { name: "Add destination" })).toBeInTheDocument();
});

test.each([
  [["completed", "completed"], "good"],
  [["completed", "failed"], "warning"],
  [["partial"], "warning"],
  [["failed"], "bad"],
  [[], "bad"],
] as const)("destinations that ended %j make %s news", (statuses, tone) => {
  const report: BackupReport = {
    run_id: "r",
    executions: statuses.map((status, n) => ({
      id: String(n),
      destination: `d${n}`,
      archive: status === "failed" ? null : "backup.tar.gz",
      status,
      size_bytes: null,
      compressed_size_bytes: null,
      sha256: null,
      warnings: [],
      problem: null,
    })),
  };
  const words = speak("en");
  expect(backupNotice(report, "web", words.t, "en").tone).toBe(tone);
});

test("quitting over a run asks, and the answer reaches the program", async () => {
  const { user, host, asked } = openRoom("settled", { room: "overview" }, { pace: 60 });
  await startBackup(user);
  await screen.findByRole("progressbar", { name: "Progress of tacacs" });
  host.emit({ event: "close_asked" });
  const dialog = await screen.findByRole("dialog", { name: "Something is still running" });
  await user.click(within(dialog).getByRole("button", { name: "Leave when it has ended" }));
  expect(asked("close")).toEqual([["finish"]]);
});
