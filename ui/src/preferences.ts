// Language and theme as the program keeps them: the command line may have changed them.
import { useMantineColorScheme } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useHost } from "./host";
import { isLanguage } from "./i18n";

export function usePreferences() {
  const host = useHost();
  const { i18n } = useTranslation();
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    host.settings().then(
      ({ language, theme }) => {
        if (isLanguage(language)) void i18n.changeLanguage(language);
        if (theme === "light" || theme === "dark" || theme === "auto") setColorScheme(theme);
      },
      // The rooms show what is wrong with the program; the words stay as they are.
      () => {},
    );
  }, [host, i18n, setColorScheme]);
}
