// The public halves of the keys, who archives are sealed to, whom this installation trusts, and the recovery kit.
import { Alert, Button, CopyButton, Group, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCopy, IconKey, IconLifebuoy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ImportReport } from "../bindings/ImportReport";
import type { PublicKeys } from "../bindings/PublicKeys";
import { useSaveKit } from "../domain/kit";
import { Recipients, Signers } from "../domain/trustees";
import { useChange, usePublicKeys } from "../queries";
import { Facts, Page, Section } from "../shared/page";
import { Answered, Empty, ProblemNote } from "../shared/states";

export function Keys() {
  const { t } = useTranslation();
  const keys = usePublicKeys();
  const make = useChange((host) => host.init());
  const take = useChange(async (host, title: string) => {
    const path = await host.pickFile(title);
    return path === null ? null : host.importKit(path);
  });
  const problem = make.error ?? take.error;
  return (
    <Page title={t("keys.title")} text={t("keys.text")}>
      {take.data && <Imported report={take.data} />}
      <Answered of={keys} height={360}>
        {(found) =>
          found ? (
            <Made keys={found} />
          ) : (
            <Empty
              icon={IconKey}
              title={t("keys.none")}
              text={t("keys.none_text")}
              action={
                <Group gap="sm" justify="center">
                  <Button variant="default" loading={take.isPending} onClick={() => take.mutate(t("keys.import_pick"))}>
                    {t("keys.import")}
                  </Button>
                  <Button loading={make.isPending} onClick={() => make.mutate(undefined)}>
                    {t("keys.make")}
                  </Button>
                </Group>
              }
            />
          )
        }
      </Answered>
      {problem && <ProblemNote problem={problem} />}
    </Page>
  );
}

function Imported({ report }: { report: ImportReport }) {
  const { t } = useTranslation();
  const names = (of: string[]) => ({ names: of.join(", ") });
  const lines = [
    report.destinations.length > 0 && t("keys.imported_destinations", names(report.destinations)),
    report.destinations_skipped.length > 0 && t("keys.imported_skipped", names(report.destinations_skipped)),
    report.instances.length > 0 && t("keys.imported_instances", names(report.instances.map((i) => i.name))),
  ].filter((line) => line !== false);
  return (
    <Alert
      role="status"
      variant="light"
      color="tide"
      radius="lg"
      icon={<IconCircleCheck aria-hidden />}
      title={t("keys.imported")}
    >
      {lines.map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
    </Alert>
  );
}

function Made({ keys }: { keys: PublicKeys }) {
  const { t } = useTranslation();
  const kit = useSaveKit();
  return (
    <Stack>
      <Section title={t("keys.kit")}>
        <Stack align="flex-start">
          <Text maw={640}>{t("keys.kit_text")}</Text>
          <Button leftSection={<IconLifebuoy size={18} aria-hidden />} loading={kit.busy} onClick={kit.save}>
            {t("keys.kit_save")}
          </Button>
          {kit.path && (
            <Alert role="status" variant="light" color="tide" icon={<IconCircleCheck aria-hidden />}>
              {t("keys.kit_saved", { path: kit.path })}
            </Alert>
          )}
          {kit.problem && <ProblemNote problem={kit.problem} />}
        </Stack>
      </Section>
      <Section title={t("settings.place")}>
        <Facts
          facts={[
            [t("keys.recipient"), <Public key="r" name={t("keys.recipient")} text={keys.recipient} />],
            [t("keys.verification"), <Public key="v" name={t("keys.verification")} text={keys.verification_key} />],
          ]}
        />
      </Section>
      <Recipients />
      <Signers />
    </Stack>
  );
}

function Public({ name, text }: { name: string; text: string }) {
  const { t } = useTranslation();
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <span className="mono">{text}</span>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconCopy size={14} aria-hidden />}
            aria-label={`${t("keys.copy")}: ${name}`}
            onClick={copy}
            style={{ flex: "none" }}
          >
            {copied ? t("keys.copied") : t("keys.copy")}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}
