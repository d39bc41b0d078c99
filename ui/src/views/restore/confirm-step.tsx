// The name typed in; a second confirmation where the archive is not surely this installation's. Then the restore itself.
import { Alert, Button, Checkbox, List, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../../acts";
import type { Accepted } from "../../bindings/Accepted";
import type { RestoreReport } from "../../bindings/RestoreReport";
import type { ShowReport } from "../../bindings/ShowReport";
import { useShow } from "../../queries";
import { ConfirmByName } from "../../shared/dialogs";
import { Section } from "../../shared/page";
import { Answered, sentence } from "../../shared/states";
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
  const [signer, setSigner] = useState(false);
  const [claims, setClaims] = useState(false);
  const [busy, setBusy] = useState(false);
  const asksSigner = report.signature === "none" || report.signature === "unknown";
  const asksClaims = report.claims_broken.length > 0;
  const accept: Accepted = {
    unsigned: report.signature === "none" && signer,
    signer: report.signature === "unknown" && signer ? report.key_id : null,
    mismatch: asksClaims && claims,
  };
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
      {(asksSigner || asksClaims) && (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />}>
          <Stack gap="sm">
            {asksSigner && (
              <Checkbox
                checked={signer}
                onChange={(event) => setSigner(event.currentTarget.checked)}
                label={
                  report.signature === "none"
                    ? t("restore.unsigned")
                    : t("restore.unknown_signer", { key: report.key_id ?? "" })
                }
              />
            )}
            {asksClaims && (
              <>
                <Checkbox
                  checked={claims}
                  onChange={(event) => setClaims(event.currentTarget.checked)}
                  label={t("restore.mismatch")}
                />
                <List size="sm" withPadding>
                  {report.claims_broken.map((claim) => (
                    <List.Item key={claim}>{sentence(claim)}</List.Item>
                  ))}
                </List>
              </>
            )}
          </Stack>
        </Alert>
      )}
      <ConfirmByName
        name={choice.instance}
        action={t("restore.do")}
        ready={(!asksSigner || signer) && (!asksClaims || claims)}
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
