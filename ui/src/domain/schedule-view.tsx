// What a schedule is and how it fares: its status, its times, and what became of the last ones.
import { Badge, Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconCircleX, IconClock, IconPlayerSkipForward, type TablerIcon } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { JobStatus } from "../bindings/JobStatus";
import type { ScheduleRow } from "../bindings/ScheduleRow";
import type { SlotRow } from "../bindings/SlotRow";
import { shownZone, zoned } from "../format";
import { useSchedule } from "../queries";
import { Facts } from "../shared/page";
import { sentence } from "../shared/problem";
import { ProblemNote } from "../shared/states";
import { When } from "../shared/words";
import { cadenceWords } from "./cadence";
import { slotWords, type Tone } from "./slot-words";

const COLOURS: Record<JobStatus, string> = {
  idle: "tide",
  waiting: "yellow",
  running: "blue",
  retrying: "orange",
  paused: "gray",
  failing: "red",
  disabled: "red",
};

export function JobBadge({ status }: { status: JobStatus }) {
  const { t } = useTranslation();
  return (
    <Badge color={COLOURS[status]} variant="light" tt="none" style={{ flex: "none" }}>
      {t(`schedules.status.${status}`)}
    </Badge>
  );
}

export function ScheduleFacts({ row }: { row: ScheduleRow }) {
  const { t, i18n } = useTranslation();
  const places = new Intl.ListFormat(i18n.language, { type: "unit" }).format(row.destinations);
  const facts: Parameters<typeof Facts>[0]["facts"] = [
    [t("schedules.when"), <CadenceView key="c" row={row} />],
    [
      t(row.paused ? "schedules.next_paused" : "schedules.next"),
      <Times key="n" times={row.next} zone={row.timezone} />,
    ],
    [t("schedules.last_run"), <When key="l" at={row.last_run} />],
  ];
  if (row.failure_count > 0) {
    facts.push([t("schedules.failures"), t("schedules.in_a_row", { count: row.failure_count })]);
  }
  return (
    <Stack gap="sm">
      <Text style={{ overflowWrap: "anywhere" }}>
        {t(`schedules.does.${row.act}`, { instance: row.instance, places: places || "–" })}
      </Text>
      {row.problem && <ProblemNote problem={row.problem} />}
      <Facts facts={facts} />
    </Stack>
  );
}

function CadenceView({ row }: { row: ScheduleRow }) {
  const { t, i18n } = useTranslation();
  const { words, pattern, zone } = cadenceWords(row.cadence, row.timezone, t, i18n.language);
  return (
    <>
      {sentence(words)}
      {pattern && (
        <>
          {" "}
          <code className="mono">{pattern}</code>
        </>
      )}
      {zone && ` (${zone})`}
    </>
  );
}

/** On the schedule's own clock, which is named. */
export function Times({ times, zone }: { times: string[]; zone: string }) {
  const { t, i18n } = useTranslation();
  if (times.length === 0) return <span className="quiet">{t("schedules.no_next")}</span>;
  return (
    <>
      <ol className="times">
        {times.map((at) => (
          <li key={at}>
            <time dateTime={at}>{zoned(at, zone, i18n.language)}</time>
          </li>
        ))}
      </ol>
      <Text size="xs" className="quiet">
        {t("schedules.on_zone", { zone: shownZone(zone) })}
      </Text>
    </>
  );
}

const FEW = 5;

const SIGNS: Record<Tone, { icon: TablerIcon; colour: string }> = {
  good: { icon: IconCircleCheck, colour: "var(--mantine-color-tide-6)" },
  bad: { icon: IconCircleX, colour: "var(--mantine-color-red-6)" },
  open: { icon: IconClock, colour: "var(--mantine-color-blue-6)" },
  quiet: { icon: IconPlayerSkipForward, colour: "var(--quiet)" },
};

export function Outcomes({ row }: { row: ScheduleRow }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const whole = useSchedule(row.name, all);
  const slots = all ? (whole.data?.slots ?? row.slots) : row.slots.slice(0, FEW);
  return (
    <div>
      <Title order={3} size="h6" mb={6}>
        {t("schedules.outcomes")}
      </Title>
      {slots.length === 0 && (
        <Text size="sm" className="quiet">
          {t("schedules.outcomes_none")}
        </Text>
      )}
      <ul className="outcomes" aria-label={`${t("schedules.outcomes")}: ${row.name}`}>
        {slots.map((slot) => (
          <Outcome key={`${slot.slot} ${slot.how} ${slot.state}`} slot={slot} zone={row.timezone} />
        ))}
      </ul>
      {whole.error && <ProblemNote problem={whole.error} />}
      {!all && row.slots.length > FEW && (
        <Button
          mt="xs"
          size="compact-sm"
          variant="default"
          aria-label={`${t("schedules.outcomes_more")}: ${row.name}`}
          onClick={() => setAll(true)}
        >
          {t("schedules.outcomes_more")}
        </Button>
      )}
    </div>
  );
}

function Outcome({ slot, zone }: { slot: SlotRow; zone: string }) {
  const { t, i18n } = useTranslation();
  const { when, what, why, problem, tone } = slotWords(slot, zone, t, i18n.language);
  const { icon: Icon, colour } = SIGNS[tone];
  return (
    <Group component="li" gap={8} wrap="nowrap" align="flex-start">
      <Icon size={16} aria-hidden style={{ flex: "none", marginTop: 3 }} color={colour} />
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {when}
        {": "}
        <b>{what}</b>
        {why.length > 0 && <span className="quiet"> · {why.join(" · ")}</span>}
        {problem && <span className="quiet"> · {problem}</span>}
      </Text>
    </Group>
  );
}
