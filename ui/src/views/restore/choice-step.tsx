// What the archive is, who signed it, and which parts go where.
import { Badge, Button, Checkbox, Group, Select, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Instance } from "../../bindings/Instance";
import type { ShowReport } from "../../bindings/ShowReport";
import { ArchiveFacts } from "../../domain/archive-facts";
import { ComponentName } from "../../domain/scan-view";
import { useNavigation } from "../../navigation";
import { useInstances, useShow } from "../../queries";
import { Section } from "../../shared/page";
import { Answered } from "../../shared/states";
import type { Choice } from ".";

export function ChoiceStep(props: { archive: string; onBack: () => void; onChosen: (choice: Choice) => void }) {
  const { t } = useTranslation();
  const show = useShow(props.archive);
  const instances = useInstances();
  return (
    <Stack>
      <Answered of={show} height={360}>
        {(report) => (
          <Answered of={instances} height={360}>
            {(all) => <Parts {...props} report={report} instances={all} />}
          </Answered>
        )}
      </Answered>
      {!show.data && (
        <Group>
          <Button variant="default" onClick={props.onBack}>
            {t("app.back")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Parts(props: {
  archive: string;
  report: ShowReport;
  instances: Instance[];
  onBack: () => void;
  onChosen: (choice: Choice) => void;
}) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const { report, instances } = props;
  const { manifest } = report;
  const there = manifest.components.filter((c) => c.status !== "missing").map((c) => c.name);
  const own = instances.find((i) => i.id === manifest.backup_metadata.instance_id);
  const [instance, setInstance] = useState<string | null>(own?.name ?? null);
  const [components, setComponents] = useState(there);
  return (
    <>
      <Section>
        <ArchiveFacts report={report} />
      </Section>
      <Section title={t("restore.what")}>
        <Stack>
          <Checkbox
            label={t("restore.everything")}
            checked={components.length === there.length}
            indeterminate={components.length > 0 && components.length < there.length}
            onChange={(event) => setComponents(event.currentTarget.checked ? there : [])}
          />
          <Checkbox.Group value={components} onChange={setComponents} aria-label={t("restore.what")}>
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
              {manifest.components.map((component) => (
                <Checkbox
                  key={component.name}
                  value={component.name}
                  disabled={component.status === "missing"}
                  aria-label={component.name}
                  label={
                    <Group gap="sm">
                      <ComponentName name={component.name} kind={component.kind} />
                      {component.status !== "ok" && (
                        <Badge color={component.status === "damaged" ? "red" : "gray"} variant="light" tt="none">
                          {t(`restore.${component.status}`)}
                        </Badge>
                      )}
                    </Group>
                  }
                />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
          {instances.length > 0 ? (
            <Select
              label={t("restore.into")}
              data={instances.map((i) => i.name)}
              value={instance}
              onChange={setInstance}
              allowDeselect={false}
              maw={360}
            />
          ) : (
            <Group>
              <Text>{t("restore.into_none")}</Text>
              <Button onClick={() => go({ room: "instances", add: true })}>{t("instances.add")}</Button>
            </Group>
          )}
        </Stack>
      </Section>
      <Group>
        <Button variant="default" onClick={props.onBack}>
          {t("app.back")}
        </Button>
        <Button
          disabled={components.length === 0 || instance === null}
          onClick={() => instance && props.onChosen({ archive: props.archive, instance, components })}
        >
          {t("restore.make_plan")}
        </Button>
      </Group>
    </>
  );
}
