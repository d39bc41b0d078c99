// When something runs by itself, and what became of it.
import { Button, Group, Stack } from "@mantine/core";
import { IconCalendarClock, IconPlus, IconTrash } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { ScheduleRow } from "../bindings/ScheduleRow";
import { LackingButton, lacking, ScheduleForm } from "../domain/schedule-form";
import { useRunSchedule } from "../domain/schedule-run";
import { JobBadge, Outcomes, ScheduleFacts } from "../domain/schedule-view";
import { useChange, useDestinations, useInstances, useSchedules } from "../queries";
import { Confirm } from "../shared/dialogs";
import { Page, Section } from "../shared/page";
import { Answered, Empty, ProblemNote } from "../shared/states";

export function Schedules({ add }: { add: boolean }) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(add);
  const schedules = useSchedules();
  const button = (
    <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setAdding(true)}>
      {t("schedules.add")}
    </Button>
  );
  const some = (schedules.data?.length ?? 0) > 0;
  return (
    <Page title={t("schedules.title")} text={t("schedules.text")} actions={some && button}>
      <Answered of={schedules} height={320}>
        {(all) =>
          all.length === 0 ? (
            <None add={button} />
          ) : (
            <Stack>
              {all.map((row) => (
                <ScheduleSection key={row.id} row={row} />
              ))}
            </Stack>
          )
        }
      </Answered>
      {adding && <ScheduleForm row={null} onClose={() => setAdding(false)} />}
    </Page>
  );
}

function None({ add }: { add: ReactNode }) {
  const { t } = useTranslation();
  const instances = useInstances();
  const destinations = useDestinations();
  return (
    <Answered of={instances} height={260}>
      {(things) => (
        <Answered of={destinations} height={260}>
          {(places) => {
            const lacks = lacking(things.length, places.length);
            return (
              <Empty
                icon={IconCalendarClock}
                title={lacks ? t(`schedules.no_${lacks}`) : t("schedules.empty")}
                text={lacks ? t(`schedules.no_${lacks}_text`) : t("schedules.empty_text")}
                action={lacks ? <LackingButton lacks={lacks} /> : add}
              />
            );
          }}
        </Answered>
      )}
    </Answered>
  );
}

function ScheduleSection({ row }: { row: ScheduleRow }) {
  const { t } = useTranslation();
  const { acts } = useActs();
  const { name, paused } = row;
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const run = useRunSchedule();
  const pause = useChange((host, wanted: boolean) => (wanted ? host.pauseSchedule(name) : host.resumeSchedule(name)));
  const remove = useChange((host, of: string) => host.removeSchedule(of));
  const busy = row.status === "running" || acts.some((f) => f.act.subject === row.instance);
  const pauseWords = t(paused ? "schedules.resume" : "schedules.pause");
  return (
    <Section
      title={name}
      aside={
        <Group gap="sm">
          <JobBadge status={row.status} />
          <Button
            size="compact-sm"
            disabled={busy || row.status === "disabled"}
            aria-label={`${t("schedules.run")}: ${name}`}
            onClick={() => void run(name)}
          >
            {t("schedules.run")}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            loading={pause.isPending}
            aria-label={`${pauseWords}: ${name}`}
            onClick={() => pause.mutate(!paused)}
          >
            {pauseWords}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${t("schedules.edit")}: ${name}`}
            onClick={() => setEditing(true)}
          >
            {t("schedules.edit")}
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
        {pause.error && <ProblemNote problem={pause.error} />}
        <ScheduleFacts row={row} />
        <Outcomes row={row} />
      </Stack>
      {editing && <ScheduleForm row={row} onClose={() => setEditing(false)} />}
      {removing && (
        <Confirm
          title={t("schedules.remove_title", { name })}
          text={t("schedules.remove_text")}
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
