// Which archive: one of the history's, or a file.
import { Button, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconArchive, IconFileImport } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Execution } from "../../bindings/Execution";
import { moment } from "../../format";
import { useDestinations, useHistory, useInstances, useQuestion } from "../../queries";
import { Answered, Empty, ProblemNote } from "../../shared/states";
import { Size, StatusPill, When } from "../../shared/words";

export function ArchiveStep({ of, onChosen }: { of: string | undefined; onChosen: (archive: string) => void }) {
  const { t } = useTranslation();
  const history = useHistory(200);
  const instances = useInstances();
  const pick = useQuestion((host, title: string) => host.pickFile(title));
  const wanted = instances.data?.find((i) => i.name === of)?.id;
  const button = (
    <Button
      variant="default"
      leftSection={<IconFileImport size={18} aria-hidden />}
      loading={pick.isPending}
      onClick={() => pick.mutate(t("restore.pick"), { onSuccess: (path) => path && onChosen(path) })}
    >
      {t("restore.from_file")}
    </Button>
  );
  return (
    <Stack>
      {pick.error && <ProblemNote problem={pick.error} />}
      <Answered of={history} height={360}>
        {(all) => {
          const archives = all.filter((e) => isArchive(e) && (!wanted || e.instance_id === wanted));
          return archives.length === 0 ? (
            <Empty icon={IconArchive} title={t("restore.none")} text={t("restore.none_text")} action={button} />
          ) : (
            <Stack gap="xs">
              <Group justify="flex-end">{button}</Group>
              {archives.map((archive) => (
                <ArchiveRow key={archive.id} archive={archive} onChosen={() => onChosen(archive.id)} />
              ))}
            </Stack>
          );
        }}
      </Answered>
    </Stack>
  );
}

function isArchive(execution: Execution): boolean {
  const whole = execution.status === "completed" || execution.status === "partial";
  return execution.kind === "backup" && execution.backup_filename !== null && whole;
}

function ArchiveRow({ archive, onChosen }: { archive: Execution; onChosen: () => void }) {
  const { i18n } = useTranslation();
  const instances = useInstances();
  const destinations = useDestinations();
  const own = instances.data?.find((i) => i.id === archive.instance_id)?.name;
  const what = own ? `${own} · ${moment(archive.started_at, i18n.language)}` : archive.backup_filename;
  const destination = destinations.data?.find((d) => d.id === archive.destination_id)?.name;
  return (
    <UnstyledButton className="choice" onClick={onChosen}>
      <Group justify="space-between" wrap="nowrap">
        <div style={{ minWidth: 0 }}>
          <Text fw={600} truncate>
            {what}
          </Text>
          <Text size="sm" className="quiet" truncate>
            <When at={archive.started_at} /> · {destination} · <Size of={archive.compressed_size_bytes} />
            {archive.comment && ` · ${archive.comment}`}
          </Text>
        </div>
        <StatusPill status={archive.status} />
      </Group>
    </UnstyledButton>
  );
}
