// Who is told what became of runs: the desktop, a webhook, a monitor. Addresses carry tokens: they are given, and never shown.
import { Button, Group, NumberInput, PasswordInput, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import { useChange } from "../queries";
import { Choice } from "../shared/choice";
import { Section } from "../shared/page";
import { ProblemNote } from "../shared/states";

type Notify = "yes" | "all" | "no";

const ALARM = { usual: 8, least: 1, most: 3650 };

export function Told({ settings }: { settings: Record<string, string> | undefined }) {
  const { t } = useTranslation();
  const keep = useChange((host, changes: Record<string, string>) => host.setSettings(changes));
  const days = Number(settings?.alarm_days ?? ALARM.usual);
  return (
    <Section title={t("settings.told")}>
      <Stack>
        <Choice
          label={t("settings.notify")}
          text={t("settings.notify_text")}
          value={(settings?.notify ?? "yes") as Notify}
          options={[
            ["yes", t("settings.notify_yes")],
            ["all", t("settings.notify_all")],
            ["no", t("settings.notify_no")],
          ]}
          onChange={(notify) => keep.mutate({ notify })}
        />
        {settings && (
          <NumberInput
            key={days}
            label={t("settings.alarm_days")}
            description={t("settings.alarm_days_text")}
            defaultValue={days}
            min={ALARM.least}
            max={ALARM.most}
            allowDecimal={false}
            maw={420}
            onBlur={(event) => {
              const value = event.currentTarget.value.trim();
              if (value !== String(days)) keep.mutate({ alarm_days: value });
            }}
          />
        )}
        <Address name="webhook_url" isSet={settings?.webhook_url === "set"} />
        <Address name="ping_url" isSet={settings?.ping_url === "set"} />
        {keep.error && <ProblemNote problem={keep.error} />}
      </Stack>
    </Section>
  );
}

function Address({ name, isSet }: { name: "webhook_url" | "ping_url"; isSet: boolean }) {
  const { t } = useTranslation();
  const [address, setAddress] = useState("");
  const [refused, setRefused] = useState<Problem | null>(null);
  const keep = useChange((host, secret: string) => host.setSecretSettings({ [name]: secret }));
  const forget = useChange((host, _: null) => host.setSettings({ [name]: "" }));
  const problem = refused ?? forget.error;
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
              onClick={() => forget.mutate(null)}
            >
              {t("settings.address_forget")}
            </Button>
          )}
        </Group>
        <Text size="xs" className="quiet">
          {t(isSet ? "settings.address_set" : "settings.address_unset")}
        </Text>
        {problem && <ProblemNote problem={problem} />}
      </Stack>
    </form>
  );
}
