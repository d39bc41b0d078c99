// Verifying and drilling an archive, and what is said of what they found.
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { CheckReport } from "../bindings/CheckReport";
import { sentence } from "../shared/problem";

export function checkLines(report: CheckReport): string[] {
  const problems = report.problems.map((p) => [p.entry, p.message].filter(Boolean).join(": "));
  return [...problems, ...report.claims_broken.map(sentence)];
}

export function useChecks() {
  const { t } = useTranslation();
  const { start, notify } = useActs();
  const tell = (report: CheckReport | null, good: string) => {
    if (!report) return;
    const lines = checkLines(report);
    notify(
      report.ok
        ? { tone: lines.length > 0 ? "warning" : "good", title: good, lines }
        : { tone: "bad", title: t("act.unsound"), lines },
    );
  };
  return {
    verify: async (archive: string) =>
      tell(await start((h, act) => h.verify(act, archive), t("kind.verify")), t("act.sound")),
    drill: async (archive: string) =>
      tell(await start((h, act) => h.drill(act, archive), t("kind.drill")), t("act.drilled")),
  };
}
