// Adding a schedule, and editing one. Nothing changes before it is saved.
import { Button, Checkbox, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import type { ScheduleChange } from "../bindings/ScheduleChange";
import type { ScheduleRow } from "../bindings/ScheduleRow";
import { useNavigation } from "../navigation";
import { useChange, useDestinations, useInstances, useTimeZone } from "../queries";
import { Choice } from "../shared/choice";
import { Fold } from "../shared/fold";
import { Answered, ProblemNote } from "../shared/states";
import { cadenceOf, changeOf, type Draft, draftOf, isGood, isGoodName, MOST_RETRIES, newDraft } from "./schedule-draft";
import { type Part, Preview, TimesFields } from "./schedule-times";

/** `row`: the one to edit; null adds one. */
export function ScheduleForm({ row, onClose }: { row: ScheduleRow | null; onClose: () => void }) {
  const { t } = useTranslation();
  const instances = useInstances();
  const destinations = useDestinations();
  const zone = useTimeZone();
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={row ? t("schedules.form.edit_title", { name: row.name }) : t("schedules.add")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Answered of={instances} height={420}>
        {(things) => (
          <Answered of={destinations} height={420}>
            {(places) => (
              <Answered of={zone} height={420}>
                {(here) => {
                  const names = things.map((i) => i.name);
                  const lacks = lacking(things.length, places.length);
                  return lacks && !row ? (
                    <Lacking lacks={lacks} />
                  ) : (
                    <Form row={row} instances={names} places={places} zone={here} onClose={onClose} />
                  );
                }}
              </Answered>
            )}
          </Answered>
        )}
      </Answered>
    </Modal>
  );
}

/** What there must be before a schedule. */
export function lacking(instances: number, destinations: number): "instance" | "destination" | null {
  if (instances === 0) return "instance";
  return destinations === 0 ? "destination" : null;
}

export function LackingButton({ lacks }: { lacks: "instance" | "destination" }) {
  const { t } = useTranslation();
  const { go } = useNavigation();
  return (
    <Button onClick={() => go({ room: `${lacks}s`, add: true })} data-autofocus>
      {t(`schedules.no_${lacks}_do`)}
    </Button>
  );
}

function Lacking({ lacks }: { lacks: "instance" | "destination" }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Text>{t(`schedules.no_${lacks}_text`)}</Text>
      <Group justify="flex-end">
        <LackingButton lacks={lacks} />
      </Group>
    </Stack>
  );
}

interface Around {
  row: ScheduleRow | null;
  instances: string[];
  places: DestinationConfig[];
  zone: string;
}

function firstDraft({ row, instances, places, zone }: Around): Draft {
  if (!row) {
    const open = places.filter((d) => d.enabled);
    return newDraft(
      instances,
      open.map((d) => d.name),
      zone,
    );
  }
  return draftOf(
    row,
    instances,
    places.map((d) => d.name),
  );
}

function Form(props: Around & { onClose: () => void }) {
  const { t } = useTranslation();
  const { row, instances, places, onClose } = props;
  const [draft, setDraft] = useState(() => firstDraft(props));
  const set: Part["set"] = (change) => setDraft((before) => ({ ...before, ...change }));
  const save = useChange((host, change: ScheduleChange) =>
    row ? host.setSchedule(row.name, change) : host.addSchedule(draft.name, change),
  );
  const change = changeOf(row, draft);
  const ready = change !== null && isGood(draft);
  const cadence = cadenceOf(draft);
  // An interval that stays goes on from where it began.
  const stays = row?.cadence.kind === "interval" && change?.cadence == null && cadence !== null;
  // The dialog has opened before what it asks about was there.
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate(change, { onSuccess: onClose });
      }}
    >
      <Stack>
        {!row && (
          <TextInput
            ref={first}
            label={t("schedules.form.name")}
            placeholder={t("schedules.form.name_placeholder")}
            value={draft.name}
            error={draft.name !== "" && !isGoodName(draft.name) && t("schedules.form.name_bad")}
            spellCheck={false}
            autoComplete="off"
            data-autofocus
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
        )}
        <Select
          ref={row ? first : null}
          label={t("schedules.form.instance")}
          value={draft.instance}
          allowDeselect={false}
          data={instances}
          data-autofocus={row ? true : undefined}
          onChange={(instance) => set({ instance })}
        />
        <Checkbox.Group label={t("schedules.form.to")} value={draft.to} onChange={(to) => set({ to })}>
          <Stack gap="xs" mt="xs">
            {places.map(({ name, enabled }) => (
              <Checkbox
                key={name}
                value={name}
                label={enabled ? name : t("schedules.form.takes_none", { name })}
                style={{ overflowWrap: "anywhere" }}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        <Choice
          label={t("schedules.form.act")}
          text={t(`schedules.form.act_text.${draft.act}`)}
          value={draft.act}
          options={[
            ["backup", t("schedules.form.acts.backup")],
            ["verify", t("schedules.form.acts.verify")],
            ["drill", t("schedules.form.acts.drill")],
            ["retention", t("schedules.form.acts.retention")],
          ]}
          onChange={(act) => set({ act })}
        />
        <TimesFields draft={draft} set={set} custom={row?.cadence.kind === "custom"} />
        <Preview cadence={cadence} zone={draft.timezone} known={stays ? row.next : null} />
        <More draft={draft} set={set} />
        {save.error && <ProblemNote problem={save.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
          <Button type="submit" disabled={!ready} loading={save.isPending}>
            {row ? t("schedules.form.save") : t("schedules.form.add_do")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function More({ draft, set }: Part) {
  const { t } = useTranslation();
  return (
    <Fold
      title={t("schedules.form.more")}
      text={t("schedules.form.more_text")}
      label={t("schedules.form.more_label")}
      aside={null}
    >
      {() => (
        <Stack p="sm" pt={0}>
          <Select
            label={t("schedules.form.catch_up")}
            value={draft.catch_up}
            allowDeselect={false}
            data={[
              { value: "once", label: t("schedules.form.catch_up_once") },
              { value: "skip", label: t("schedules.form.catch_up_skip") },
            ]}
            onChange={(value) => set({ catch_up: value === "skip" ? "skip" : "once" })}
          />
          <TextInput
            label={t("schedules.form.grace")}
            description={t("schedules.form.grace_text")}
            value={draft.grace}
            disabled={draft.catch_up === "skip"}
            autoComplete="off"
            onChange={(event) => set({ grace: event.currentTarget.value })}
          />
          <NumberInput
            label={t("schedules.form.retries")}
            description={t("schedules.form.retries_text")}
            value={draft.retries}
            min={0}
            max={MOST_RETRIES}
            allowDecimal={false}
            onChange={(retries) => set({ retries })}
          />
          <TextInput
            label={t("schedules.form.settle")}
            description={t("schedules.form.settle_text")}
            value={draft.settle}
            autoComplete="off"
            onChange={(event) => set({ settle: event.currentTarget.value })}
          />
        </Stack>
      )}
    </Fold>
  );
}
