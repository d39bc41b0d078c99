// Adding a folder as a destination, and what its test found.
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { TestReport } from "../bindings/TestReport";
import { en } from "../i18n/en";
import { useChange, useQuestion } from "../queries";
import { sentence } from "../shared/problem";
import { ProblemNote } from "../shared/states";
import { PathField } from "./path-field";

export function DestinationForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [path, setPath] = useState("");
  const [name, setName] = useState(t("destinations.name_default"));
  const add = useChange(async (host) => {
    await host.init();
    return host.addDestination(name.trim(), "local", { base_path: path });
  });
  const test = useQuestion((host, of: string) => host.testDestination(of));
  const submit = () => add.mutate(undefined, { onSuccess: (added) => test.mutate(added.name) });
  const ready = path.startsWith("/") && name.trim() !== "";

  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={t("destinations.add")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !add.data) submit();
        }}
      >
        <Stack>
          <PathField
            label={t("destinations.folder")}
            title={t("destinations.pick")}
            placeholder="/mnt/backups"
            value={path}
            disabled={add.isSuccess}
            autoFocus
            onChange={setPath}
          />
          <TextInput
            label={t("destinations.name")}
            value={name}
            disabled={add.isSuccess}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {add.error && <ProblemNote problem={add.error} />}
          {test.error && <ProblemNote problem={test.error} />}
          {test.data && <TestView report={test.data} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {add.isSuccess ? t("app.close") : t("app.cancel")}
            </Button>
            {!add.isSuccess && (
              <Button type="submit" disabled={!ready} loading={add.isPending}>
                {t("destinations.add_do")}
              </Button>
            )}
            {add.isSuccess && !test.data?.ok && (
              <Button loading={test.isPending} onClick={() => test.mutate(add.data.name)}>
                {t("destinations.test")}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function TestView({ report }: { report: TestReport }) {
  const { t } = useTranslation();
  return (
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
  );
}

/** A check that the page has no words for comes by its own name. */
function checkName(name: string, t: TFunction): string {
  return Object.hasOwn(en.destinations.checks, name)
    ? t(`destinations.checks.${name as keyof typeof en.destinations.checks}`)
    : sentence(name.replaceAll("_", " "));
}
