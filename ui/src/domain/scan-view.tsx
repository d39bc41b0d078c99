// What would be backed up in a folder: components, where they are, who may read and write them.
import { Badge, Button, Collapse, Group, Stack, Table, Text } from "@mantine/core";
import { IconAdjustments, IconChevronDown, IconDatabase, IconFiles } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ComponentKind } from "../bindings/ComponentKind";
import type { LeftOut } from "../bindings/LeftOut";
import type { Scan } from "../bindings/Scan";
import type { ScannedSource } from "../bindings/ScannedSource";
import type { Warning } from "../bindings/Warning";
import { bytes } from "../format";
import { en } from "../i18n/en";
import { sentence } from "../shared/problem";
import { Size } from "../shared/words";

export const KIND_ICONS = { database: IconDatabase, config: IconAdjustments, files: IconFiles };

/** `name`: of the instance, for those who do not see where they are. */
export function ScanView({ scan, name }: { scan: Scan; name: string }) {
  const { t, i18n } = useTranslation();
  const [open, setOpen] = useState(false);
  const total = scan.components.reduce((sum, c) => sum + c.size_bytes, 0);
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Badge variant="light" tt="none">
          {t(`instances.${scan.template}`)}
        </Badge>
        <Text size="sm" className="quiet">
          {t("instances.total", { count: scan.components.length, size: bytes(total, i18n.language) })}
        </Text>
        {scan.left_out.length > 0 && (
          <Button
            size="compact-sm"
            variant="subtle"
            color="gray"
            aria-expanded={open}
            aria-label={t("instances.left_out_show", { name })}
            rightSection={<IconChevronDown size={14} aria-hidden style={{ rotate: open ? "180deg" : "0deg" }} />}
            onClick={() => setOpen(!open)}
          >
            {t("instances.left_out", { count: scan.left_out.length })}
          </Button>
        )}
      </Group>
      <Collapse expanded={open}>
        <LeftOutList of={scan.left_out} />
      </Collapse>
      <div className="scroll">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("instances.component")}</Table.Th>
              <Table.Th>{t("instances.where")}</Table.Th>
              <Table.Th ta="right">{t("instances.size")}</Table.Th>
              <Table.Th>{t("instances.access")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {scan.components.map((component) => (
              <Table.Tr key={component.name}>
                <Table.Td>
                  <ComponentName name={component.name} kind={component.kind} />
                </Table.Td>
                <Table.Td className="mono">
                  {component.sources.map((source) => (
                    <div key={source.path}>{source.path}</div>
                  ))}
                </Table.Td>
                <Table.Td ta="right">
                  <Size of={component.size_bytes} />
                </Table.Td>
                <Table.Td>
                  <Access sources={component.sources} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
      <Warnings of={scan.warnings} />
    </Stack>
  );
}

const SHOWN = 200;

function LeftOutList({ of }: { of: LeftOut[] }) {
  const { t } = useTranslation();
  const reason = (code: string) =>
    Object.hasOwn(en.instances.reason, code)
      ? t(`instances.reason.${code as keyof typeof en.instances.reason}`)
      : code.replaceAll("_", " ");
  return (
    <Stack gap={4}>
      {of.slice(0, SHOWN).map(({ path, reason: why }) => (
        <Text key={path} size="sm">
          <span className="mono">{path}</span> <span className="quiet">· {reason(why)}</span>
        </Text>
      ))}
      {of.length > SHOWN && <Text className="quiet">…</Text>}
    </Stack>
  );
}

export function ComponentName({ name, kind }: { name: string; kind: ComponentKind }) {
  const { t } = useTranslation();
  const Icon = KIND_ICONS[kind];
  return (
    <Group gap={8} wrap="nowrap">
      <Icon size={18} role="img" aria-label={t(`instances.${kind}`)} style={{ flex: "none" }} />
      <Text fw={600} size="sm">
        {name}
      </Text>
    </Group>
  );
}

/** The worst of its sources. */
function Access({ sources }: { sources: ScannedSource[] }) {
  const { t } = useTranslation();
  const owners = [...new Set(sources.map((s) => s.owner))].join(", ");
  const [words, colour] = !sources.every((s) => s.readable)
    ? [t("instances.no_read"), "red"]
    : !sources.every((s) => s.writable)
      ? [t("instances.ro"), "yellow"]
      : [t("instances.rw"), "gray"];
  return (
    <Badge variant="light" color={colour} tt="none" title={t("instances.owner", { owner: owners })}>
      {words}
    </Badge>
  );
}

export function Warnings({ of }: { of: Pick<Warning, "code" | "message" | "component">[] }) {
  return of.map((warning) => (
    <Text key={`${warning.code} ${warning.component} ${warning.message}`} size="sm" c="orange" role="note">
      {warning.component && <strong>{warning.component}: </strong>}
      {sentence(warning.message)}
    </Text>
  ));
}
