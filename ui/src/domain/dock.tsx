// What runs and what just ended, in every room, over the content so that nothing jumps.
import { ActionIcon, Alert, Button, Card, CloseButton, Group, Modal, Progress, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconPlayerStop } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Followed, type Notice, useActs } from "../acts";
import { bytes, clock, pace } from "../format";
import { useHost } from "../host";
import { ProblemText, problemWords } from "../shared/problem";

export function Dock() {
  const { t } = useTranslation();
  const { acts, notices, dismiss } = useActs();
  return (
    <section className="dock" aria-label={t("act.running")}>
      <Stack gap="sm">
        <div aria-live="polite">
          <Stack gap="sm">
            {notices.map((notice) => (
              <NoticeCard key={notice.id} notice={notice} onClose={() => dismiss(notice.id)} />
            ))}
          </Stack>
        </div>
        {acts.map((followed) => (
          <ActCard key={followed.act.id} followed={followed} />
        ))}
      </Stack>
      <CloseQuestion />
    </section>
  );
}

export function ActCard({ followed }: { followed: Followed }) {
  const { t } = useTranslation();
  const host = useHost();
  const [cancelling, setCancelling] = useState(false);
  const { act } = followed;
  const what = `${t(`kind.${act.kind}`)}: ${act.subject}`;
  return (
    <Card className="card" padding="md" radius="lg" shadow="md">
      <Group justify="space-between" wrap="nowrap" mb={8}>
        <Text fw={600} truncate title={what}>
          {what}
        </Text>
        <ActionIcon
          variant="default"
          aria-label={t("act.cancel", { what })}
          title={t("act.cancel", { what })}
          disabled={cancelling}
          onClick={() => {
            setCancelling(true);
            void host.cancel(act.id);
          }}
        >
          <IconPlayerStop size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <ActProgress followed={followed} cancelling={cancelling} />
    </Card>
  );
}

/** Phase, bar, percent, speed and time left. The lines are always there, so that nothing moves. */
export function ActProgress({ followed, cancelling }: { followed: Followed; cancelling?: boolean }) {
  const { t, i18n } = useTranslation();
  const { progress } = followed.act;
  const known = progress.total_bytes > 0;
  const percent = known ? Math.min(100, Math.floor((progress.done_bytes / progress.total_bytes) * 100)) : 0;
  const going = pace(followed.samples, progress.total_bytes);
  const size = (n: number) => bytes(n, i18n.language);
  const facts = [
    known && t("act.of", { done: size(progress.done_bytes), total: size(progress.total_bytes) }),
    going && t("act.speed", { speed: size(Math.round(going.bytesPerSecond)) }),
    going?.secondsLeft != null && t("act.left", { time: clock(going.secondsLeft) }),
  ].filter(Boolean);
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" truncate>
          {cancelling
            ? t("act.cancelling")
            : `${t(`phase.${progress.phase}`)} ${progress.what && `· ${progress.what}`}`}
        </Text>
        <Text size="sm" fw={600} style={{ fontVariantNumeric: "tabular-nums" }}>
          {known ? `${percent} %` : ""}
        </Text>
      </Group>
      <Progress.Root size="lg">
        <Progress.Section
          value={known ? percent : 100}
          striped={!known}
          animated={!known}
          aria-label={t("act.progress", { what: followed.act.subject })}
        />
      </Progress.Root>
      <Text size="xs" className="quiet" mih={18} style={{ fontVariantNumeric: "tabular-nums" }}>
        {facts.join(" · ")}
      </Text>
    </Stack>
  );
}

const TONES = { good: "tide", warning: "yellow", bad: "red" };

function NoticeCard({ notice, onClose }: { notice: Notice; onClose: () => void }) {
  const { t } = useTranslation();
  const Icon = notice.tone === "good" ? IconCircleCheck : IconAlertTriangle;
  const { problem } = notice;
  return (
    <Card className="card" padding={0} radius="lg" shadow="md">
      <Alert
        variant="light"
        color={TONES[notice.tone]}
        icon={<Icon aria-hidden />}
        title={notice.title}
        radius="lg"
        pr={44}
      >
        {problem && (
          <>
            <Text size="sm" fw={600} mb={6}>
              {problemWords(problem, t).title}
            </Text>
            <ProblemText problem={problem} />
          </>
        )}
        {notice.lines?.map((line) => (
          <Text size="sm" key={line} style={{ overflowWrap: "anywhere" }}>
            {line}
          </Text>
        ))}
      </Alert>
      <CloseButton pos="absolute" top={10} right={10} aria-label={t("app.close")} onClick={onClose} />
    </Card>
  );
}

function CloseQuestion() {
  const { t } = useTranslation();
  const { closeAsked, answerClose } = useActs();
  return (
    <Modal opened={closeAsked} onClose={() => answerClose("stay")} title={t("closing.title")} withCloseButton={false}>
      <Stack>
        <Text>{t("closing.text")}</Text>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => answerClose("stay")}>
            {t("closing.stay")}
          </Button>
          <Button variant="default" color="red" onClick={() => answerClose("cancel")}>
            {t("closing.cancel")}
          </Button>
          <Button data-autofocus onClick={() => answerClose("finish")}>
            {t("closing.finish")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
