// Editing an instance: what is left out, how it is backed up, which commands run around it. Nothing changes before it is saved.
import { Alert, Button, Group, Modal, NumberInput, Stack, Tabs, Text, Textarea } from "@mantine/core";
import { IconAlertTriangle, IconTerminal2 } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Instance } from "../bindings/Instance";
import { useChange, useQuestion } from "../queries";
import { Choice } from "../shared/choice";
import { ProblemNote } from "../shared/states";
import { HookField } from "./hook-field";
import { changes, type Draft, draftOf, globs, isGood, LONGEST_BLOCK } from "./instance-draft";
import { ScanView } from "./scan-view";

export interface Part {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

export function InstanceEdit({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(() => draftOf(instance.settings));
  const save = useChange((host, changed: [string, string][]) => host.setInstance(instance.name, changed));
  const changed = changes(instance.settings, draft);
  const ready = changed.length > 0 && isGood(draft);
  const part: Part = { draft, set: (change) => setDraft((before) => ({ ...before, ...change })) };
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={t("instances.edit_title", { name: instance.name })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) save.mutate(changed, { onSuccess: onClose });
        }}
      >
        <Stack>
          <Tabs defaultValue="exclude">
            <Tabs.List mb="md">
              <Tabs.Tab value="exclude">{t("instances.tab_exclude")}</Tabs.Tab>
              <Tabs.Tab value="backup">{t("instances.tab_backup")}</Tabs.Tab>
              <Tabs.Tab value="hooks">{t("instances.tab_hooks")}</Tabs.Tab>
            </Tabs.List>
            <div className="tab-panels">
              <Tabs.Panel value="exclude">
                <Excludes instance={instance} {...part} />
              </Tabs.Panel>
              <Tabs.Panel value="backup">
                <How {...part} />
              </Tabs.Panel>
              <Tabs.Panel value="hooks">
                <Commands instance={instance} {...part} />
              </Tabs.Panel>
            </div>
          </Tabs>
          {save.error && <ProblemNote problem={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("app.cancel")}
            </Button>
            <Button type="submit" disabled={!ready} loading={save.isPending}>
              {t("instances.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Excludes({ instance, draft, set }: Part & { instance: Instance }) {
  const { t } = useTranslation();
  const preview = useQuestion((host, exclude: string[]) => host.scan(instance.path, instance.template, exclude));
  return (
    <Stack>
      <Textarea
        label={t("instances.exclude")}
        description={t("instances.exclude_text")}
        value={draft.exclude}
        placeholder={"logs/**\n*.tmp"}
        rows={5}
        classNames={{ input: "mono" }}
        spellCheck={false}
        data-autofocus
        onChange={(event) => {
          set({ exclude: event.currentTarget.value });
          // What was seen is not what these patterns would do.
          preview.reset();
        }}
      />
      <Group gap="md">
        <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate(globs(draft))}>
          {t("instances.preview")}
        </Button>
        {!preview.data && (
          <Text size="sm" className="quiet">
            {t("instances.preview_none")}
          </Text>
        )}
      </Group>
      {preview.error && <ProblemNote problem={preview.error} />}
      {preview.data && <ScanView scan={preview.data} name={instance.name} />}
    </Stack>
  );
}

function How({ draft, set }: Part) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Choice
        label={t("instances.compression")}
        text={t("instances.compression_text")}
        value={draft.compression}
        options={[
          ["gzip", "gzip"],
          ["zstd", "zstd"],
        ]}
        onChange={(compression) => set({ compression })}
      />
      <Choice
        label={t("instances.encryption")}
        text={t("instances.encryption_text")}
        value={draft.encryption}
        options={[
          ["recipients", t("instances.encryption_recipients")],
          ["none", t("instances.encryption_none")],
        ]}
        onChange={(encryption) => set({ encryption })}
      />
      {draft.encryption === "none" && (
        <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />}>
          {t("instances.encryption_warning")}
        </Alert>
      )}
      <Choice
        label={t("instances.check")}
        text={t("instances.check_text")}
        value={draft.check}
        options={[
          ["quick", t("instances.check_quick")],
          ["full", t("instances.check_full")],
        ]}
        onChange={(check) => set({ check })}
      />
      <NumberInput
        label={t("instances.max_block")}
        description={t("instances.max_block_text")}
        value={draft.max_block_ms}
        min={LONGEST_BLOCK.least}
        max={LONGEST_BLOCK.most}
        step={500}
        allowDecimal={false}
        maw={420}
        onChange={(max_block_ms) => set({ max_block_ms })}
      />
      <Choice
        label={t("instances.when_busy")}
        value={draft.when_busy}
        options={[
          ["fail", t("instances.busy_fail")],
          ["wait", t("instances.busy_wait")],
        ]}
        onChange={(when_busy) => set({ when_busy })}
      />
    </Stack>
  );
}

function Commands({ instance, draft, set }: Part & { instance: Instance }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Alert
        color="orange"
        variant="light"
        icon={<IconTerminal2 aria-hidden />}
        title={t("instances.hooks_warning")}
        role="note"
      >
        {t("instances.hooks_warning_text")}
      </Alert>
      {(["before", "after", "stop", "start"] as const).map((hook) => (
        <HookField key={hook} {...{ instance, hook, draft, set }} />
      ))}
    </Stack>
  );
}
