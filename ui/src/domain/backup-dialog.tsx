// Back up now: where to, why, go. The run itself goes on in the dock.
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Notice, useActs } from "../acts";
import type { BackupExecution } from "../bindings/BackupExecution";
import type { BackupReport } from "../bindings/BackupReport";
import { bytes } from "../format";
import { useNavigation } from "../navigation";
import { useDestinations } from "../queries";
import { problemWords, sentence } from "../shared/problem";
import { Answered } from "../shared/states";

export function BackupDialog({ instance, onClose }: { instance: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const destinations = useDestinations();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("backup.title", { instance })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Answered of={destinations} height={160}>
        {(all) => {
          const open = all.filter((d) => d.enabled).map((d) => d.name);
          return open.length > 0 ? (
            <BackupForm instance={instance} destinations={open} onClose={onClose} />
          ) : (
            <Stack>
              <Text>{t("backup.none")}</Text>
              <Group justify="flex-end">
                <Button onClick={() => go({ room: "destinations", add: true })}>{t("backup.none_do")}</Button>
              </Group>
            </Stack>
          );
        }}
      </Answered>
    </Modal>
  );
}

function BackupForm(props: { instance: string; destinations: string[]; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const { start, notify } = useActs();
  const [to, setTo] = useState(props.destinations);
  const [comment, setComment] = useState("");
  const { instance } = props;
  const run = async () => {
    props.onClose();
    const report = await start(
      (host, act) => host.backup(act, instance, to, comment),
      t("act.backup_failed", { instance }),
    );
    if (report) notify(backupNotice(report, instance, t, i18n.language));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <Stack>
        <Checkbox.Group label={t("backup.to")} value={to} onChange={setTo}>
          <Stack gap="xs" mt="xs">
            {props.destinations.map((name) => (
              <Checkbox key={name} value={name} label={name} />
            ))}
          </Stack>
        </Checkbox.Group>
        <TextInput
          label={t("backup.comment")}
          description={t("backup.comment_text")}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" disabled={to.length === 0} data-autofocus>
            {t("backup.start")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Good only when every destination has a whole archive, and nothing was to be warned of. */
export function backupNotice(
  report: BackupReport,
  instance: string,
  t: TFunction,
  language: string,
): Omit<Notice, "id"> {
  const whole = report.executions.filter((e) => e.status === "completed").length;
  const some = report.executions.some((e) => e.archive !== null);
  const lines = executionLines(report.executions, t, language);
  if (report.executions.length > 0 && whole === report.executions.length) {
    const warned = report.executions.some((e) => e.warnings.length > 0);
    return { tone: warned ? "warning" : "good", title: t("act.backed_up", { instance }), lines };
  }
  return some
    ? { tone: "warning", title: t("act.backup_partial", { instance }), lines }
    : { tone: "bad", title: t("act.backup_failed", { instance }), lines };
}

/** What happened at each destination. */
export function executionLines(executions: BackupExecution[], t: TFunction, language: string): string[] {
  return executions.flatMap((e) => {
    const size = e.compressed_size_bytes === null ? "" : ` · ${bytes(e.compressed_size_bytes, language)}`;
    const head = `${e.destination}: ${t(`status.${e.status}`)}${size}`;
    const trouble = e.problem ? linesOf(problemWords(e.problem, t)) : [];
    return [head, ...trouble, ...e.warnings.map((w) => sentence(w.message))];
  });
}

function linesOf({ title, facts, hint }: ReturnType<typeof problemWords>): string[] {
  return [title, facts ?? "", hint].filter(Boolean);
}
