// The name typed in; a second confirmation where the archive is not surely this installation's. Then the restore itself.
import { Button, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../../acts";
import type { RestoreReport } from "../../bindings/RestoreReport";
import type { ShowReport } from "../../bindings/ShowReport";
import { useAcceptance } from "../../domain/acceptance";
import { useShow } from "../../queries";
import { ConfirmByName } from "../../shared/dialogs";
import { Section } from "../../shared/page";
import { Answered } from "../../shared/states";
import type { Choice } from ".";

export function ConfirmStep(props: { choice: Choice; onBack: () => void; onDone: (report: RestoreReport) => void }) {
  const { t } = useTranslation();
  const show = useShow(props.choice.archive);
  const { instance } = props.choice;
  return (
    <Section title={t("restore.confirm_title", { instance })}>
      <Answered of={show} height={180}>
        {(report) => <Form {...props} report={report} />}
      </Answered>
    </Section>
  );
}

function Form(props: {
  choice: Choice;
  report: ShowReport;
  onBack: () => void;
  onDone: (report: RestoreReport) => void;
}) {
  const { t } = useTranslation();
  const { start } = useActs();
  const { choice, report } = props;
  const [busy, setBusy] = useState(false);
  const { accept, ready, boxes } = useAcceptance(report);
  const run = async (typed: string) => {
    setBusy(true);
    const done = await start(
      (host, act) => host.restore(act, { ...choice, confirm: typed, accept }),
      t("restore.confirm_title", { instance: choice.instance }),
    );
    setBusy(false);
    if (done) props.onDone(done);
  };
  return (
    <Stack>
      <Text>{t("restore.confirm_text")}</Text>
      {boxes}
      <ConfirmByName
        name={choice.instance}
        action={t("restore.do")}
        label={t("restore.confirm_label")}
        ready={ready}
        busy={busy}
        onConfirm={(typed) => void run(typed)}
      >
        <Button variant="default" onClick={props.onBack} disabled={busy}>
          {t("app.back")}
        </Button>
      </ConfirmByName>
    </Stack>
  );
}
