import { act, screen, waitFor, within } from "@testing-library/react";
import { TEST_UNTRUSTED } from "../host.fake.data";
import { lookAgain, openRoom } from "./room";

async function choose(user: ReturnType<typeof openRoom>["user"], dialog: HTMLElement, kind: string) {
  await user.click(within(dialog).getByRole("combobox", { name: "Where" }));
  await user.click(await screen.findByRole("option", { name: kind }));
}

test("a server is added with its password, and trusted by the fingerprint it presents", async () => {
  const { user, asked } = openRoom("settled", { room: "destinations", add: true });
  const dialog = await screen.findByRole("dialog", { name: "Add destination" });
  await choose(user, dialog, "SFTP server");
  await user.click(within(dialog).getByRole("radio", { name: "Password" }));
  await user.type(within(dialog).getByRole("textbox", { name: "Host" }), "backup.example.net");
  await user.type(within(dialog).getByRole("textbox", { name: "User name" }), "ada");
  await user.type(within(dialog).getByLabelText(/^Password/, { selector: "input[type=password]" }), "s3cret");
  await user.click(within(dialog).getByRole("button", { name: "Add and test" }));
  const trust = await within(dialog).findByRole("group", { name: "Is this the server you mean?" });
  expect(asked("addDestination")).toEqual([
    ["backups", "sftp", { host: "backup.example.net", username: "ada" }, ["password"]],
  ]);
  expect(within(trust).getByText(/^SHA256:/)).toBeVisible();
  await user.click(within(trust).getByRole("button", { name: "Trust this fingerprint" }));
  expect(await within(dialog).findByText("Every check passed")).toBeInTheDocument();
  expect(asked("setDestination")).toEqual([
    ["backups", { fingerprint: "SHA256:hGg8jW0Zz8m4Yk5Q2n1xw3T0r9vB7cJfLdKpEoAsUiM" }, []],
  ]);
});

test("a password does not stay in the form once it is kept", async () => {
  const { user } = openRoom("settled", { room: "destinations", add: true });
  const dialog = await screen.findByRole("dialog", { name: "Add destination" });
  await choose(user, dialog, "WebDAV server");
  await user.type(within(dialog).getByRole("textbox", { name: "Address" }), "http://nas.example.net/dav");
  expect(within(dialog).getByText(/cross the network in clear/)).toBeVisible();
  await user.type(within(dialog).getByRole("textbox", { name: "User name" }), "ada");
  const password = () => within(dialog).getByLabelText(/^Password/, { selector: "input" });
  await user.type(password(), "s3cret");
  await user.click(within(dialog).getByRole("button", { name: "Add and test" }));
  await within(dialog).findByText("Not every check passed");
  expect(password()).toHaveValue("");
  expect(password()).toHaveAttribute("placeholder", "unchanged");
});

test("a destination is edited without giving its secrets again", async () => {
  const { user, asked } = openRoom("settled", { room: "destinations" });
  await user.click(await screen.findByRole("button", { name: "Edit nas" }));
  const dialog = await screen.findByRole("dialog", { name: "Edit nas" });
  expect(within(dialog).queryByRole("combobox", { name: "Where" })).not.toBeInTheDocument();
  const folder = within(dialog).getByRole("textbox", { name: "Folder" });
  await user.clear(folder);
  await user.type(folder, "/mnt/other");
  await user.click(within(dialog).getByRole("button", { name: "Save and test" }));
  expect(await within(dialog).findByText("Every check passed")).toBeInTheDocument();
  expect(asked("setDestination")).toEqual([["nas", { base_path: "/mnt/other" }, []]]);
});

test("another way to sign in is chosen with its secret, and the others are forgotten", async () => {
  const { user, asked, host } = openRoom("settled", { room: "destinations" });
  await host.addDestination(
    "cloud",
    "azure",
    { container_name: "c", fingerprint: "SHA256:known" },
    { account_key: "k" },
  );
  act(() => host.emit({ event: "schedules_changed" }));
  await user.click(await screen.findByRole("button", { name: "Edit cloud" }));
  const dialog = await screen.findByRole("dialog", { name: "Edit cloud" });
  const save = within(dialog).getByRole("button", { name: "Save and test" });
  expect(within(dialog).getByRole("radio", { name: "As before" })).toBeChecked();
  expect(save).toBeEnabled();
  await user.click(within(dialog).getByRole("radio", { name: "SAS token" }));
  expect(within(dialog).getByText(/what was kept for another way to sign in is forgotten/)).toBeVisible();
  expect(save).toBeDisabled();
  await user.type(within(dialog).getByLabelText(/^SAS token/, { selector: "input[type=password]" }), "sig=x");
  await user.click(save);
  expect(await within(dialog).findByText("Every check passed")).toBeInTheDocument();
  expect(asked("setDestination")).toEqual([
    [
      "cloud",
      { container_name: "c", fingerprint: "SHA256:known" },
      ["-account_key", "sas_token", "-connection_string"],
    ],
  ]);
  // It can be changed once more, to one that has nothing to type.
  await user.click(within(dialog).getByRole("radio", { name: "Account key" }));
  expect(within(dialog).getByRole("button", { name: "Save and test" })).toBeDisabled();
});

test("trust in a new fingerprint is not undone by saving again", async () => {
  const { user, asked, host } = openRoom("settled", { room: "destinations" });
  const config = { host: "b.example", username: "ada", fingerprint: "SHA256:old" };
  await host.addDestination("far", "sftp", config, { password: "p" });
  act(() => host.emit({ event: "schedules_changed" }));
  vi.spyOn(host, "testDestination").mockResolvedValueOnce(TEST_UNTRUSTED);
  await user.click(await screen.findByRole("button", { name: "Edit far" }));
  const dialog = await screen.findByRole("dialog", { name: "Edit far" });
  await user.click(within(dialog).getByRole("button", { name: "Save and test" }));
  await user.click(await within(dialog).findByRole("button", { name: "Trust this fingerprint" }));
  await within(dialog).findByText("Every check passed");
  await user.type(within(dialog).getByRole("textbox", { name: "Folder there" }), "x");
  await user.click(within(dialog).getByRole("button", { name: "Save and test" }));
  await within(dialog).findByText("Every check passed");
  const last = { ...config, fingerprint: TEST_UNTRUSTED.fingerprint, base_path: "x" };
  expect(asked("setDestination").at(-1)).toEqual(["far", last, []]);
});

test("a destination tells how much is free", async () => {
  openRoom("settled", { room: "destinations" });
  await waitFor(() => expect(screen.getByText("170 GiB")).toBeVisible());
});

test("what is free is asked anew where it may have changed, and not for every change elsewhere", async () => {
  const { user, host } = openRoom("settled", { room: "destinations" });
  const free = vi.spyOn(host, "freeSpace");
  const list = vi.spyOn(host, "destinations");
  // Everything that is cheap has been asked again by then.
  const listed = (times: number) => waitFor(() => expect(list.mock.calls.length).toBeGreaterThanOrEqual(times));
  await screen.findByText("170 GiB");
  expect(free).toHaveBeenCalledTimes(1);

  await user.click(screen.getByRole("switch", { name: "Takes new archives" }));
  await screen.findByRole("switch", { name: "Takes no new archives" });
  act(() => host.emit({ event: "schedules_changed" }));
  await listed(2);
  await act(() => host.verify("v", "nas:any"));
  await listed(3);
  lookAgain(4);
  await listed(4);
  expect(free).toHaveBeenCalledTimes(1);

  await act(() => host.backup("b", "tacacs", ["nas"], ""));
  await waitFor(() => expect(free).toHaveBeenCalledTimes(2));
  await act(() => host.applyRetention("r", "nas", "stops"));
  await waitFor(() => expect(free).toHaveBeenCalledTimes(3));

  await user.click(screen.getByRole("button", { name: "Edit nas" }));
  await user.click(await screen.findByRole("button", { name: "Save and test" }));
  await waitFor(() => expect(free).toHaveBeenCalledTimes(4));
  lookAgain(12);
  await waitFor(() => expect(free).toHaveBeenCalledTimes(5));
});
