// What was brought back, what to do now, and the way back.
import { Alert, Button, Group, Stack, Table, Text } from "@mantine/core";
import { IconCircleCheck, IconRefreshAlert } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { RestoreReport } from "../../bindings/RestoreReport";
import { Warnings } from "../../domain/scan-view";
import { UndoDialog } from "../../domain/undo-dialog";
import { Section } from "../../shared/page";

export function ResultStep(props: { instance: string; report: RestoreReport; onAgain: () => void }) {
  const { t } = useTranslation();
  const [undoing, setUndoing] = useState(false);
  const [undone, setUndone] = useState<RestoreReport | null>(null);
  const { instance } = props;
  const report = undone ?? props.report;
  const words = (status: string) =>
    status === "restored" ? t("restore.restored") : status === "removed" ? t("restore.removed") : t("restore.kept");
  return (
    <Section>
      <Stack>
        <Alert role="status" variant="light" color="tide" icon={<IconCircleCheck aria-hidden />}>
          <Text fw={600}>{undone ? t("restore.undone") : t("restore.done", { instance })}</Text>
          {report.safety_backup && (
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {t("restore.saved", { path: report.safety_backup })}
            </Text>
          )}
        </Alert>
        {report.restart_required && (
          <Alert variant="light" color="orange" icon={<IconRefreshAlert aria-hidden />} title={t("restore.restart")}>
            {t("restore.restart_text")}
          </Alert>
        )}
        <Table maw={480}>
          <Table.Tbody>
            {report.components.map((component) => (
              <Table.Tr key={component.name}>
                <Table.Td fw={600}>{component.name}</Table.Td>
                <Table.Td>{words(component.status)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Warnings of={report.warnings} />
        <Group>
          {!undone && (
            <Button variant="default" onClick={() => setUndoing(true)}>
              {t("restore.undo")}
            </Button>
          )}
          <Button onClick={props.onAgain}>{t("restore.again")}</Button>
        </Group>
      </Stack>
      {undoing && (
        <UndoDialog
          execution={props.report.execution_id}
          instance={instance}
          onClose={() => setUndoing(false)}
          onUndone={setUndone}
        />
      )}
    </Section>
  );
}
