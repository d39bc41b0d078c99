import { screen, waitFor, within } from "@testing-library/react";
import { changes, type Draft, draftOf, isGood } from "../domain/instance-draft";
import { instance } from "../host.fake.data";
import { openRoom } from "./room";

const { settings } = instance("tacacs", "/srv/tacacs", "1f0c9a3e");

async function edit(user: ReturnType<typeof openRoom>["user"]) {
  await user.click(await screen.findByRole("button", { name: "Edit: tacacs" }));
  return screen.findByRole("dialog", { name: "Edit tacacs" });
}

test("excludes are tried on the folder before anything is changed", async () => {
  const { user, asked } = openRoom("settled", { room: "instances" });
  const dialog = await edit(user);
  await user.type(within(dialog).getByRole("textbox", { name: "Exclude" }), "logs/**{enter}{enter}  *.tmp ");
  await user.click(within(dialog).getByRole("button", { name: "See what would be backed up" }));
  await user.click(await within(dialog).findByRole("button", { name: "What is left out of tacacs" }));
  await waitFor(() => expect(within(dialog).getByText("· part of a database")).toBeVisible());
  expect(within(dialog).getAllByText("· excluded")).toHaveLength(2);
  expect(asked("scan")).toEqual([["/srv/tacacs", ["logs/**", "*.tmp"]]]);
  expect(asked("setInstance")).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked("setInstance")).toEqual([
    [
      "tacacs",
      [
        ["exclude", "logs/**"],
        ["exclude", "*.tmp"],
      ],
    ],
  ]);
});

test("a preview does not outlive the patterns that it was made of", async () => {
  const { user } = openRoom("settled", { room: "instances" });
  const dialog = await edit(user);
  const patterns = within(dialog).getByRole("textbox", { name: "Exclude" });
  await user.type(patterns, "logs/**");
  await user.click(within(dialog).getByRole("button", { name: "See what would be backed up" }));
  await within(dialog).findByRole("table");
  await user.type(patterns, "x");
  expect(within(dialog).queryByRole("table")).toBeNull();
});

test("a pattern that is none is refused, and the form stays", async () => {
  const { user } = openRoom("settled", { room: "instances" });
  const dialog = await edit(user);
  await user.type(within(dialog).getByRole("textbox", { name: "Exclude" }), "a[[b");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("This value cannot be used");
  expect(within(dialog).getByRole("textbox", { name: "Exclude" })).toHaveValue("a[b");
});

test("settings and commands that are changed are sent, and no others", async () => {
  const { user, asked } = openRoom("settled", { room: "instances" });
  const dialog = await edit(user);
  expect(within(dialog).getByRole("button", { name: "Save" })).toBeDisabled();
  await user.click(within(dialog).getByRole("tab", { name: "Backup" }));
  await user.click(within(dialog).getByRole("radio", { name: "zstd" }));
  await user.click(within(dialog).getByRole("radio", { name: "none" }));
  expect(within(dialog).getByText(/can read everything in it/)).toBeVisible();
  const longest = within(dialog).getByRole("textbox", { name: /Longest wait/ });
  await user.clear(longest);
  expect(within(dialog).getByRole("button", { name: "Save" })).toBeDisabled();
  await user.type(longest, "500");
  await user.click(within(dialog).getByRole("tab", { name: "Commands" }));
  expect(within(dialog).getByRole("note")).toHaveTextContent("These lines run as commands");
  await user.type(within(dialog).getByRole("textbox", { name: "Before a restore" }), "systemctl stop tacacs");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(asked("setInstance")).toHaveLength(1));
  expect(asked("setInstance")[0]?.[1]).toEqual([
    ["compression", "zstd"],
    ["encryption", "none"],
    ["max_block_ms", "500"],
    ["stop_hook", "systemctl stop tacacs"],
  ]);
});

test.each<[string, Partial<Draft>, [string, string][]]>([
  ["nothing", {}, []],
  ["blank lines alone", { exclude: "\n  \n" }, []],
  ["a number written as text", { max_block_ms: 2000 }, []],
  ["the waiting", { when_busy: "wait" }, [["when_busy", "wait"]]],
])("what is sent where %s is changed", (_what, draft, sent) => {
  expect(changes(settings, { ...draftOf(settings), ...draft })).toEqual(sent);
});

test("taking the last exclude away is a change, and so is their order", () => {
  const some = { ...settings, exclude: ["a", "b"] };
  expect(changes(some, { ...draftOf(some), exclude: "" })).toEqual([["exclude", ""]]);
  expect(changes(some, { ...draftOf(some), exclude: "b\na" })).toEqual([
    ["exclude", "b"],
    ["exclude", "a"],
  ]);
});

test.each([[""], ["12"], [9], [600_001], [10.5]])("%j is no longest wait", (max_block_ms) => {
  expect(isGood({ ...draftOf(settings), max_block_ms })).toBe(false);
});

test("an instance comes from an archive file, and its restore follows", async () => {
  const { user, asked } = openRoom("empty", { room: "instances" }, { folder: "/srv/new" });
  await user.click(await screen.findByRole("button", { name: "From an archive" }));
  const dialog = await screen.findByRole("dialog", { name: "Add an instance from an archive" });
  await user.click(within(dialog).getByRole("button", { name: "A file…" }));
  const add = await within(dialog).findByRole("button", { name: "Add, and go on to the restore" });
  expect(within(dialog).getByRole("textbox", { name: "Name" })).toHaveValue("tacacs");
  expect(add).toBeDisabled();
  await user.click(within(dialog).getByRole("button", { name: "Choose…" }));
  await waitFor(() => expect(add).toBeEnabled());
  await user.click(add);
  expect(await screen.findByText("What to bring back")).toBeInTheDocument();
  const accept = { unsigned: false, signer: null, mismatch: false };
  expect(asked("addInstanceFrom")).toEqual([["tacacs", "/srv/new", "/home/ada/backup.tar.gz.age", accept]]);
});

test("an archive of an unknown signer makes no instance before its key is accepted", async () => {
  const { user, asked } = openRoom("foreign", { room: "instances" }, { folder: "/srv/new" });
  await user.click(await screen.findByRole("button", { name: "From an archive" }));
  const dialog = await screen.findByRole("dialog", { name: "Add an instance from an archive" });
  await user.click(within(dialog).getByRole("button", { name: "A file…" }));
  const name = await within(dialog).findByRole("textbox", { name: "Name" });
  await user.clear(name);
  await user.type(name, "again");
  await user.click(within(dialog).getByRole("button", { name: "Choose…" }));
  await waitFor(() =>
    expect(within(dialog).getByRole("textbox", { name: "Folder of the service" })).toHaveValue("/srv/new"),
  );
  const add = within(dialog).getByRole("button", { name: "Add, and go on to the restore" });
  expect(add).toBeDisabled();
  await user.click(within(dialog).getByRole("checkbox", { name: /I trust the key E7620F1842B4E81F/ }));
  expect(screen.getByText(/^Archives bring no commands/)).toBeVisible();
  await user.click(add);
  await waitFor(() => expect(asked("addInstanceFrom")[0]?.[3]).toMatchObject({ signer: "E7620F1842B4E81F" }));
});

test("a command is tried as it is saved, and what it says is shown", async () => {
  const { user, asked } = openRoom("settled", { room: "instances" });
  let dialog = await edit(user);
  await user.click(within(dialog).getByRole("tab", { name: "Commands" }));
  const name = "Before a backup reads anything";
  const test = () => within(dialog).getByRole("button", { name: `Test: ${name}` });
  expect(test()).toBeDisabled();
  await user.type(within(dialog).getByRole("textbox", { name }), "echo gone; exit 3");
  expect(test()).toBeDisabled();
  expect(within(dialog).getByText("Save first: the line that is saved is what runs.")).toBeVisible();
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  dialog = await edit(user);
  await user.click(within(dialog).getByRole("tab", { name: "Commands" }));
  await user.click(test());
  expect(await within(dialog).findByText("The command did not do well")).toBeVisible();
  expect(within(dialog).getByText("echo gone; exit 3", { selector: "code, pre" })).toBeVisible();
  expect(within(dialog).getByText("It took 1.3 s.")).toBeVisible();
  expect(asked("testHook")).toEqual([["tacacs", "before"]]);
});

test("a command that never ends can be cancelled, and that is no failure of the line", async () => {
  const { user } = openRoom("settled", { room: "instances" }, { pace: 200 });
  let dialog = await edit(user);
  await user.click(within(dialog).getByRole("tab", { name: "Commands" }));
  const name = "Before a restore";
  await user.type(within(dialog).getByRole("textbox", { name }), "sleep 600");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  dialog = await edit(user);
  await user.click(within(dialog).getByRole("tab", { name: "Commands" }));
  await user.click(within(dialog).getByRole("button", { name: `Test: ${name}` }));
  await user.click(await within(dialog).findByRole("button", { name: `Cancel the test: ${name}` }));
  expect(await within(dialog).findByText("Cancelled")).toBeVisible();
  expect(within(dialog).queryByText("The command did not do well")).toBeNull();
  expect(within(dialog).queryByRole("button", { name: `Cancel the test: ${name}` })).toBeNull();
});

test("a command that goes well says so, and how long it took, in German too", async () => {
  const { user } = openRoom("settled", { room: "instances" }, { language: "de" });
  const open = async () => {
    await user.click(await screen.findByRole("button", { name: "Bearbeiten: tacacs" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("tab", { name: "Befehle" }));
    return dialog;
  };
  let dialog = await open();
  const name = "Nach einer Wiederherstellung";
  await user.type(within(dialog).getByRole("textbox", { name }), "systemctl start tacacs");
  await user.click(within(dialog).getByRole("button", { name: "Speichern" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  dialog = await open();
  await user.click(within(dialog).getByRole("button", { name: `Testen: ${name}` }));
  expect(await within(dialog).findByText("Es ging gut. Dauer: 1,3 s.")).toBeVisible();
});
