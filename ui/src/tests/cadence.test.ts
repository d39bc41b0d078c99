import type { Cadence } from "../bindings/Cadence";
import { cadenceLine, cadenceWords, patternOf, simpleOf, timeOf } from "../domain/cadence";
import { speak } from "../i18n";

const cron = (expression: string): Cadence => ({ kind: "cron", expression });
const every = (every_seconds: number): Cadence => ({ kind: "interval", every_seconds, anchor: "2026-03-01T00:00:00Z" });

test.each<[Cadence, string, string]>([
  [cron("0 3 * * *"), "every day at 03:00 (Europe/Berlin)", "jeden Tag um 03:00 (Europe/Berlin)"],
  [cron("@daily"), "every day at 00:00 (Europe/Berlin)", "jeden Tag um 00:00 (Europe/Berlin)"],
  [cron("05 23 * * 0-6"), "every day at 23:05 (Europe/Berlin)", "jeden Tag um 23:05 (Europe/Berlin)"],
  [
    cron("30 18 * * mon,thu"),
    "every Monday and Thursday at 18:30 (Europe/Berlin)",
    "jeden Montag und Donnerstag um 18:30 (Europe/Berlin)",
  ],
  [cron("30 18 * * 7"), "every Sunday at 18:30 (Europe/Berlin)", "jeden Sonntag um 18:30 (Europe/Berlin)"],
  [cron("0 12 * * 1-5"), "Monday to Friday at 12:00 (Europe/Berlin)", "Montag bis Freitag um 12:00 (Europe/Berlin)"],
  [
    cron("0 12 * * SUN,MON,WED"),
    "every Monday, Wednesday, and Sunday at 12:00 (Europe/Berlin)",
    "jeden Montag, Mittwoch und Sonntag um 12:00 (Europe/Berlin)",
  ],
  [
    cron("0 2 1 * *"),
    "on the 1st of each month at 02:00 (Europe/Berlin)",
    "am 1. jedes Monats um 02:00 (Europe/Berlin)",
  ],
  [
    cron("0 2 22 * *"),
    "on the 22nd of each month at 02:00 (Europe/Berlin)",
    "am 22. jedes Monats um 02:00 (Europe/Berlin)",
  ],
  [
    cron("0 2 13 * *"),
    "on the 13th of each month at 02:00 (Europe/Berlin)",
    "am 13. jedes Monats um 02:00 (Europe/Berlin)",
  ],
  [
    cron("*/5 8-18 * * 1-5"),
    "by pattern */5 8-18 * * 1-5 (Europe/Berlin)",
    "nach dem Muster */5 8-18 * * 1-5 (Europe/Berlin)",
  ],
  [cron("0 3 13 * fri"), "by pattern 0 3 13 * fri (Europe/Berlin)", "nach dem Muster 0 3 13 * fri (Europe/Berlin)"],
  [every(6 * 3600), "every 6 hours", "alle 6 Stunden"],
  [every(3600), "every hour", "jede Stunde"],
  [every(5400), "every 90 minutes", "alle 90 Minuten"],
  [every(60), "every minute", "jede Minute"],
  [every(90), "every 90 seconds", "alle 90 Sekunden"],
  [{ kind: "manual" }, "only by hand", "nur von Hand"],
  [{ kind: "custom", name: "tides" }, "at the times of an extension: tides", "zu den Zeiten einer Erweiterung: tides"],
])("%j is said in both languages", (cadence, english, german) => {
  const line = (language: "en" | "de") =>
    cadenceLine(cadenceWords(cadence, "Europe/Berlin", speak(language).t, language));
  expect(line("en")).toBe(english);
  expect(line("de")).toBe(german);
});

test.each(["0 3 * * *", "30 18 * * 1,4", "0 2 31 * *", "0 0 * * 0"])("%s comes back from its simple choice", (text) => {
  const simple = simpleOf(text);
  expect(simple && patternOf(simple)).toBe(text);
});

test.each([
  "",
  "0 3 * *",
  "0 3 * 1 *",
  "0 3 */2 * *",
  "61 3 * * *",
  "0 3,15 * * *",
  "0 3 * * 5-1",
  "0 3 * * 1-",
  "0 3 * * 1-2-3",
  "@hourly",
])("%j is no simple choice", (text) => expect(simpleOf(text)).toBeNull());

test.each([
  ["3:00", "03:00"],
  [" 23:59 ", "23:59"],
  ["24:00", null],
  ["12", null],
  ["12:60", null],
  ["", null],
])("%j as a time is %j", (text, time) => expect(timeOf(text)).toBe(time));
