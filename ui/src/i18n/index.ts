// The page's languages. What the program itself says (the facts of a problem, warnings) comes as it is.
import i18next, { type i18n } from "i18next";
import { initReactI18next } from "react-i18next";
import { de } from "./de";
import { en } from "./en";
import { problems as deProblems } from "./problems.de";
import { problems as enProblems } from "./problems.en";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & { problem: typeof enProblems } };
  }
}

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "holdfast.language";

export function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text);
}

/** What was chosen before, else the desktop's, else English. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT);
  if (isLanguage(kept)) return kept;
  const desktop = navigator.language.split("-")[0];
  return isLanguage(desktop) ? desktop : "en";
}

export function speak(language: Language): i18n {
  const words = i18next.createInstance();
  void words.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    resources: {
      en: { translation: { ...en, problem: enProblems } },
      de: { translation: { ...de, problem: deProblems } },
    },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  const tell = (lng: string) => {
    document.documentElement.lang = lng;
    localStorage.setItem(KEPT, lng);
  };
  tell(language);
  words.on("languageChanged", tell);
  return words;
}
