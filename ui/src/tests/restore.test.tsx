import { screen, waitFor, within } from "@testing-library/react";
import { openRoom } from "./room";

type User = ReturnType<typeof openRoom>["user"];
/** From the first archive of the list to the confirmation, with `devices` alone chosen. */
async function toConfirmation(user: User) {
  const archives = await screen.findAllByRole("button", { name: /^tacacs · / });
  await user.click(archives[0] as HTMLElement);
  await user.click(await screen.findByRole("checkbox", { name: "Everything" }));
  await user.click(screen.getByRole("checkbox", { name: "devices" }));
  await user.click(screen.getByRole("button", { name: "See what would change" }));
  const devices = await screen.findByText("/srv/tacacs/data/devices.db");
  expect(devices).toBeInTheDocument();
  const row = screen.getByRole("row", { name: "devices 112 120" });
  expect(row).toBeInTheDocument();
  expect(screen.queryByText("/srv/tacacs/data/local_auth.db")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Continue" }));
}

test("a restore shows the plan, waits for the exact name, and can be undone", async () => {
  const { user, asked } = openRoom("settled", { room: "restore" });
  await toConfirmation(user);
  const go = await screen.findByRole("button", { name: "Restore now" });
  const name = screen.getByRole("textbox", { name: "Name of the instance" });
  for (const wrong of ["TACACS", "tacacs ", "tacac"]) {
    await user.clear(name);
    await user.type(name, wrong);
    expect(go).toBeDisabled();
  }
  expect(asked("restore")).toEqual([]);
  await user.clear(name);
  await user.type(name, "tacacs");
  await user.click(go);
  expect(await screen.findByText("tacacs is restored")).toBeInTheDocument();
  expect(asked("restore")[0]?.[0]).toMatchObject({
    instance: "tacacs",
    components: ["devices"],
    confirm: "tacacs",
    accept: { unsigned: false, signer: null, mismatch: false },
  });
  expect(screen.getByText("Restart the service now")).toBeInTheDocument();

  await user.click(screen.getByRole("button", { name: "Undo" }));
  const dialog = await screen.findByRole("dialog", { name: "Undo the restore of tacacs" });
  expect(within(dialog).getByRole("button", { name: "Undo now" })).toBeDisabled();
  await user.type(within(dialog).getByRole("textbox"), "tacacs");
  await user.click(within(dialog).getByRole("button", { name: "Undo now" }));
  await waitFor(() => expect(asked("undo")).toHaveLength(1));
  expect((await screen.findAllByText("The restore is undone")).length).toBeGreaterThan(0);
});

test("an unknown signer needs a second confirmation, which names the key", async () => {
  const { user, asked } = openRoom("foreign", { room: "restore" });
  await toConfirmation(user);
  const go = await screen.findByRole("button", { name: "Restore now" });
  await user.type(screen.getByRole("textbox", { name: "Name of the instance" }), "tacacs");
  expect(go).toBeDisabled();
  await user.click(screen.getByRole("checkbox", { name: /I trust the key E7620F1842B4E81F/ }));
  expect(go).toBeEnabled();
  await user.click(go);
  await screen.findByText("tacacs is restored");
  expect(asked("restore")[0]?.[0]).toMatchObject({ accept: { signer: "E7620F1842B4E81F", unsigned: false } });
});

test("an archive from a file is opened by its path", async () => {
  const { user, host } = openRoom("settled", { room: "restore" });
  const show = vi.spyOn(host, "show");
  await user.click(await screen.findByRole("button", { name: "From a file…" }));
  await screen.findByText("What to bring back");
  expect(show).toHaveBeenCalledWith("/home/ada/backup.tar.gz.age");
});

test("a sealed archive is opened with a passphrase, which is asked for until it is right or given up", async () => {
  const { user, host, asked } = openRoom("settled", { room: "restore" });
  const problem = (code: string) => ({ code, message: "sealed", hint: "" });
  const show = vi.spyOn(host, "show");
  show.mockRejectedValueOnce(problem("no_passphrase")).mockRejectedValueOnce(problem("wrong_passphrase"));
  await user.click(await screen.findByRole("button", { name: "From a file…" }));
  const title = "Sealed with a passphrase";
  const field = () => within(screen.getByRole("dialog", { name: title })).getByLabelText("Passphrase");
  await screen.findByRole("dialog", { name: title });
  expect(screen.queryByText(/does not open with that one/)).toBeNull();
  await user.type(field(), "a guess{Enter}");
  expect(await screen.findByText(/does not open with that one/)).toBeVisible();
  expect(field()).toHaveValue("");
  await user.type(field(), "the one{Enter}");
  expect(await screen.findByText("What to bring back")).toBeInTheDocument();
  expect(screen.queryByRole("dialog", { name: title })).toBeNull();
  expect(asked("givePassphrase")).toEqual([["a guess"], ["the one"]]);
  expect(show).toHaveBeenCalledTimes(3);
});

test("whoever has no passphrase is told what is missing, and can come back to it", async () => {
  const { user, host } = openRoom("settled", { room: "restore" });
  vi.spyOn(host, "show").mockRejectedValue({ code: "no_passphrase", message: "sealed", hint: "" });
  await user.click(await screen.findByRole("button", { name: "From a file…" }));
  const dialog = await screen.findByRole("dialog", { name: "Sealed with a passphrase" });
  await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
  expect(await screen.findByText("The archive is encrypted with a passphrase")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("dialog", { name: "Sealed with a passphrase" })).toBeInTheDocument();
});

test("a restore that fails says why and offers the same form again", async () => {
  const { user, host } = openRoom("settled", { room: "restore" });
  const problem = { code: "no_space", message: "needs 9 bytes in `/srv`, 3 are free", hint: "make room and try again" };
  vi.spyOn(host, "restore").mockRejectedValue(problem);
  await toConfirmation(user);
  await user.type(await screen.findByRole("textbox", { name: "Name of the instance" }), "tacacs");
  await user.click(screen.getByRole("button", { name: "Restore now" }));
  expect(await screen.findByText("Needs 9 bytes in `/srv`, 3 are free")).toBeInTheDocument();
  expect(screen.getByText("Code: no_space")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Restore now" })).toBeEnabled();
  expect(screen.queryByText("tacacs is restored")).toBeNull();
});
