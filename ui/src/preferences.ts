// Language and theme as the program keeps them: the command line may have changed them.
import { type MantineColorScheme, useMantineColorScheme } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useHost } from "./host";
import { isLanguage } from "./i18n";

/** What the program calls `system` is `auto` in the page's parts. */
export function schemeOf(theme: string | undefined): MantineColorScheme | null {
  if (theme === "light" || theme === "dark") return theme;
  return theme === "system" ? "auto" : null;
}

export function themeOf(scheme: MantineColorScheme): string {
  return scheme === "auto" ? "system" : scheme;
}

export function usePreferences() {
  const host = useHost();
  const { i18n } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    host.settings().then(
      ({ language, theme }) => {
        if (isLanguage(language)) void i18n.changeLanguage(language);
        const scheme = schemeOf(theme);
        if (scheme) setColorScheme(scheme);
      },
      // The rooms show what is wrong with the program; the words stay as they are.
      () => {},
    );
  }, [host, i18n, setColorScheme]);
}
