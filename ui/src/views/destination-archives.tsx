// The archives of one destination, and everything that can be done with one of them.
import { Badge, Button, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { IconArchive, IconArrowLeft, IconPin, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { ArchiveRow } from "../bindings/ArchiveRow";
import { useChecks } from "../domain/checks";
import { moment } from "../format";
import { useNavigation } from "../navigation";
import { useArchives, useChange, useQuestion } from "../queries";
import { ConfirmByName } from "../shared/dialogs";
import { Fold } from "../shared/fold";
import { Facts, Page } from "../shared/page";
import { Answered, Empty, ProblemNote } from "../shared/states";
import { Size, StatusPill, When } from "../shared/words";

const PAGE = 50;

export function DestinationArchives({ name }: { name: string }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const [limit, setLimit] = useState(PAGE);
  const [instance, setInstance] = useState<string | null>(null);
  const archives = useArchives(name);
  const again = useLookAgain(name);
  const known = [...new Set(archives.data?.map((row) => row.instance))].sort();
  const back = (
    <Button
      variant="default"
      leftSection={<IconArrowLeft size={18} aria-hidden />}
      onClick={() => go({ room: "destinations" })}
    >
      {t("app.back")}
    </Button>
  );
  return (
    <Page
      title={t("destinations.archives_title", { name })}
      text={t("destinations.archives_text")}
      actions={
        <>
          {back}
          {again}
        </>
      }
    >
      <Answered of={archives} height={420}>
        {(all) => {
          const rows = all.filter((row) => instance === null || row.instance === instance);
          return all.length === 0 ? (
            <Empty
              icon={IconArchive}
              title={t("destinations.archives_empty")}
              text={t("destinations.archives_empty_text")}
            />
          ) : (
            <Stack gap="xs">
              {known.length > 1 && (
                <Select
                  aria-label={t("history.instance")}
                  placeholder={t("destinations.all_instances")}
                  data={known}
                  value={instance}
                  clearable
                  maw={280}
                  onChange={setInstance}
                />
              )}
              {rows.slice(0, limit).map((row) => (
                <ArchiveFold key={row.execution_id} row={row} />
              ))}
              {rows.length > limit && (
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

/** The button that has the program look at the place itself. */
function useLookAgain(name: string) {
  const { t } = useTranslation();
  const { acts, start, notify } = useActs();
  const running = acts.some(({ act }) => act.kind === "catalogue" && act.subject === name);
  const look = async () => {
    const report = await start(
      (host, act) => host.rebuildCatalogue(act, name),
      t("destinations.again_failed", { name }),
    );
    if (!report) return;
    const { found, added, removed, foreign } = report;
    notify({ tone: "good", title: t("destinations.again_done", { name, count: found, added, removed, foreign }) });
  };
  return (
    <Button leftSection={<IconRefresh size={18} aria-hidden />} disabled={running} onClick={() => void look()}>
      {t("destinations.again")}
    </Button>
  );
}

function ArchiveFold({ row }: { row: ArchiveRow }) {
  const { t, i18n } = useTranslation();
  const what = `${row.instance} · ${moment(row.created_at, i18n.language)}`;
  return (
    <Fold
      title={what}
      text={
        <>
          <When at={row.created_at} /> · <Size of={row.compressed_size_bytes} />
        </>
      }
      label={t("history.details", { what })}
      aside={
        <>
          {row.pinned && (
            <IconPin size={18} role="img" aria-label={t("destinations.pinned")} style={{ flex: "none" }} />
          )}
          {row.foreign && (
            <Badge variant="light" color="gray" tt="none">
              {t("destinations.foreign")}
            </Badge>
          )}
          <StatusPill status={row.status} />
        </>
      }
    >
      {() => <Details row={row} />}
    </Fold>
  );
}

function Details({ row }: { row: ArchiveRow }) {
  const { t } = useTranslation();
  const since = (at: string | null) => (at ? <When at={at} /> : t("history.not_verified"));
  return (
    <Stack p="sm" pt={4} gap="md">
      <Facts
        facts={[
          [
            t("history.archive"),
            <span key="a" className="mono">
              {row.name}
            </span>,
          ],
          [t("destinations.type"), t(`destinations.types.${row.type}`)],
          [t("history.verified"), since(row.verified_at)],
          [t("history.drilled"), since(row.drilled_at)],
          [
            t("instances.encryption"),
            <Badge key="e" variant="light" color={row.encrypted ? "tide" : "orange"} tt="none">
              {row.encrypted ? t("destinations.encrypted") : t("destinations.clear")}
            </Badge>,
          ],
        ]}
      />
      {row.foreign && (
        <Text size="sm" className="quiet">
          {t("destinations.foreign_text")}
        </Text>
      )}
      <Actions row={row} />
    </Stack>
  );
}

function Actions({ row }: { row: ArchiveRow }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const { start, notify } = useActs();
  const { verify, drill } = useChecks();
  const [deleting, setDeleting] = useState(false);
  const archive = `${row.destination}:${row.name}`;
  const pin = useChange((host, pinned: boolean) => host.pin(archive, pinned));
  const pick = useQuestion((host, title: string) => host.saveFile(title, row.name));
  const download = async (path: string) => {
    const failed = t("destinations.download_failed");
    const done = await start((h, act) => h.download(act, archive, path).then(() => true), failed);
    if (done) notify({ tone: "good", title: t("destinations.download_done"), lines: [path] });
  };
  const problem = pin.error ?? pick.error;
  return (
    <>
      <Group gap="sm">
        <Button onClick={() => go({ room: "restore", archive: row.execution_id })}>{t("history.restore")}</Button>
        <Button variant="default" onClick={() => void verify(archive)}>
          {t("history.verify")}
        </Button>
        <Button variant="default" onClick={() => void drill(archive)}>
          {t("history.drill")}
        </Button>
        <Button
          variant="default"
          loading={pick.isPending}
          onClick={() =>
            pick.mutate(t("destinations.download_pick"), { onSuccess: (path) => path && void download(path) })
          }
        >
          {t("destinations.download")}
        </Button>
        <Button variant="default" loading={pin.isPending} onClick={() => pin.mutate(!row.pinned)}>
          {row.pinned ? t("destinations.unpin") : t("destinations.pin")}
        </Button>
        <Button variant="default" c="red" disabled={row.pinned} onClick={() => setDeleting(true)}>
          {t("destinations.delete")}
        </Button>
      </Group>
      {problem && <ProblemNote problem={problem} />}
      {deleting && <Deletion row={row} archive={archive} onClose={() => setDeleting(false)} />}
    </>
  );
}

function Deletion({ row, archive, onClose }: { row: ArchiveRow; archive: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { notify } = useActs();
  const remove = useChange(
    (host, confirm: string) => host.deleteArchive(archive, confirm),
    ["free-space", row.destination],
  );
  const done = () => {
    onClose();
    notify({ tone: "good", title: t("destinations.deleted"), lines: [row.name] });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t("destinations.delete_title")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Stack>
        <Text>{t("destinations.delete_text", { name: row.destination })}</Text>
        <Text className="mono">{row.name}</Text>
        {remove.error && <ProblemNote problem={remove.error} />}
        <ConfirmByName
          name={row.name}
          label={t("destinations.delete_label")}
          action={t("destinations.delete_do")}
          ready
          busy={remove.isPending}
          onConfirm={(typed) => remove.mutate(typed, { onSuccess: done })}
        >
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
        </ConfirmByName>
      </Stack>
    </Modal>
  );
}
