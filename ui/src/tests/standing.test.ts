import type { StatusReason } from "../bindings/StatusReason";
import type { StatusReport } from "../bindings/StatusReport";
import { folderWarning, standing } from "../domain/standing";
import { moment } from "../format";
import { type Language, speak } from "../i18n";

function report(reason: StatusReason, more: Partial<StatusReport> = {}): StatusReport {
  const sentence = "the program's own English";
  return { state: "attention", sentence, reason, concerned: [], problem: null, instances: [], warnings: [], ...more };
}

function at(name: string, restorable_as_of: string) {
  return { name, last_verified_at: restorable_as_of, restorable_as_of, next_run: null };
}

const JANUARY = "2026-01-10T08:00:00Z";
const MARCH = "2026-03-01T12:00:00Z";
const lost = { code: "keys_unavailable", message: "The keyring does not have the key identity", hint: "Restore it." };

test.each([
  [report("not_set_up"), "Nothing is set up yet.", "Noch ist nichts eingerichtet."],
  [
    report("no_instance"),
    "Nothing is backed up yet: add an instance.",
    "Noch wird nichts gesichert: Fügen Sie eine Instanz hinzu.",
  ],
  [
    report("backup_failed", { concerned: ["web", "aaa"] }),
    "The last backup of web, aaa did not succeed.",
    "Die letzte Sicherung von web, aaa ist nicht gelungen.",
  ],
  [
    report("not_verified", { concerned: ["web"] }),
    "No verified backup yet of web.",
    "Noch keine geprüfte Sicherung von web.",
  ],
  [
    report("keys_lost", { problem: lost }),
    "The keys of this installation are not in the keyring",
    "Die Schlüssel dieser Installation sind nicht im Schlüsselbund",
  ],
  [
    report("well", { instances: [at("web", MARCH)] }),
    `web is backed up and verified, restorable as of ${moment(MARCH, "en")}.`,
    `web ist gesichert und geprüft, wiederherstellbar auf den Stand vom ${moment(MARCH, "de")}.`,
  ],
  [
    report("well", { instances: [at("web", MARCH), at("aaa", JANUARY)] }),
    `All 2 instances are backed up and verified, restorable as of ${moment(JANUARY, "en")} at least.`,
    `Alle 2 Instanzen sind gesichert und geprüft, wiederherstellbar mindestens auf den Stand vom ${moment(JANUARY, "de")}.`,
  ],
])("$reason is said in the reader's language", (given, english, german) => {
  const say = (language: Language) => standing(given, speak(language).t, language);
  expect(say("en")).toBe(english);
  expect(say("de")).toBe(german);
});

test("a data folder that others can read is said in the reader's language, without a command", () => {
  const warning = { code: "data_folder_open", message: "run `chmod 700` on it", component: null };
  expect(folderWarning(warning, speak("en").t)).toMatch(/can be read by others/);
  expect(folderWarning(warning, speak("de").t)).toMatch(/für andere lesbar/);
});

test.each([
  ["webhook_undelivered", /webhook did not arrive.*Settings/, /Webhook kam nicht an.*Einstellungen/],
  ["ping_undelivered", /ping did not arrive.*Settings/, /Ping kam nicht an.*Einstellungen/],
  ["notification_undelivered", /notification could not be shown/, /Meldung .* konnte nicht gezeigt werden/],
])("%s is said in the reader's language", (code, english, german) => {
  const warning = { code, message: "the program's own English", component: null };
  expect(folderWarning(warning, speak("en").t)).toMatch(english);
  expect(folderWarning(warning, speak("de").t)).toMatch(german);
});
