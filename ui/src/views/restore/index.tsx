// Bringing back: archive, plan, confirmation, result. Nothing changes before the name is typed.
import { Stepper } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { RestoreReport } from "../../bindings/RestoreReport";
import { Page } from "../../shared/page";
import { ArchiveStep } from "./archive-step";
import { ChoiceStep } from "./choice-step";
import { ConfirmStep } from "./confirm-step";
import { PlanStep } from "./plan-step";
import { ResultStep } from "./result-step";

/** What was chosen, as far as it was. */
export interface Choice {
  archive: string;
  instance: string;
  components: string[];
}

type Stage =
  | { at: "archive" }
  | { at: "choice"; archive: string }
  | { at: "plan"; choice: Choice }
  | { at: "confirm"; choice: Choice }
  | { at: "result"; choice: Choice; report: RestoreReport };

const STEP: Record<Stage["at"], number> = { archive: 0, choice: 0, plan: 1, confirm: 2, result: 4 };

export function Restore({ archive, instance }: { archive?: string | undefined; instance?: string | undefined }) {
  const { t } = useTranslation();
  const [stage, setStage] = useState<Stage>(archive ? { at: "choice", archive } : { at: "archive" });
  const restart = () => setStage({ at: "archive" });
  return (
    <Page title={t("restore.title")} text={t("restore.text")}>
      <Stepper active={STEP[stage.at]} size="sm" allowNextStepsSelect={false}>
        <Stepper.Step label={t("restore.step_archive")} />
        <Stepper.Step label={t("restore.step_plan")} />
        <Stepper.Step label={t("restore.step_confirm")} />
        <Stepper.Step label={t("restore.step_result")} />
      </Stepper>
      {stage.at === "archive" && (
        <ArchiveStep of={instance} onChosen={(chosen) => setStage({ at: "choice", archive: chosen })} />
      )}
      {stage.at === "choice" && (
        <ChoiceStep archive={stage.archive} onBack={restart} onChosen={(choice) => setStage({ at: "plan", choice })} />
      )}
      {stage.at === "plan" && (
        <PlanStep
          choice={stage.choice}
          onBack={() => setStage({ at: "choice", archive: stage.choice.archive })}
          onGo={() => setStage({ at: "confirm", choice: stage.choice })}
        />
      )}
      {stage.at === "confirm" && (
        <ConfirmStep
          choice={stage.choice}
          onBack={() => setStage({ at: "plan", choice: stage.choice })}
          onDone={(report) => setStage({ at: "result", choice: stage.choice, report })}
        />
      )}
      {stage.at === "result" && <ResultStep instance={stage.choice.instance} report={stage.report} onAgain={restart} />}
    </Page>
  );
}
