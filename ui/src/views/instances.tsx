// What is backed up: every instance with what its folder holds now.
import { Button, Group, Stack, Text } from "@mantine/core";
import { IconPlus, IconServer2, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Instance } from "../bindings/Instance";
import { InstanceEdit } from "../domain/instance-edit";
import { InstanceForm } from "../domain/instance-form";
import { InstanceFrom } from "../domain/instance-from";
import { ScanView } from "../domain/scan-view";
import { useChange, useInstanceScan, useInstances } from "../queries";
import { Confirm } from "../shared/dialogs";
import { Page, Section } from "../shared/page";
import { Answered, Empty } from "../shared/states";

export function Instances({ add }: { add: boolean }) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(add);
  const [from, setFrom] = useState(false);
  const instances = useInstances();
  const buttons = (
    <Group gap="sm">
      <Button variant="default" onClick={() => setFrom(true)}>
        {t("instances.from")}
      </Button>
      <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setAdding(true)}>
        {t("instances.add")}
      </Button>
    </Group>
  );
  const some = (instances.data?.length ?? 0) > 0;
  return (
    <Page title={t("instances.title")} text={t("instances.text")} actions={some && buttons}>
      <Answered of={instances} height={320}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={IconServer2} title={t("instances.empty")} text={t("instances.empty_text")} action={buttons} />
          ) : (
            <Stack>
              {all.map((instance) => (
                <InstanceSection key={instance.id} instance={instance} />
              ))}
            </Stack>
          )
        }
      </Answered>
      {adding && <InstanceForm onClose={() => setAdding(false)} />}
      {from && <InstanceFrom onClose={() => setFrom(false)} />}
    </Page>
  );
}

function InstanceSection({ instance }: { instance: Instance }) {
  const { t } = useTranslation();
  const scan = useInstanceScan(instance.name);
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const remove = useChange((host, name: string) => host.removeInstance(name));
  return (
    <Section
      title={instance.name}
      aside={
        <Group gap="sm">
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t("instances.edit")}: ${instance.name}`}
            onClick={() => setEditing(true)}
          >
            {t("instances.edit")}
          </Button>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            leftSection={<IconTrash size={16} aria-hidden />}
            aria-label={`${t("app.remove")}: ${instance.name}`}
            onClick={() => setRemoving(true)}
          >
            {t("app.remove")}
          </Button>
        </Group>
      }
    >
      <Stack gap="sm">
        <Group gap="md">
          <Text className="mono quiet">{instance.path}</Text>
        </Group>
        <Answered of={scan} height={60 + 48 * instance.components.length}>
          {(found) => <ScanView scan={found} name={instance.name} />}
        </Answered>
      </Stack>
      {editing && <InstanceEdit instance={instance} onClose={() => setEditing(false)} />}
      {removing && (
        <Confirm
          title={t("instances.remove_title", { name: instance.name })}
          text={t("instances.remove_text")}
          action={t("app.remove")}
          busy={remove.isPending}
          problem={remove.error}
          onConfirm={() => remove.mutate(instance.name, { onSuccess: () => setRemoving(false) })}
          onClose={() => setRemoving(false)}
        />
      )}
    </Section>
  );
}
