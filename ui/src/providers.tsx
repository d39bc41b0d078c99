// Everything that rooms expect above them; tests use the same.
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { i18n } from "i18next";
import { type ReactNode, useState } from "react";
import { I18nextProvider } from "react-i18next";
import { ActsProvider } from "./acts";
import { type Host, HostProvider } from "./host";
import { NavigationProvider, type Where } from "./navigation";
import { PassphraseProvider } from "./passphrase";
import { theme } from "./theme";

export function Providers(props: { host: Host; words: i18n; start?: Where; env?: "test"; children: ReactNode }) {
  // The program answers from this machine: asking again is cheap, and a failure is an answer.
  const [asked] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          queries: { retry: false, networkMode: "always", staleTime: 5_000 },
          mutations: { networkMode: "always" },
        },
      }),
  );
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" env={props.env ?? "default"}>
      <I18nextProvider i18n={props.words}>
        <HostProvider value={props.host}>
          <QueryClientProvider client={asked}>
            <PassphraseProvider>
              <ActsProvider>
                <NavigationProvider {...(props.start ? { start: props.start } : {})}>
                  {props.children}
                </NavigationProvider>
              </ActsProvider>
            </PassphraseProvider>
          </QueryClientProvider>
        </HostProvider>
      </I18nextProvider>
    </MantineProvider>
  );
}
