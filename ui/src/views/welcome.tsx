// The first start: a service of one's own, or a sample to break and bring back.
import { Button, Card, Group, SimpleGrid, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconFlask, IconFolder, type TablerIcon } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { InstanceForm } from "../domain/instance-form";
import { useNavigation } from "../navigation";
import { useChange } from "../queries";
import { ProblemNote } from "../shared/states";

export function Welcome() {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const [adding, setAdding] = useState(false);
  const sample = useChange(async (host) => {
    await host.init();
    return host.addSample();
  });
  return (
    <Stack gap="xl" pt="lg">
      <div>
        <Title order={1} size="h2">
          {t("welcome.title")}
        </Title>
        <Text className="quiet" maw={640} mt={4}>
          {t("welcome.text")}
        </Text>
      </div>
      {sample.error && <ProblemNote problem={sample.error} />}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        <Way icon={IconFolder} title={t("welcome.own")} text={t("welcome.own_text")}>
          <Button size="md" onClick={() => setAdding(true)}>
            {t("welcome.own_do")}
          </Button>
        </Way>
        <Way icon={IconFlask} title={t("welcome.sample")} text={t("welcome.sample_text")}>
          <Button size="md" variant="default" loading={sample.isPending} onClick={() => sample.mutate(undefined)}>
            {t("welcome.sample_do")}
          </Button>
        </Way>
      </SimpleGrid>
      <Group gap="md" wrap="nowrap" align="flex-start">
        <Text className="quiet" maw={640}>
          <strong>{t("welcome.lost")}</strong> {t("welcome.lost_text")}
        </Text>
        <Button size="compact-sm" variant="default" style={{ flex: "none" }} onClick={() => go({ room: "keys" })}>
          {t("welcome.lost_do")}
        </Button>
      </Group>
      {adding && <InstanceForm onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function Way(props: { icon: TablerIcon; title: string; text: string; children: ReactNode }) {
  const Icon = props.icon;
  return (
    <Card className="card" padding="xl" radius="lg" component="section" aria-label={props.title}>
      <Stack h="100%" gap="sm" align="flex-start">
        <ThemeIcon size={44} radius="md" variant="light" aria-hidden>
          <Icon size={24} />
        </ThemeIcon>
        <Title order={2} size="h4">
          {props.title}
        </Title>
        <Text className="quiet" flex={1}>
          {props.text}
        </Text>
        {props.children}
      </Stack>
    </Card>
  );
}
