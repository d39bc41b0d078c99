// How things stand, in one sentence of the page. Pure: words and language are arguments.
import type { TFunction } from "i18next";
import type { StatusReport } from "../bindings/StatusReport";
import type { Warning } from "../bindings/Warning";
import { moment } from "../format";
import { problemWords, sentence } from "../shared/problem";

export function standing(report: StatusReport, t: TFunction, language: string): string {
  const names = report.concerned.join(", ");
  switch (report.reason) {
    case "not_set_up":
      return t("standing.not_set_up");
    case "keys_lost":
      return report.problem ? problemWords(report.problem, t).title : sentence(report.sentence);
    case "no_instance":
      return t("standing.no_instance");
    case "backup_failed":
      return t("standing.backup_failed", { names });
    case "not_verified":
      return t("standing.not_verified", { names });
    case "overdue":
      return t("standing.overdue", { names });
    case "schedule_failed":
      return t("standing.schedule_failed", { names });
    case "schedule_cannot_run":
      return t("standing.schedule_cannot_run", { names });
    case "schedule_waits":
      return t("standing.schedule_waits", { names });
    case "schedules_unusable":
      return report.problem ? problemWords(report.problem, t).title : sentence(report.sentence);
    case "well":
      return well(report, t, language);
  }
}

/** The oldest of the times is what can be promised of all. */
function well({ instances }: StatusReport, t: TFunction, language: string): string {
  const times = instances.flatMap((i) => (i.restorable_as_of ? [i.restorable_as_of] : []));
  const oldest = times.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
  const at = oldest ? moment(oldest, language) : t("app.never");
  const [first] = instances;
  return instances.length === 1 && first
    ? t("standing.well_one", { name: first.name, at })
    : t("standing.well_all", { number: instances.length, at });
}

/** What is wrong with the data folder. A code that the page has no words for comes in the program's own. */
export function folderWarning(warning: Warning, t: TFunction): string {
  switch (warning.code) {
    case "data_folder_in_memory":
      return t("standing.in_memory");
    case "data_folder_open":
      return t("standing.open");
    case "webhook_undelivered":
      return t("standing.webhook_undelivered");
    case "ping_undelivered":
      return t("standing.ping_undelivered");
    case "notification_undelivered":
      return t("standing.notification_undelivered");
    case "sidecar":
      return t("standing.sidecar");
    default:
      return sentence(warning.message);
  }
}
