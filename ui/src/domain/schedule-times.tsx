// The times of a schedule while it is typed: simple choices first, and when it would run next.
import { Checkbox, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { CadenceText } from "../bindings/CadenceText";
import { usePreview } from "../queries";
import { ProblemNote } from "../shared/states";
import { timeOf, WEEK, weekdayName } from "./cadence";
import type { Choice, Draft, Unit } from "./schedule-draft";
import { Times } from "./schedule-view";

export interface Part {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

const CHOICES: Choice[] = ["daily", "weekly", "monthly", "every", "cron", "manual"];

export function TimesFields({ draft, set, custom }: Part & { custom: boolean }) {
  const { t } = useTranslation();
  const { choice } = draft;
  const all = custom ? [...CHOICES, "custom" as const] : CHOICES;
  return (
    <>
      <Select
        label={t("schedules.when")}
        value={choice}
        allowDeselect={false}
        data={all.map((value) => ({ value, label: t(`schedules.form.choices.${value}`) }))}
        onChange={(value) => value && set({ choice: value as Choice })}
      />
      {choice === "weekly" && <Days draft={draft} set={set} />}
      {choice === "monthly" && (
        <NumberInput
          label={t("schedules.form.day")}
          description={Number(draft.day) > 28 ? t("schedules.form.day_text") : undefined}
          value={draft.day}
          min={1}
          max={31}
          allowDecimal={false}
          maw={200}
          onChange={(day) => set({ day })}
        />
      )}
      {(choice === "daily" || choice === "weekly" || choice === "monthly") && <Time draft={draft} set={set} />}
      {choice === "every" && <Every draft={draft} set={set} />}
      {choice === "cron" && (
        <TextInput
          label={t("schedules.form.cron")}
          description={t("schedules.form.cron_text")}
          value={draft.cron}
          classNames={{ input: "mono" }}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => set({ cron: event.currentTarget.value })}
        />
      )}
      {choice === "custom" && <code className="mono">{draft.custom}</code>}
      <Zone draft={draft} set={set} />
    </>
  );
}

function Time({ draft, set }: Part) {
  const { t } = useTranslation();
  return (
    <TextInput
      label={t("schedules.form.time")}
      value={draft.time}
      placeholder="03:00"
      autoComplete="off"
      maw={200}
      error={timeOf(draft.time) === null && t("schedules.form.time_bad")}
      onChange={(event) => set({ time: event.currentTarget.value })}
      onBlur={() => set({ time: timeOf(draft.time) ?? draft.time })}
    />
  );
}

function Days({ draft, set }: Part) {
  const { t, i18n } = useTranslation();
  return (
    <Checkbox.Group
      label={t("schedules.form.days")}
      value={draft.days.map(String)}
      onChange={(days) => set({ days: days.map(Number) })}
    >
      <Group gap="md" mt="xs">
        {WEEK.map((day) => (
          <Checkbox key={day} value={String(day)} label={weekdayName(day, i18n.language)} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

function Every({ draft, set }: Part) {
  const { t } = useTranslation();
  // Seconds only where it has them already.
  const units: Unit[] = draft.unit === "seconds" ? ["seconds", "minutes", "hours"] : ["minutes", "hours"];
  return (
    <Stack gap={4}>
      <Group gap="sm" align="flex-end">
        <NumberInput
          label={t("schedules.form.every")}
          value={draft.every}
          min={1}
          allowDecimal={false}
          w={120}
          onChange={(every) => set({ every })}
        />
        <Select
          label={t("schedules.form.unit")}
          value={draft.unit}
          allowDeselect={false}
          w={160}
          data={units.map((value) => ({ value, label: t(`schedules.form.units.${value}`) }))}
          onChange={(unit) => unit && set({ unit: unit as Unit })}
        />
      </Group>
      <Text size="xs" className="quiet">
        {t("schedules.form.every_text")}
      </Text>
    </Stack>
  );
}

function Zone({ draft, set }: Part) {
  const { t } = useTranslation();
  // The list of the page lacks UTC, and may lack the one that is set.
  const zones = [...new Set([draft.timezone, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
  return (
    <Select
      label={t("schedules.form.zone")}
      value={draft.timezone}
      searchable
      allowDeselect={false}
      limit={60}
      data={zones}
      nothingFoundMessage={t("schedules.form.zone_none")}
      onChange={(timezone) => timezone && set({ timezone })}
    />
  );
}

/** `known`: the next times where they are as they were. */
export function Preview(props: { cadence: CadenceText | null; zone: string; known: string[] | null }) {
  const { t } = useTranslation();
  const id = useId();
  const asks = props.known === null && props.cadence !== null && props.cadence.kind !== "manual";
  // As text, so that what is the same does not count as new.
  const now = JSON.stringify(asks ? [props.cadence, props.zone] : null);
  const [settled] = useDebouncedValue(now, 300);
  const [cadence, zone] = (JSON.parse(settled) as [CadenceText, string] | null) ?? [null, props.zone];
  const preview = usePreview(cadence, zone);
  const stale = asks && (settled !== now || preview.isPlaceholderData || preview.isPending);
  return (
    <section aria-labelledby={id}>
      <Text size="sm" fw={500} id={id}>
        {t("schedules.form.preview")}
      </Text>
      <div aria-live="polite" aria-busy={stale} style={{ minHeight: 150, opacity: stale ? 0.5 : 1 }}>
        {props.cadence === null && <Quiet text={t("schedules.form.preview_none")} />}
        {props.cadence?.kind === "manual" && <Quiet text={t("schedules.form.preview_manual")} />}
        {props.known && <Times times={props.known} zone={props.zone} />}
        {asks && preview.error && !stale && <ProblemNote problem={preview.error} />}
        {asks && cadence && preview.data && <Times times={preview.data} zone={zone} />}
      </div>
    </section>
  );
}

function Quiet({ text }: { text: string }) {
  return (
    <Text size="sm" className="quiet">
      {text}
    </Text>
  );
}
