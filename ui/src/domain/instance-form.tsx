// Adding an instance: the folder, what was found in it, a name.
import { Button, Group, Modal, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { IconFolder } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChange, useQuestion } from "../queries";
import { ProblemNote } from "../shared/states";
import { ScanView } from "./scan-view";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export function isName(name: string): boolean {
  return NAME.test(name);
}

/** Opens the folder dialog at once; a dismissed one closes it again. */
export function InstanceForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [path, setPath] = useState<string | null>(null);
  const [name, setName] = useState("");
  const scan = useQuestion((host, dir: string) => host.scan(dir));
  const pick = useQuestion((host, title: string) => host.pickFolder(title));
  const add = useChange(async (host, dir: string) => {
    await host.init();
    return host.addInstance(name, dir);
  });
  const choose = () =>
    pick.mutate(t("instances.pick"), {
      onSuccess: (picked) => {
        if (picked === null) return path === null ? onClose() : undefined;
        setPath(picked);
        setName(nameOf(picked));
        scan.mutate(picked);
      },
    });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog opens once, with the form.
  useEffect(() => {
    choose();
  }, []);

  const good = isName(name);
  if (path === null && !pick.error) return null;
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={t("instances.add")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (good && path) add.mutate(path, { onSuccess: onClose });
        }}
      >
        <Stack>
          <Group justify="space-between" wrap="nowrap">
            <Group gap={8} wrap="nowrap" className="mono">
              <IconFolder size={18} aria-hidden style={{ flex: "none" }} />
              {path}
            </Group>
            <Button variant="default" onClick={choose} loading={pick.isPending}>
              {t("destinations.choose")}
            </Button>
          </Group>
          {scan.isPending && <Skeleton height={220} role="status" aria-label={t("instances.scanning")} />}
          {scan.error && <ProblemNote problem={scan.error} />}
          {pick.error && <ProblemNote problem={pick.error} />}
          {scan.data && (
            <>
              <Text fw={600}>{t("instances.scan")}</Text>
              <ScanView scan={scan.data} name={name} />
              <TextInput
                label={t("instances.name")}
                description={t("instances.name_text")}
                value={name}
                error={good ? null : t("instances.name_bad")}
                onChange={(event) => setName(event.currentTarget.value)}
                maw={420}
                spellCheck={false}
                data-autofocus
              />
              {add.error && <ProblemNote problem={add.error} />}
              <Group justify="flex-end">
                <Button variant="default" onClick={onClose}>
                  {t("app.cancel")}
                </Button>
                <Button type="submit" disabled={!good} loading={add.isPending}>
                  {t("instances.add_do")}
                </Button>
              </Group>
            </>
          )}
        </Stack>
      </form>
    </Modal>
  );
}

/** A folder's last part, as far as it may be a name. */
export function nameOf(path: string): string {
  const last = path.split("/").filter(Boolean).at(-1) ?? "";
  return last
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
}
