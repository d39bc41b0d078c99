import { screen, waitFor, within } from "@testing-library/react";
import { openRoom } from "./room";

test("a first start offers a folder of one's own and a sample", async () => {
  openRoom("empty", { room: "overview" });
  expect(await screen.findByRole("button", { name: "Choose a folder" })).toBeEnabled();
  expect(screen.getByRole("button", { name: "Use the sample" })).toBeEnabled();
});

test("a folder is scanned and shown before it is added", async () => {
  const { user, asked } = openRoom("empty", { room: "overview" });
  await user.click(await screen.findByRole("button", { name: "Choose a folder" }));
  const dialog = await screen.findByRole("dialog", { name: "Add instance" });
  expect(await within(dialog).findByText("data/tacacs_accounting.db")).toBeInTheDocument();
  expect(within(dialog).getByText("read only")).toBeInTheDocument();
  expect(asked("addInstance")).toEqual([]);
  await user.click(within(dialog).getByRole("button", { name: "Add it" }));
  await waitFor(() => expect(asked("addInstance")).toEqual([["tacacs", "/srv/tacacs"]]));
  expect(await screen.findByText("Getting safe")).toBeInTheDocument();
});

test("a name that cannot be part of an archive's name cannot be sent", async () => {
  const { user } = openRoom("empty", { room: "overview" });
  await user.click(await screen.findByRole("button", { name: "Choose a folder" }));
  const name = await screen.findByRole("textbox", { name: "Name" });
  await user.clear(name);
  await user.type(name, "a b");
  expect(screen.getByRole("button", { name: "Add it" })).toBeDisabled();
  expect(screen.getByText("1 to 64 letters, digits, - or _.")).toBeInTheDocument();
});

test("a folder with nothing to back up says so with its code and what to do, and cannot be added", async () => {
  const { user } = openRoom("empty", { room: "overview" }, { folder: "/srv/empty" });
  await user.click(await screen.findByRole("button", { name: "Choose a folder" }));
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("`/srv/empty` holds nothing to back up");
  expect(alert).toHaveTextContent("Check that the disk is connected");
  expect(alert).toHaveTextContent("Code: nothing_to_back_up");
  expect(screen.queryByRole("button", { name: "Add it" })).toBeNull();
});

test("a dismissed folder dialog leaves everything as it was", async () => {
  const { user, asked } = openRoom("empty", { room: "overview" }, { folder: null });
  await user.click(await screen.findByRole("button", { name: "Choose a folder" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(screen.getByRole("button", { name: "Use the sample" })).toBeInTheDocument();
  expect(asked("addInstance")).toEqual([]);
});

test("the steps end when the recovery kit is saved, and only then", async () => {
  const { user, asked } = openRoom("settled", { room: "overview" });
  await user.click(await screen.findByRole("button", { name: "Save kit" }));
  await waitFor(() => expect(asked("exportKit")).toHaveLength(1));
  await waitFor(() => expect(screen.queryByText("Getting safe")).toBeNull());
});

test("a German reader is spoken to in German", async () => {
  openRoom("empty", { room: "overview" }, { language: "de" });
  expect(await screen.findByText("Noch wird nichts gesichert")).toBeInTheDocument();
  expect(document.documentElement.lang).toBe("de");
});
