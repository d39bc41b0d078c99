// What the test of a destination found, and trust on first use.
import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX, IconFingerprint } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import type { TestReport } from "../bindings/TestReport";
import { en } from "../i18n/en";
import { useChange } from "../queries";
import { sentence } from "../shared/problem";
import { ProblemNote } from "../shared/states";

type OnTrusted = (destination: DestinationConfig) => void;

/** `onTrusted` gets the destination as it is from then on: it can be tested again. */
export function TestView(props: { name: string; report: TestReport; onTrusted: OnTrusted }) {
  const { t } = useTranslation();
  const { name, report, onTrusted } = props;
  const found = useRef<HTMLDivElement>(null);
  // At the end of a long form it would come up out of sight, and the buttons after it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each report anew.
  useEffect(() => {
    const form = found.current?.closest("form");
    (form ?? found.current)?.scrollIntoView?.({ block: form ? "end" : "nearest" });
  }, [report]);
  return (
    <Stack gap="sm" ref={found}>
      <Alert
        variant="light"
        role="status"
        color={report.ok ? "tide" : "red"}
        title={report.ok ? t("destinations.test_ok") : t("destinations.test_bad")}
      >
        <Stack gap={4}>
          {report.checks.map((check) => {
            const Icon = check.ok ? IconCircleCheck : IconCircleX;
            return (
              <Group key={check.name} gap={8} wrap="nowrap" align="flex-start">
                <Icon
                  size={16}
                  role="img"
                  aria-label={check.ok ? "ok" : "✗"}
                  style={{ flex: "none", marginTop: 3 }}
                  color={`var(--mantine-color-${check.ok ? "tide" : "red"}-6)`}
                />
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {checkName(check.name, t)}
                  {check.message && <span className="quiet"> · {check.message}</span>}
                </Text>
              </Group>
            );
          })}
        </Stack>
      </Alert>
      {report.fingerprint && <Trust name={name} fingerprint={report.fingerprint} onTrusted={onTrusted} />}
    </Stack>
  );
}

function Trust({ name, fingerprint, onTrusted }: { name: string; fingerprint: string; onTrusted: OnTrusted }) {
  const { t } = useTranslation();
  // Told within the change: this may be gone by its end, where something is typed meanwhile.
  const trust = useChange(
    async (host) => onTrusted(await host.setDestination(name, { fingerprint }, {})),
    ["free-space", name],
  );
  return (
    <Alert
      variant="light"
      color="orange"
      icon={<IconFingerprint aria-hidden />}
      title={t("destinations.trust_title")}
      role="group"
      aria-label={t("destinations.trust_title")}
    >
      <Stack gap="sm">
        <Text size="sm">{t("destinations.trust_text")}</Text>
        <Text className="mono" size="sm" style={{ overflowWrap: "anywhere" }}>
          {fingerprint}
        </Text>
        {trust.error && <ProblemNote problem={trust.error} />}
        <Group>
          <Button color="orange" variant="outline" loading={trust.isPending} onClick={() => trust.mutate(undefined)}>
            {t("destinations.trust_do")}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

/** A check that the page has no words for comes by its own name. */
function checkName(name: string, t: TFunction): string {
  return Object.hasOwn(en.destinations.checks, name)
    ? t(`destinations.checks.${name as keyof typeof en.destinations.checks}`)
    : sentence(name.replaceAll("_", " "));
}
