// Everything that was done, newest first; each row opens into its details and what can be done with it.
import { Alert, Button, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Execution } from "../bindings/Execution";
import { useChecks } from "../domain/checks";
import { Warnings } from "../domain/scan-view";
import { UndoDialog } from "../domain/undo-dialog";
import { useNavigation } from "../navigation";
import { useDestinations, useHistory, useInstances } from "../queries";
import { Fold } from "../shared/fold";
import { Facts, Page } from "../shared/page";
import { sentence } from "../shared/problem";
import { Answered, Empty } from "../shared/states";
import { Size, StatusPill, When } from "../shared/words";

const PAGE = 50;
type Shown = "all" | "backup" | "restore";

export function History() {
  const { t } = useTranslation();
  const [limit, setLimit] = useState(PAGE);
  const [shown, setShown] = useState<Shown>("all");
  const history = useHistory(limit);
  return (
    <Page
      title={t("history.title")}
      text={t("history.text")}
      actions={
        <SegmentedControl
          aria-label={t("history.filter")}
          value={shown}
          onChange={(value) => setShown(value as Shown)}
          data={[
            { value: "all", label: t("history.all") },
            { value: "backup", label: t("kind.backup") },
            { value: "restore", label: t("kind.restore") },
          ]}
        />
      }
    >
      <Answered of={history} height={420}>
        {(all) => {
          const rows = all.filter((e) => matches(e, shown));
          return rows.length === 0 ? (
            <Empty icon={IconHistory} title={t("history.empty")} text={t("history.empty_text")} />
          ) : (
            <Stack gap="xs">
              {rows.map((execution) => (
                <Row key={execution.id} execution={execution} undoable={execution.id === undoable(all, execution)} />
              ))}
              {all.length >= limit && (
                <Button variant="default" onClick={() => setLimit(limit + PAGE)} mx="auto">
                  {t("history.more")}
                </Button>
              )}
            </Stack>
          );
        }}
      </Answered>
    </Page>
  );
}

function matches(execution: Execution, shown: Shown): boolean {
  if (shown === "all") return true;
  return shown === "backup" ? execution.kind === "backup" : ["restore", "undo"].includes(execution.kind);
}

/** The newest restore of the same instance, which alone can be undone. `all` is newest first. */
export function undoable(all: Execution[], like: Execution): string | null {
  const newest = all.find(
    (e) =>
      e.instance_id === like.instance_id && (e.kind === "restore" || e.kind === "undo") && e.status === "completed",
  );
  return newest?.kind === "restore" ? newest.id : null;
}

function Row({ execution, undoable }: { execution: Execution; undoable: boolean }) {
  const { t } = useTranslation();
  const instances = useInstances();
  const destinations = useDestinations();
  const instance = instances.data?.find((i) => i.id === execution.instance_id)?.name ?? execution.instance_id ?? "–";
  const destination = destinations.data?.find((d) => d.id === execution.destination_id)?.name ?? "";
  const what = `${t(`kind.${execution.kind}`)} · ${instance}`;
  return (
    <Fold
      title={what}
      text={
        <>
          <When at={execution.started_at} />
          {destination && ` · ${destination}`}
        </>
      }
      label={t("history.details", { what })}
      aside={
        <>
          <Text size="sm" className="quiet" visibleFrom="sm">
            <Size of={execution.compressed_size_bytes} />
          </Text>
          <StatusPill status={execution.status} />
        </>
      }
    >
      {() => <Details execution={execution} instance={instance} destination={destination} undoable={undoable} />}
    </Fold>
  );
}

function Details(props: { execution: Execution; instance: string; destination: string; undoable: boolean }) {
  const { t } = useTranslation();
  const { execution, instance } = props;
  const [undoing, setUndoing] = useState(false);
  const took = execution.completed_at
    ? Math.max(0, (Date.parse(execution.completed_at) - Date.parse(execution.started_at)) / 1000)
    : null;
  const verified = execution.verified_at ? <When at={execution.verified_at} /> : t("history.not_verified");
  const drilled = execution.drilled_at ? <When at={execution.drilled_at} /> : t("history.not_verified");
  const isArchive =
    execution.kind === "backup" && execution.backup_filename !== null && execution.completed_at !== null;
  const facts: [string, React.ReactNode][] = [
    [t("history.by"), execution.triggered_by],
    ...(took === null
      ? []
      : [[t("history.took"), t("history.seconds", { seconds: took.toFixed(1) })] as [string, string]]),
    ...(execution.kind === "retention"
      ? [
          [
            t("history.archive"),
            <span key="a" className="mono">
              {execution.backup_filename}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(isArchive
      ? ([
          [
            t("history.archive"),
            <span key="a" className="mono">
              {execution.backup_filename}
            </span>,
          ],
          [t("history.content"), <Size key="c" of={execution.size_bytes} />],
          [t("history.file"), <Size key="f" of={execution.compressed_size_bytes} />],
          [t("history.verified"), verified],
          [t("history.drilled"), drilled],
          [
            t("history.sha256"),
            <span key="s" className="mono">
              {execution.archive_sha256 ?? "–"}
            </span>,
          ],
        ] as [string, React.ReactNode][])
      : []),
    ...(execution.comment ? [[t("backup.comment"), execution.comment] as [string, string]] : []),
  ];
  return (
    <Stack p="sm" pt={4} gap="md">
      {execution.error_message && (
        <Alert color="red" variant="light">
          {sentence(execution.error_message)}
        </Alert>
      )}
      <Facts facts={facts} />
      <Warnings of={execution.warnings} />
      {isArchive && <ArchiveActions execution={execution} destination={props.destination} />}
      {props.undoable && (
        <Group>
          <Button variant="default" onClick={() => setUndoing(true)}>
            {t("history.undo")}
          </Button>
        </Group>
      )}
      {undoing && <UndoDialog execution={execution.id} instance={instance} onClose={() => setUndoing(false)} />}
    </Stack>
  );
}

function ArchiveActions({ execution, destination }: { execution: Execution; destination: string }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const { verify, drill } = useChecks();
  // What the dock shows while it runs; the id where the destination is gone.
  const archive = destination ? `${destination}:${execution.backup_filename}` : execution.id;
  return (
    <Group gap="sm">
      <Button onClick={() => go({ room: "restore", archive: execution.id })}>{t("history.restore")}</Button>
      <Button variant="default" onClick={() => void verify(archive)}>
        {t("history.verify")}
      </Button>
      <Button variant="default" onClick={() => void drill(archive)}>
        {t("history.drill")}
      </Button>
    </Group>
  );
}
