// The public halves of the keys, who archives are sealed to, whom this installation trusts, and the recovery kit.
import { Alert, Button, CopyButton, Group, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCopy, IconKey, IconLifebuoy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { PublicKeys } from "../bindings/PublicKeys";
import { useSaveKit } from "../domain/kit";
import { useChange, usePublicKeys, useRecipients, useSigners } from "../queries";
import { Facts, Page, Section } from "../shared/page";
import { Answered, Empty, ProblemNote } from "../shared/states";

export function Keys() {
  const { t } = useTranslation();
  const keys = usePublicKeys();
  const make = useChange((host) => host.init());
  return (
    <Page title={t("keys.title")} text={t("keys.text")}>
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
                <Button loading={make.isPending} onClick={() => make.mutate(undefined)}>
                  {t("keys.make")}
                </Button>
              }
            />
          )
        }
      </Answered>
      {make.error && <ProblemNote problem={make.error} />}
    </Page>
  );
}

function Made({ keys }: { keys: PublicKeys }) {
  const { t } = useTranslation();
  const kit = useSaveKit();
  const recipients = useRecipients(true);
  const signers = useSigners(true);
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
      <Section title={t("keys.recipients")}>
        <Answered of={recipients} height={40}>
          {(all) => (
            <Facts
              facts={all.map((row) => [
                row.own ? t("keys.own") : row.name,
                <span key={row.recipient} className="mono">
                  {row.recipient}
                </span>,
              ])}
            />
          )}
        </Answered>
      </Section>
      {signers.data && signers.data.length > 0 && (
        <Section title={t("keys.signers")}>
          <Facts
            facts={signers.data.map((s) => [
              s.name,
              <span key={s.key_id} className="mono">
                {s.key_id}
              </span>,
            ])}
          />
        </Section>
      )}
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
