// Adding an instance from one of its archives: on a replacement for a machine that is lost. Its files come by the restore that follows.
import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconFileImport } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Accepted } from "../bindings/Accepted";
import type { ArchiveRow } from "../bindings/ArchiveRow";
import type { ShowReport } from "../bindings/ShowReport";
import { moment } from "../format";
import { useNavigation } from "../navigation";
import { useArchives, useChange, useQuestion, useShow } from "../queries";
import { Answered, ProblemNote } from "../shared/states";
import { useAcceptance } from "./acceptance";
import { ArchiveFacts } from "./archive-facts";
import { isName } from "./instance-form";
import { PathField } from "./path-field";

export function InstanceFrom({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const [archive, setArchive] = useState<string | null>(null);
  const archives = useArchives(null);
  const show = useShow(archive);
  const pick = useQuestion((host, title: string) => host.pickFile(title));
  const known = archives.data ?? [];
  const named = (row: ArchiveRow) => `${row.instance} · ${moment(row.created_at, i18n.language)} · ${row.destination}`;
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t("instances.from_title")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack>
        <Text>{t("instances.from_text")}</Text>
        <Group align="flex-end" wrap="nowrap">
          <Select
            flex={1}
            label={t("instances.from_archive")}
            placeholder={t("instances.from_known")}
            data={known.map((row) => ({ value: row.execution_id, label: named(row) }))}
            value={known.some((row) => row.execution_id === archive) ? archive : null}
            disabled={known.length === 0}
            limit={100}
            searchable
            onChange={setArchive}
          />
          <Button
            variant="default"
            data-autofocus
            leftSection={<IconFileImport size={18} aria-hidden />}
            loading={pick.isPending}
            onClick={() => pick.mutate(t("restore.pick"), { onSuccess: (path) => path && setArchive(path) })}
          >
            {t("instances.from_file")}
          </Button>
        </Group>
        {pick.error && <ProblemNote problem={pick.error} />}
        {archive === null ? (
          <Text className="quiet">{t("instances.from_choose")}</Text>
        ) : (
          <Answered of={show} height={300}>
            {(report) => <Form key={archive} archive={archive} report={report} onClose={onClose} />}
          </Answered>
        )}
      </Stack>
    </Modal>
  );
}

function Form({ archive, report, onClose }: { archive: string; report: ShowReport; onClose: () => void }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const [name, setName] = useState(report.manifest.backup_metadata.instance_name);
  const [path, setPath] = useState("");
  const { accept, ready, boxes } = useAcceptance(report);
  const add = useChange((host, accepted: Accepted) => host.addInstanceFrom(name, path, archive, accepted));
  const good = isName(name) && path.startsWith("/") && ready;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (good) add.mutate(accept, { onSuccess: () => go({ room: "restore", archive, instance: name }) });
      }}
    >
      <Stack>
        <ArchiveFacts report={report} />
        <TextInput
          label={t("instances.name")}
          description={t("instances.name_text")}
          value={name}
          error={isName(name) ? null : t("instances.name_bad")}
          spellCheck={false}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PathField
          label={t("instances.from_folder")}
          title={t("instances.from_pick")}
          placeholder="/srv/tacacs"
          value={path}
          onChange={setPath}
        />
        <Text size="sm" className="quiet">
          {t("instances.from_no_hooks")}
        </Text>
        {boxes}
        {add.error && <ProblemNote problem={add.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" disabled={!good} loading={add.isPending}>
            {t("instances.from_do")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
