// Opens a room of the page over the fake host, as a user would find it.
import { act, render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "../app";
import { type FakeOptions, fakeHost, type Scene } from "../host.fake";
import { type Language, speak } from "../i18n";
import type { Where } from "../navigation";
import { Providers } from "../providers";

export function openRoom(scene: Scene, where: Where, options: FakeOptions & { language?: Language } = {}) {
  localStorage.clear();
  const host = fakeHost(scene, { pace: 4, ...options });
  const user = userEvent.setup();
  render(
    <Providers host={host} words={speak(options.language ?? "en")} start={where} env="test">
      <App />
    </Providers>,
  );
  const asked = (verb: string) => host.asked.filter((a) => a.verb === verb).map((a) => a.args);
  return { host, user, asked };
}

/** The window is looked at again, that many minutes from now. */
export function lookAgain(minutes: number) {
  const at = Date.now() + minutes * 60_000;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => at);
  onTestFinished(() => clock.mockRestore());
  act(() => void window.dispatchEvent(new Event("visibilitychange")));
}
