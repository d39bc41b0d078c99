// Who is told what became of runs: the desktop, a webhook, a monitor. Addresses carry tokens: they are given, and never shown.
import { Button, Group, NumberInput, PasswordInput, Stack, Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import { useChange, useSecret } from "../queries";
import { Choice } from "../shared/choice";
import { Section } from "../shared/page";
import { Answered, ProblemNote } from "../shared/states";

type Notify = "yes" | "all" | "no";
type Kept = Record<string, string>;

const ALARM = { usual: 8, least: 1, most: 3650 };

export function Told({ settings }: { settings: UseQueryResult<Kept, Problem> }) {
  const { t } = useTranslation();
  return (
    <Section title={t("settings.told")}>
      <Answered of={settings} height={400}>
        {(kept) => <Choices kept={kept} />}
      </Answered>
    </Section>
  );
}

function Choices({ kept }: { kept: Kept }) {
  const { t } = useTranslation();
  const keep = useChange((host, changes: Kept) => host.setSettings(changes));
  return (
    <Stack>
      <Choice
        label={t("settings.notify")}
        text={t("settings.notify_text")}
        value={(kept.notify ?? "yes") as Notify}
        options={[
          ["yes", t("settings.notify_yes")],
          ["all", t("settings.notify_all")],
          ["no", t("settings.notify_no")],
        ]}
        onChange={(notify) => keep.mutate({ notify })}
      />
      <AlarmDays kept={kept.alarm_days} onKeep={(alarm_days) => keep.mutate({ alarm_days })} />
      {keep.error && <ProblemNote problem={keep.error} />}
      <Address name="webhook_url" isSet={kept.webhook_url === "set"} />
      <Address name="ping_url" isSet={kept.ping_url === "set"} />
    </Stack>
  );
}

/** Kept when it is left; an empty field goes back to the default. */
function AlarmDays({ kept, onKeep }: { kept: string | undefined; onKeep: (days: string) => void }) {
  const { t } = useTranslation();
  const days = Number(kept ?? ALARM.usual);
  const [typed, setTyped] = useState<string | number | bigint>(days);
  const [shown, setShown] = useState(days);
  if (shown !== days) {
    setShown(days);
    setTyped(days);
  }
  return (
    <NumberInput
      label={t("settings.alarm_days")}
      description={t("settings.alarm_days_text")}
      value={typed}
      min={ALARM.least}
      max={ALARM.most}
      clampBehavior="none"
      allowDecimal={false}
      allowNegative={false}
      maw={420}
      onChange={setTyped}
      onBlur={() => {
        const wanted = typed === "" ? ALARM.usual : Math.min(Math.max(Number(typed), ALARM.least), ALARM.most);
        setTyped(wanted);
        if (wanted !== days) onKeep(typed === "" ? "" : String(wanted));
      }}
    />
  );
}

function Address({ name, isSet }: { name: "webhook_url" | "ping_url"; isSet: boolean }) {
  const { t } = useTranslation();
  const [address, setAddress] = useState("");
  const [refused, setRefused] = useState<Problem | null>(null);
  const keep = useSecret((host, secret) => host.setSecretSettings({ [name]: secret }));
  const forget = useChange((host, _: null) => host.setSettings({ [name]: "" }));
  const label = t(`settings.${name}`);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const given = address.trim();
        // It is the program's now; the page keeps no copy, in what it asked neither.
        setAddress("");
        setRefused(null);
        if (given) keep.mutate(given, { onError: setRefused, onSettled: () => keep.reset() });
      }}
    >
      <Stack gap="xs">
        <Group align="flex-end" gap="sm">
          <PasswordInput
            flex="1 1 280px"
            label={label}
            description={t(`settings.${name}_text`)}
            placeholder="https://…"
            value={address}
            autoComplete="off"
            onChange={(event) => setAddress(event.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="default"
            disabled={address.trim() === ""}
            loading={keep.isPending}
            aria-label={`${t("settings.address_keep")}: ${label}`}
          >
            {t("settings.address_keep")}
          </Button>
          {isSet && (
            <Button
              variant="subtle"
              color="gray"
              loading={forget.isPending}
              aria-label={`${t("settings.address_forget")}: ${label}`}
              onClick={() => {
                setRefused(null);
                forget.mutate(null, { onError: setRefused });
              }}
            >
              {t("settings.address_forget")}
            </Button>
          )}
        </Group>
        <Text size="xs" className="quiet">
          {t(isSet ? "settings.address_set" : "settings.address_unset")}
        </Text>
        {refused && <ProblemNote problem={refused} />}
      </Stack>
    </form>
  );
}
