import { screen, waitFor, within } from "@testing-library/react";
import { openRoom } from "./room";

const OTHER = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

test("a recipient is added with a name, and removed again after a question", async () => {
  const { user, asked } = openRoom("settled", { room: "keys" });
  await user.click(await screen.findByRole("button", { name: "Add recipient" }));
  const form = await screen.findByRole("dialog", { name: "Add recipient" });
  const add = within(form).getByRole("button", { name: "Add" });
  await user.type(within(form).getByRole("textbox", { name: "Public key of the recipient" }), ` ${OTHER} `);
  expect(add).toBeDisabled();
  await user.type(within(form).getByRole("textbox", { name: "Name" }), "the safe");
  await user.click(add);
  expect(await screen.findByText("the safe")).toBeInTheDocument();
  expect(asked("addRecipient")).toEqual([[OTHER, "the safe"]]);
  await user.click(screen.getByRole("button", { name: "Remove: the safe" }));
  const question = await screen.findByRole("dialog", { name: "Remove the safe?" });
  expect(asked("removeRecipient")).toEqual([]);
  await user.click(within(question).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(asked("removeRecipient")).toEqual([[OTHER]]));
  await waitFor(() => expect(screen.queryByText("the safe")).toBeNull());
});

test("what is no key is refused in words, and the form stays", async () => {
  const { user } = openRoom("settled", { room: "keys" });
  await user.click(await screen.findByRole("button", { name: "Add recipient" }));
  const form = await screen.findByRole("dialog", { name: "Add recipient" });
  await user.type(within(form).getByRole("textbox", { name: "Public key of the recipient" }), "ssh-rsa AAAA");
  await user.type(within(form).getByRole("textbox", { name: "Name" }), "ada");
  await user.click(within(form).getByRole("button", { name: "Add" }));
  expect(await within(form).findByRole("alert")).toHaveTextContent("Code: bad_value");
});

test("the own recipient is not removed without being told what it means, and the last one stays", async () => {
  const { user } = openRoom("settled", { room: "keys" });
  await user.click(await screen.findByRole("button", { name: "Remove: this installation" }));
  const question = await screen.findByRole("dialog", { name: "Remove this installation?" });
  expect(question).toHaveTextContent("could not open its own archives");
  await user.click(within(question).getByRole("button", { name: "Remove" }));
  expect(await within(question).findByRole("alert")).toHaveTextContent("The last recipient stays");
});

test("a signer is added and removed", async () => {
  const { user, asked } = openRoom("settled", { room: "keys" });
  expect(await screen.findByText("Nobody but this installation yet.")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Add signer" }));
  const form = await screen.findByRole("dialog", { name: "Add signer" });
  await user.type(within(form).getByRole("textbox", { name: "Verification key of the signer" }), "RWQf6LRCGA9i53");
  await user.type(within(form).getByRole("textbox", { name: "Name" }), "aaa-2");
  await user.click(within(form).getByRole("button", { name: "Add" }));
  await user.click(await screen.findByRole("button", { name: "Remove: aaa-2" }));
  const question = await screen.findByRole("dialog", { name: "Remove aaa-2?" });
  await user.click(within(question).getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(asked("removeSigner")).toEqual([["E7620F1842B4E81F"]]));
});

test("a fresh installation takes a lost machine's kit, and says how to go on", async () => {
  const { user, asked } = openRoom("empty", { room: "overview" }, { file: "/media/stick/kit.txt" });
  await user.click(await screen.findByRole("button", { name: "To the keys" }));
  await user.click(await screen.findByRole("button", { name: "Import a recovery kit…" }));
  expect(await screen.findByText("The kit is imported")).toBeInTheDocument();
  expect(screen.getByText(/in the Instances room: tacacs/)).toBeInTheDocument();
  expect(asked("importKit")).toEqual([["/media/stick/kit.txt"]]);
  expect(await screen.findByRole("button", { name: "Save the recovery kit…" })).toBeInTheDocument();
});
