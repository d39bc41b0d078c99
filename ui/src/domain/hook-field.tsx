// One command of an instance, and what it does when it is tried.
import { Button, Code, Group, Stack, Text, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { HookKind } from "../bindings/HookKind";
import type { Instance } from "../bindings/Instance";
import { useHost } from "../host";
import { useQuestion } from "../queries";
import { ProblemNote } from "../shared/states";
import type { Part } from "./instance-edit";

/** To a tenth: what a person would have counted. */
function seconds(value: number, language: string): string {
  return value.toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

export function HookField({ instance, hook, draft, set }: Part & { instance: Instance; hook: HookKind }) {
  const { t, i18n } = useTranslation();
  const host = useHost();
  const test = useQuestion((h, act: string) => h.testHook(act, instance.name, hook));
  const [cancelling, setCancelling] = useState(false);
  const line = draft.hooks[hook];
  const saved = instance.settings.hooks[hook];
  const name = t(`instances.hook_${hook}`);
  const unsaved = useId();
  return (
    <Stack gap="xs">
      <Group align="flex-end" wrap="nowrap" gap="sm">
        <TextInput
          flex={1}
          label={name}
          description={t(`instances.hook_${hook}_text`)}
          value={line}
          classNames={{ input: "mono" }}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            set({ hooks: { ...draft.hooks, [hook]: event.currentTarget.value } });
            test.reset();
          }}
        />
        <Button
          variant="default"
          aria-label={t("instances.hook_test_of", { name })}
          aria-describedby={line === saved ? undefined : unsaved}
          disabled={saved.trim() === "" || line !== saved}
          loading={test.isPending}
          onClick={() => {
            setCancelling(false);
            test.mutate(crypto.randomUUID());
          }}
        >
          {t("instances.hook_test")}
        </Button>
        {test.isPending && (
          <Button
            variant="default"
            aria-label={t("instances.hook_cancel_of", { name })}
            loading={cancelling}
            onClick={() => {
              setCancelling(true);
              void host.cancel(test.variables);
            }}
          >
            {t("instances.hook_cancel")}
          </Button>
        )}
      </Group>
      {line !== saved && (
        <Text id={unsaved} size="xs" className="quiet">
          {t("instances.hook_test_unsaved")}
        </Text>
      )}
      {test.error && <ProblemNote problem={test.error} />}
      {test.data?.problem && <ProblemNote problem={test.data.problem} />}
      {test.data && (
        <div role="status">
          <Text size="sm">
            {test.data.ok && `${t("instances.hook_test_good")} `}
            {t("instances.hook_test_took", { seconds: seconds(test.data.seconds, i18n.language) })}
          </Text>
          {test.data.output.trim() === "" ? (
            <Text size="xs" className="quiet">
              {t("instances.hook_test_silent")}
            </Text>
          ) : (
            <Code block mah={180} style={{ overflow: "auto" }}>
              {test.data.output}
            </Code>
          )}
        </div>
      )}
    </Stack>
  );
}
