// How things stand: one sentence, a card an instance, and what is still missing to be safe.
import { Alert, Badge, Button, Card, Group, SimpleGrid, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import {
  IconAlertTriangle,
  type IconAnchor,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { InstanceStatus } from "../bindings/InstanceStatus";
import type { State } from "../bindings/State";
import type { StatusReason } from "../bindings/StatusReason";
import { BackupDialog } from "../domain/backup-dialog";
import { kitIsSaved, useSaveKit } from "../domain/kit";
import { folderWarning, standing } from "../domain/standing";
import { useNavigation } from "../navigation";
import { useDestinations, useInstances, usePublicKeys, useStatus } from "../queries";
import { Facts, Page, Section } from "../shared/page";
import { ProblemText } from "../shared/problem";
import { Answered, ProblemNote } from "../shared/states";
import { When } from "../shared/words";
import { Welcome } from "./welcome";

const STATES: Record<State, { colour: string; icon: typeof IconAnchor }> = {
  well: { colour: "tide", icon: IconCircleCheck },
  attention: { colour: "yellow", icon: IconAlertTriangle },
  failing: { colour: "red", icon: IconCircleX },
};

/** What is settled in the room of schedules. */
const OF_SCHEDULES: StatusReason[] = ["schedule_failed", "schedule_cannot_run", "schedule_waits", "schedules_unusable"];

export function Overview() {
  const { t } = useTranslation();
  const instances = useInstances();
  return (
    <Answered of={instances} height={420}>
      {(all) =>
        all.length === 0 ? (
          <Welcome />
        ) : (
          <Page title={t("app.overview")}>
            <Standing />
            <Steps />
            <Cards />
          </Page>
        )
      }
    </Answered>
  );
}

function Standing() {
  const { t, i18n } = useTranslation();
  const { go } = useNavigation();
  const status = useStatus();
  return (
    <Answered of={status} height={64}>
      {(report) => {
        const { colour, icon: Icon } = STATES[report.state];
        return (
          <Stack>
            <Alert role="status" variant="light" color={colour} radius="lg" icon={<Icon aria-hidden />}>
              <Text fw={600} size="lg">
                {standing(report, t, i18n.language)}
              </Text>
              {report.problem && <ProblemText problem={report.problem} />}
              {OF_SCHEDULES.includes(report.reason) && (
                <Button variant="default" size="sm" mt="sm" onClick={() => go({ room: "schedules" })}>
                  {t("standing.to_schedules")}
                </Button>
              )}
            </Alert>
            {report.warnings.map((warning) => (
              <Alert
                key={warning.code}
                variant="light"
                color="yellow"
                radius="lg"
                icon={<IconAlertTriangle aria-hidden />}
              >
                <Text size="sm">{folderWarning(warning, t)}</Text>
              </Alert>
            ))}
          </Stack>
        );
      }}
    </Answered>
  );
}

function Cards() {
  const [backup, setBackup] = useState<string | null>(null);
  const status = useStatus();
  return (
    <>
      <Answered of={status} height={220}>
        {(report) => (
          <div className="cards">
            {report.instances.map((instance) => (
              <InstanceCard key={instance.name} instance={instance} onBackup={() => setBackup(instance.name)} />
            ))}
          </div>
        )}
      </Answered>
      {backup && <BackupDialog instance={backup} onClose={() => setBackup(null)} />}
    </>
  );
}

function InstanceCard({ instance, onBackup }: { instance: InstanceStatus; onBackup: () => void }) {
  const { t } = useTranslation();
  const { acts } = useActs();
  const { go } = useNavigation();
  const running = acts.find((f) => f.act.subject === instance.name);
  return (
    <Card className="card" padding="lg" radius="lg" component="article" aria-label={instance.name}>
      <Group justify="space-between" mb="sm" wrap="nowrap">
        <Title order={2} size="h4" style={{ overflowWrap: "anywhere" }}>
          {instance.name}
        </Title>
        {running && (
          <Badge variant="light" color="blue" tt="none" style={{ flex: "none" }}>
            {t(`kind.${running.act.kind}`)}
          </Badge>
        )}
      </Group>
      <Facts
        facts={[
          [t("overview.last_verified"), <When key="v" at={instance.last_verified_at} />],
          [t("overview.restorable"), <When key="r" at={instance.restorable_as_of} />],
          [
            t("overview.next_run"),
            instance.next_run ? <When key="n" at={instance.next_run} /> : t("overview.no_schedule"),
          ],
        ]}
      />
      <Group mt="md" gap="sm">
        <Button onClick={onBackup} disabled={running !== undefined}>
          {t("overview.back_up")}
        </Button>
        <Button
          variant="default"
          disabled={instance.restorable_as_of === null}
          onClick={() => go({ room: "restore", instance: instance.name })}
        >
          {t("overview.restore")}
        </Button>
      </Group>
    </Card>
  );
}

/** What a first start still lacks. Gone once all of it is there. */
function Steps() {
  const { t } = useTranslation();
  const { go } = useNavigation();
  const destinations = useDestinations();
  const status = useStatus();
  const keys = usePublicKeys();
  const kit = useSaveKit();
  const [backup, setBackup] = useState<string | null>(null);
  if (!destinations.data || !status.data || keys.data === undefined) return null;
  const hasDestination = destinations.data.length > 0;
  const first = status.data.instances[0]?.name ?? null;
  const hasBackup = status.data.instances.some((i) => i.last_verified_at !== null);
  const steps = [
    { done: true, words: t("overview.step_instance"), action: null },
    {
      done: hasDestination,
      words: t("overview.step_destination"),
      action: <Button onClick={() => go({ room: "destinations", add: true })}>{t("overview.do_destination")}</Button>,
    },
    {
      done: hasBackup,
      words: t("overview.step_backup"),
      action: <Button onClick={() => setBackup(first)}>{t("overview.back_up")}</Button>,
    },
    {
      done: kitIsSaved(keys.data),
      words: t("overview.step_kit"),
      action: (
        <Button onClick={() => kit.save()} loading={kit.busy}>
          {t("overview.do_kit")}
        </Button>
      ),
    },
  ];
  const next = steps.findIndex((step) => !step.done);
  if (next < 0) return null;
  return (
    <Section title={t("overview.to_do")}>
      <Text className="quiet" mb="md">
        {t("overview.to_do_text")}
      </Text>
      <SimpleGrid cols={1} spacing="xs">
        {steps.map((step, n) => (
          <Group key={step.words} justify="space-between" mih={38}>
            <Group gap="sm">
              <ThemeIcon
                variant={step.done ? "light" : "transparent"}
                color={step.done ? "tide" : "gray"}
                radius="xl"
                aria-hidden
              >
                {step.done ? <IconCircleCheck size={20} /> : <IconCircleDashed size={20} />}
              </ThemeIcon>
              <Text className={step.done ? "quiet" : ""} fw={n === next ? 600 : 400}>
                {step.words}
                {step.done && <span className="quiet"> · {t("overview.done")}</span>}
              </Text>
            </Group>
            {n === next && step.action}
          </Group>
        ))}
      </SimpleGrid>
      <Stack mt="sm">{kit.problem && <ProblemNote problem={kit.problem} />}</Stack>
      {backup && <BackupDialog instance={backup} onClose={() => setBackup(null)} />}
    </Section>
  );
}
