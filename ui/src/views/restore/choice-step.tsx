// What the archive is, who signed it, and which parts go where.
import { Alert, Badge, Button, Checkbox, Group, Select, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Instance } from "../../bindings/Instance";
import type { ShowReport } from "../../bindings/ShowReport";
import { ComponentName, Warnings } from "../../domain/scan-view";
import { moment } from "../../format";
import { useNavigation } from "../../navigation";
import { useInstances, useShow } from "../../queries";
import { Facts, Section } from "../../shared/page";
import { Answered, sentence } from "../../shared/states";
import { Size } from "../../shared/words";
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
      <ArchiveFacts report={report} />
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

function ArchiveFacts({ report }: { report: ShowReport }) {
  const { t, i18n } = useTranslation();
  const { backup_metadata: made, warnings } = report.manifest;
  const trusted = report.signature === "this-installation" || report.signature === "known";
  return (
    <Section>
      <Stack>
        <Facts
          facts={[
            [
              t("history.archive"),
              <span key="a" className="mono">
                {made.archive_name}
              </span>,
            ],
            [t("restore.made"), moment(made.timestamp_utc, i18n.language)],
            [t("restore.of"), `${made.instance_name} (${made.hostname})`],
            [t("history.file"), <Size key="f" of={report.compressed_size_bytes} />],
            ...(made.comment ? [[t("backup.comment"), made.comment] as [string, string]] : []),
            [t("restore.signed"), <Signed key="s" report={report} />],
          ]}
        />
        {(!trusted || report.claims_broken.length > 0) && (
          <Alert color="orange" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />}>
            <Text fw={600}>
              {t("restore.signed")} <Signed report={report} />
            </Text>
            {report.claims_broken.map((claim) => (
              <Text key={claim} size="sm">
                {sentence(claim)}
              </Text>
            ))}
          </Alert>
        )}
        <Warnings of={warnings} />
      </Stack>
    </Section>
  );
}

function Signed({ report }: { report: ShowReport }) {
  const { t } = useTranslation();
  const key = report.key_id ?? "";
  switch (report.signature) {
    case "this-installation":
      return t("restore.sig_this");
    case "known":
      return t("restore.sig_known", { key });
    case "unknown":
      return t("restore.sig_unknown", { key });
    case "none":
      return t("restore.sig_none");
  }
}
