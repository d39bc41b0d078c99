// Running a schedule by hand, and what is said of how it ended.
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { type Notice, useActs } from "../acts";
import type { RunReport } from "../bindings/RunReport";
import { problemWords } from "../shared/problem";
import { executionLines } from "./backup-dialog";
import { checkLines } from "./checks";

export function useRunSchedule() {
  const { t, i18n } = useTranslation();
  const { start, notify } = useActs();
  return async (name: string) => {
    const report = await start((host, act) => host.runSchedule(act, name), t("schedules.ran_badly", { name }));
    if (report) notify(runNotice(report, t, i18n.language));
  };
}

/** Good only when all of it ran, and nothing was to be warned of. */
export function runNotice(report: RunReport, t: TFunction, language: string): Omit<Notice, "id"> {
  const name = report.schedule;
  const checks = report.checks.flatMap((check) => {
    const good = report.act === "drill" ? t("act.drilled") : t("act.sound");
    return [`${check.archive}: ${check.ok ? good : t("act.unsound")}`, ...checkLines(check)];
  });
  const thinned = report.retention.map((r) => t("retention.applied", { count: r.delete.length, name: r.destination }));
  const lines = [...executionLines(report.executions, t, language), ...checks, ...thinned];
  // What a destination has said already is not said twice.
  const said = report.executions.some((e) => e.problem !== null);
  if (report.problem && !said) {
    const { title, facts, hint } = problemWords(report.problem, t);
    lines.push(...[title, facts ?? "", hint].filter(Boolean));
  }
  switch (report.state) {
    case "ran":
    case "caught_up": {
      const warned =
        report.executions.some((e) => e.warnings.length > 0) || report.checks.some((c) => checkLines(c).length > 0);
      return { tone: warned ? "warning" : "good", title: t("schedules.ran", { name }), lines };
    }
    case "partial":
      return { tone: "warning", title: t("schedules.ran_partly", { name }), lines };
    case "cancelled":
      return { tone: "warning", title: t("schedules.cancelled", { name }), lines };
    default:
      return { tone: "bad", title: t("schedules.ran_badly", { name }), lines };
  }
}
