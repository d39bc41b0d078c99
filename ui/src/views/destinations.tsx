// Where archives are kept, and whether those places keep their promises.
import { Button, Group, Stack, Switch } from "@mantine/core";
import { IconArchive, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import { DestinationForm } from "../domain/destination-form";
import { TestView } from "../domain/destination-test";
import { RetentionForm } from "../domain/retention-form";
import { useNavigation } from "../navigation";
import { useChange, useDestinations, useFreeSpace, useQuestion } from "../queries";
import { Confirm } from "../shared/dialogs";
import { Facts, Page, Section } from "../shared/page";
import { problemWords } from "../shared/problem";
import { Answered, Empty, ProblemNote } from "../shared/states";
import { Size, When } from "../shared/words";

export function Destinations({ add }: { add: boolean }) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(add);
  const destinations = useDestinations();
  const button = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setAdding(true)}>
      {t("destinations.add")}
    </Button>
  );
  const some = (destinations.data?.length ?? 0) > 0;
  return (
    <Page title={t("destinations.title")} text={t("destinations.text")} actions={some && button}>
      <Answered of={destinations} height={200}>
        {(all) =>
          all.length === 0 ? (
            <Empty
              icon={IconArchive}
              title={t("destinations.empty")}
              text={t("destinations.empty_text")}
              action={button}
            />
          ) : (
            <Stack>
              {all.map((destination) => (
                <DestinationSection key={destination.id} destination={destination} />
              ))}
            </Stack>
          )
        }
      </Answered>
      {adding && <DestinationForm of={null} onClose={() => setAdding(false)} />}
    </Page>
  );
}

function DestinationSection({ destination }: { destination: DestinationConfig }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const { name } = destination;
  const [removing, setRemoving] = useState(false);
  const [editing, setEditing] = useState(false);
  const [keeping, setKeeping] = useState(false);
  const test = useQuestion((host, of: string) => host.testDestination(of));
  const enable = useChange((host, enabled: boolean) => host.enableDestination(name, enabled));
  const remove = useChange((host, of: string) => host.removeDestination(of));
  const problem = test.error ?? enable.error;
  return (
    <Section
      title={name}
      aside={
        <Group gap="sm">
          <Button
            size="compact-sm"
            variant="default"
            aria-label={t("destinations.archives_of", { name })}
            onClick={() => go({ room: "destinations", archives: name })}
          >
            {t("destinations.archives")}
          </Button>
          <Button size="compact-sm" variant="default" loading={test.isPending} onClick={() => test.mutate(name)}>
            {t("destinations.test")}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={t("retention.open_of", { name })}
            onClick={() => setKeeping(true)}
          >
            {t("retention.open")}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={t("destinations.edit_title", { name })}
            onClick={() => setEditing(true)}
          >
            {t("destinations.edit")}
          </Button>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconTrash size={16} aria-hidden />}
            aria-label={`${t("app.remove")}: ${name}`}
            onClick={() => setRemoving(true)}
          >
            {t("app.remove")}
          </Button>
        </Group>
      }
    >
      <Stack gap="md">
        <Facts
          facts={[
            [
              t(`destinations.kinds.${destination.type}`),
              <span key="k" className="mono">
                {addressOf(destination)}
              </span>,
            ],
            [t("destinations.free"), <FreeSpace key="f" name={name} />],
            [t("destinations.last"), <When key="l" at={destination.last_backup_at} />],
          ]}
        />
        <Switch
          checked={destination.enabled}
          disabled={enable.isPending}
          label={destination.enabled ? t("destinations.enabled") : t("destinations.disabled")}
          onChange={(event) => enable.mutate(event.currentTarget.checked)}
        />
        {test.data && <TestView name={name} report={test.data} onTrusted={() => test.mutate(name)} />}
        {problem && <ProblemNote problem={problem} />}
      </Stack>
      {keeping && <RetentionForm name={name} onClose={() => setKeeping(false)} />}
      {editing && <DestinationForm of={destination} onClose={() => setEditing(false)} />}
      {removing && (
        <Confirm
          title={t("destinations.remove_title", { name })}
          text={t("destinations.remove_text")}
          action={t("app.remove")}
          busy={remove.isPending}
          problem={remove.error}
          onConfirm={() => remove.mutate(name, { onSuccess: () => setRemoving(false) })}
          onClose={() => setRemoving(false)}
        />
      )}
    </Section>
  );
}

/** Asked of the place itself: it comes when it comes. */
function FreeSpace({ name }: { name: string }) {
  const { t } = useTranslation();
  const free = useFreeSpace(name);
  if (free.isPending) return <span className="quiet">…</span>;
  if (free.error) return <span className="quiet">{problemWords(free.error, t).title}</span>;
  return free.data === null ? <span className="quiet">{t("destinations.free_unknown")}</span> : <Size of={free.data} />;
}

/** Where it is, as one would write it down. */
function addressOf({ type, config }: DestinationConfig): string {
  const folder = config.base_path ?? "";
  const below = folder === "" || folder.startsWith("/") ? folder : `/${folder}`;
  switch (type) {
    case "local":
      return folder;
    case "sftp":
    case "ftp":
      return `${config.username ?? ""}@${config.host ?? ""}${config.port ? `:${config.port}` : ""}${below}`;
    case "s3":
      return `${config.endpoint ? `${config.endpoint}/` : ""}${config.bucket ?? ""}${below}`;
    case "azure":
      return `${config.account_name ? `${config.account_name}/` : ""}${config.container_name ?? ""}${below}`;
    case "webdav":
      return `${config.url ?? ""}${below}`;
  }
}
