// Taking a restore back, confirmed by the instance's name like the restore itself.
import { Button, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { RestoreReport } from "../bindings/RestoreReport";
import { ConfirmByName } from "../shared/dialogs";

export function UndoDialog(props: {
  execution: string;
  instance: string;
  onClose: () => void;
  onUndone?: (report: RestoreReport) => void;
}) {
  const { t } = useTranslation();
  const { start, notify } = useActs();
  const { instance } = props;
  const run = async (typed: string) => {
    props.onClose();
    const report = await start(
      (host, act) => host.undo(act, props.execution, instance, typed),
      t("restore.undo_title", { instance }),
    );
    if (!report) return;
    const lines = report.restart_required ? [t("restore.restart")] : [];
    notify({ tone: "good", title: t("restore.undone"), lines });
    props.onUndone?.(report);
  };
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("restore.undo_title", { instance })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack>
        <Text>{t("restore.undo_text")}</Text>
        <ConfirmByName
          name={instance}
          label={t("restore.confirm_label")}
          action={t("restore.undo_do")}
          ready
          busy={false}
          onConfirm={(typed) => void run(typed)}
        >
          <Button variant="default" onClick={props.onClose}>
            {t("app.cancel")}
          </Button>
        </ConfirmByName>
      </Stack>
    </Modal>
  );
}
