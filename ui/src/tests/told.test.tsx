import { MutationCache } from "@tanstack/react-query";
import { screen, waitFor } from "@testing-library/react";
import { openRoom } from "./room";

test("who is told is a choice of three", async () => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  expect(await screen.findByRole("radio", { name: "Problems" })).toBeChecked();
  await user.click(screen.getByRole("radio", { name: "Good news too" }));
  await waitFor(() => expect(screen.getByRole("radio", { name: "Good news too" })).toBeChecked());
  await user.click(screen.getByRole("radio", { name: "Nothing" }));
  await waitFor(() => expect(screen.getByRole("radio", { name: "Nothing" })).toBeChecked());
  expect(asked("setSettings")).toEqual([[{ notify: "all" }], [{ notify: "no" }]]);
});

test.each([
  ["webhook_url", "Webhook"],
  ["ping_url", "Ping for a dead-man monitor"],
])("the address %s is given, never shown, and forgotten", async (key, label) => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  const field = await screen.findByLabelText(label);
  expect(field).toHaveAttribute("type", "password");
  expect(screen.queryByRole("button", { name: `Forget: ${label}` })).toBeNull();
  await user.type(field, "https://hooks.example/s3cret");
  await user.click(screen.getByRole("button", { name: `Keep: ${label}` }));
  expect(field).toHaveValue("");
  expect(await screen.findByText("An address is kept in the place of secrets.")).toBeVisible();
  expect(asked("setSecretSettings")).toEqual([[[key]]]);
  expect(document.body.innerHTML).not.toContain("s3cret");
  await user.click(screen.getByRole("button", { name: `Forget: ${label}` }));
  await waitFor(() => expect(screen.queryByText("An address is kept in the place of secrets.")).toBeNull());
  expect(asked("setSettings")).toEqual([[{ [key]: "" }]]);
});

test("an address that is refused is not shown either, and the refusal goes with the next one", async () => {
  const { user } = openRoom("settled", { room: "settings" });
  const field = await screen.findByLabelText("Webhook");
  await user.type(field, "hooks.example/s3cret{Enter}");
  expect(await screen.findByText("This value cannot be used")).toBeVisible();
  expect(field).toHaveValue("");
  expect(document.body.innerHTML).not.toContain("s3cret");
  await user.type(field, "https://hooks.example/s3cret{Enter}");
  expect(await screen.findByText("An address is kept in the place of secrets.")).toBeVisible();
  expect(screen.queryByText("This value cannot be used")).toBeNull();
});

test.each(["https://hooks.example/s3cret", "hooks.example/s3cret"])(
  "the page remembers nothing of %s once it was sent",
  async (address) => {
    const build = vi.spyOn(MutationCache.prototype, "build");
    const remembered = () =>
      build.mock.contexts.flatMap((cache) => (cache as MutationCache).getAll()).map((m) => m.state.variables);
    const { user, asked } = openRoom("settled", { room: "settings" });
    await user.type(await screen.findByLabelText("Webhook"), `${address}{Enter}`);
    expect(asked("setSecretSettings")).toHaveLength(1);
    expect(build).toHaveBeenCalledTimes(1);
    await waitFor(() => expect(remembered()).not.toContain(address));
    build.mockRestore();
  },
);

test("settings that cannot be read are not taken for the defaults", async () => {
  const { host, user } = openRoom("settled", { room: "overview" });
  host.settings = () => Promise.reject({ code: "internal", message: "the store is gone", hint: "" });
  await user.click(screen.getByRole("button", { name: "Settings" }));
  expect(await screen.findByText(/the store is gone/i)).toBeVisible();
  expect(screen.queryByRole("radio", { name: "Problems" })).toBeNull();
  expect(screen.queryByText("No address.")).toBeNull();
});

const DAYS = "Alarm after days without a verified backup";

test("the days to an alarm are kept when the field is left", async () => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  const days = await screen.findByRole("textbox", { name: DAYS });
  expect(days).toHaveValue("8");
  await user.clear(days);
  await user.type(days, "3");
  expect(asked("setSettings")).toEqual([]);
  await user.tab();
  await waitFor(() => expect(asked("setSettings")).toEqual([[{ alarm_days: "3" }]]));
});

test("days to an alarm that are out of range become the nearest, and none become the default", async () => {
  const { user, asked } = openRoom("settled", { room: "settings" });
  const days = await screen.findByRole("textbox", { name: DAYS });
  await user.clear(days);
  await user.type(days, "5000");
  await user.tab();
  expect(days).toHaveValue("3650");
  await waitFor(() => expect(asked("setSettings")).toEqual([[{ alarm_days: "3650" }]]));
  await user.clear(days);
  await user.tab();
  expect(days).toHaveValue("8");
  await waitFor(() => expect(asked("setSettings").at(-1)).toEqual([{ alarm_days: "" }]));
});

test("a German reader has it in German", async () => {
  const { user } = openRoom("settled", { room: "settings" }, { language: "de" });
  expect(await screen.findByRole("heading", { name: "Benachrichtigungen" })).toBeVisible();
  for (const name of ["Probleme", "Auch Gutes", "Nichts"]) {
    expect(await screen.findByRole("radio", { name })).toBeInTheDocument();
  }
  await user.type(screen.getByLabelText("Ping für einen Totmann-Wächter"), "https://hc.example/s3cret");
  await user.click(screen.getByRole("button", { name: "Behalten: Ping für einen Totmann-Wächter" }));
  expect(await screen.findByRole("button", { name: "Vergessen: Ping für einen Totmann-Wächter" })).toBeVisible();
});
