// Starts the page: over the program, or in a plain browser (`--mode browser`) over the fake one.
import "@fontsource-variable/inter/wght.css";
import "@mantine/core/styles.css";
import "dayjs";
import "./app.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { type Host, tauriHost } from "./host";
import { firstLanguage, speak } from "./i18n";
import { Providers } from "./providers";

async function chooseHost(): Promise<Host> {
  if (import.meta.env.MODE !== "browser") return tauriHost;
  const { fakeHost, sceneOf } = await import("./host.fake");
  return fakeHost(sceneOf(location.search));
}

// Nothing that is loaded or typed later changes what all objects are made of. The program could do this for the page, but before dayjs is there,
// which gives its dates a `toString` of their own in a way that is an error from then on.
Object.freeze(Object.prototype);

const root = document.getElementById("root");
if (root) {
  const host = await chooseHost();
  createRoot(root).render(
    <Providers host={host} words={speak(firstLanguage())}>
      <App />
    </Providers>,
  );
}
