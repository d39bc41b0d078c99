import { screen, waitFor, within } from "@testing-library/react";
import { openRoom } from "./room";

type User = ReturnType<typeof openRoom>["user"];

/** Opens the archives of the destination and the one that is named. */
async function openArchive(user: User, which: "newest" | "oldest") {
  await user.click(await screen.findByRole("button", { name: "Archives of nas" }));
  await screen.findByRole("heading", { level: 1, name: "Archives at nas" });
  const rows = await screen.findAllByRole("button", { name: /^Details of tacacs/ });
  expect(rows).toHaveLength(2);
  const row = rows.at(which === "newest" ? 0 : -1) as HTMLElement;
  await user.click(row);
  const opened = within(row.parentElement as HTMLElement);
  await opened.findByRole("button", { name: "Download…" });
  return opened;
}

test("a destination's archives are listed, and one of them is verified, drilled and restored from", async () => {
  const { user, host } = openRoom("settled", { room: "destinations" });
  const [verify, drill] = [vi.spyOn(host, "verify"), vi.spyOn(host, "drill")];
  const row = await openArchive(user, "newest");
  const name = (await host.archives("nas"))[0]?.name;
  await user.click(row.getByRole("button", { name: "Verify" }));
  expect(await screen.findByText("The archive is sound")).toBeInTheDocument();
  await user.click(row.getByRole("button", { name: /^Drill/ }));
  expect(await screen.findByText(/^The archive restores/)).toBeInTheDocument();
  for (const asked of [verify, drill]) expect(asked.mock.calls[0]?.[1]).toBe(`nas:${name}`);
  await user.click(row.getByRole("button", { name: "Restore from this" }));
  expect(await screen.findByText("What to bring back")).toBeInTheDocument();
});

test("what comes from elsewhere shows it, and can be drilled", async () => {
  const { user, host } = openRoom("settled", { room: "destinations", archives: "nas" });
  const rows = await host.archives("nas");
  vi.spyOn(host, "archives").mockResolvedValue(rows.map((row, n) => ({ ...row, foreign: n === 0 })));
  vi.spyOn(host, "drill").mockRejectedValueOnce({ code: "no_passphrase", message: "sealed", hint: "" });
  await user.click(await screen.findByRole("button", { name: "Look again" }));
  expect(await screen.findByText("foreign")).toBeVisible();
  const newest = (await screen.findAllByRole("button", { name: /^Details of tacacs/ }))[0] as HTMLElement;
  await user.click(newest);
  // It unfolds.
  await waitFor(() => expect(screen.getByText(/no policy deletes it/)).toBeVisible());
  await user.click(screen.getByRole("button", { name: /^Drill/ }));
  const dialog = await screen.findByRole("dialog", { name: "Sealed with a passphrase" });
  await user.type(within(dialog).getByLabelText("Passphrase"), "the one{Enter}");
  expect(await screen.findByText(/^The archive restores/)).toBeInTheDocument();
});

test("an archive is deleted only when its whole file name is typed in", async () => {
  const { user, host, asked } = openRoom("settled", { room: "destinations" });
  const row = await openArchive(user, "newest");
  const name = (await host.archives("nas"))[0]?.name ?? "";
  await user.click(row.getByRole("button", { name: "Delete…" }));
  const dialog = await screen.findByRole("dialog", { name: "Delete this archive?" });
  const sure = within(dialog).getByRole("button", { name: "Delete for good" });
  const field = within(dialog).getByRole("textbox", { name: "File name of the archive" });
  await user.type(field, name.slice(0, -1));
  expect(sure).toBeDisabled();
  await user.type(field, name.slice(-1));
  await user.click(sure);
  expect(await screen.findByText("The archive is deleted")).toBeInTheDocument();
  expect(asked("deleteArchive")).toEqual([[`nas:${name}`, name]]);
  await waitFor(() => expect(screen.getAllByRole("button", { name: /^Details of tacacs/ })).toHaveLength(1));
});

test("what is pinned shows it, and cannot be deleted before it is unpinned", async () => {
  const { user, asked } = openRoom("settled", { room: "destinations" });
  const row = await openArchive(user, "oldest");
  expect(row.getByRole("img", { name: "pinned" })).toBeInTheDocument();
  expect(row.getByRole("button", { name: "Delete…" })).toBeDisabled();
  await user.click(row.getByRole("button", { name: "Unpin" }));
  await waitFor(() => expect(row.getByRole("button", { name: "Delete…" })).toBeEnabled());
  expect(row.queryByRole("img", { name: "pinned" })).toBeNull();
  expect(asked("pin")[0]?.[1]).toBe(false);
});

test("an archive is saved where the dialog says", async () => {
  const { user, asked } = openRoom("settled", { room: "destinations" });
  const row = await openArchive(user, "newest");
  await user.click(row.getByRole("button", { name: "Download…" }));
  expect(await screen.findByText("The archive is saved")).toBeInTheDocument();
  expect(asked("download")[0]?.[1]).toMatch(/^\/home\/ada\/backup-tacacs-.*\.age$/);
});

test("a dismissed dialog saves nothing", async () => {
  const { user, host, asked } = openRoom("settled", { room: "destinations" });
  const save = vi.spyOn(host, "saveFile").mockResolvedValue(null);
  const row = await openArchive(user, "newest");
  await user.click(row.getByRole("button", { name: "Download…" }));
  await waitFor(() => expect(save).toHaveBeenCalled());
  await waitFor(() => expect(row.getByRole("button", { name: "Download…" })).not.toHaveAttribute("data-loading"));
  expect(asked("download")).toEqual([]);
});

test("a destination without archives says what to do, and can be looked at again", async () => {
  const { user, host, asked } = openRoom("settled", { room: "destinations", archives: "nas" });
  vi.spyOn(host, "archives").mockResolvedValue([]);
  await user.click(await screen.findByRole("button", { name: "Look again" }));
  expect(await screen.findByText(/archives at nas: 0 new, 0 gone, 0 foreign/)).toBeInTheDocument();
  expect(asked("rebuildCatalogue")).toEqual([["nas"]]);
  expect(await screen.findByText("No archive here yet")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Back" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Destinations" })).toBeInTheDocument();
});
