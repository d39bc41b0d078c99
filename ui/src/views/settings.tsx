// Language and appearance, and where this installation lives.
import { Button, Group, SegmentedControl, Select, Stack, Switch, Text, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Told } from "../domain/told";
import { useHost } from "../host";
import { LANGUAGES } from "../i18n";
import { themeOf } from "../preferences";
import { useChange, usePlace, useSettings } from "../queries";
import { Facts, Page, Section } from "../shared/page";
import { Answered, ProblemNote } from "../shared/states";

type Scheme = "auto" | "light" | "dark";

export function Settings() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const host = useHost();
  const place = usePlace();
  const settings = useSettings();
  const keep = useChange((host, changes: Record<string, string>) => host.setSettings(changes));
  return (
    <Page title={t("settings.title")}>
      <Section>
        <Stack>
          <Select
            label={t("settings.language")}
            data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            value={i18n.language}
            allowDeselect={false}
            maw={320}
            onChange={(language) => {
              if (!language) return;
              void i18n.changeLanguage(language);
              keep.mutate({ language });
            }}
          />
          <div>
            <Text size="sm" fw={500} mb={4}>
              {t("settings.theme")}
            </Text>
            <SegmentedControl
              aria-label={t("settings.theme")}
              value={colorScheme}
              onChange={(theme) => {
                setColorScheme(theme as Scheme);
                keep.mutate({ theme: themeOf(theme as Scheme) });
              }}
              data={(["auto", "light", "dark"] as Scheme[]).map((value) => ({ value, label: t(`settings.${value}`) }))}
            />
          </div>
          <Switch
            label={t("settings.autostart")}
            description={t("settings.autostart_text")}
            checked={settings.data?.autostart === "yes"}
            disabled={!settings.data || keep.isPending}
            onChange={(event) => keep.mutate({ autostart: event.currentTarget.checked ? "yes" : "no" })}
          />
          {keep.error && <ProblemNote problem={keep.error} />}
        </Stack>
      </Section>
      <Told settings={settings} />
      <Section title={t("settings.place")}>
        <Answered of={place} height={84}>
          {(found) => (
            <Facts
              facts={[
                [
                  t("settings.data"),
                  <span key="d" className="mono">
                    {found.data_dir}
                  </span>,
                ],
                [t("settings.secrets"), t(`settings.${found.keys_in}`)],
                [t("settings.version"), found.version],
              ]}
            />
          )}
        </Answered>
      </Section>
      <Section>
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            {t("settings.quit_text")}
          </Text>
          <Button variant="default" onClick={() => void host.quit()}>
            {t("settings.quit")}
          </Button>
        </Group>
      </Section>
    </Page>
  );
}
