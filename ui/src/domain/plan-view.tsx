// What a restore would change, component by component, in the user's terms: rows, settings, files.
import { Badge, Group, Stack, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ComponentPlan } from "../bindings/ComponentPlan";
import type { PlanAction } from "../bindings/PlanAction";
import type { RestorePlan } from "../bindings/RestorePlan";
import { bytes } from "../format";
import { Section } from "../shared/page";
import { Count } from "../shared/words";
import { ComponentName, Warnings } from "./scan-view";

const COLOURS: Record<PlanAction, string> = { create: "tide", replace: "orange", unchanged: "gray", blocked: "red" };

export function PlanView({ plan }: { plan: RestorePlan }) {
  const { t, i18n } = useTranslation();
  return (
    <Stack>
      <Text className="quiet">
        {t("restore.fetch", { size: bytes(plan.fetch_bytes, i18n.language) })} ·{" "}
        {t("restore.space", { size: bytes(plan.space_needed_bytes, i18n.language) })}
      </Text>
      {plan.components.map((component) => (
        <ComponentView key={component.name} component={component} />
      ))}
    </Stack>
  );
}

function ComponentView({ component }: { component: ComponentPlan }) {
  const { t } = useTranslation();
  return (
    <Section>
      <Stack gap="sm">
        <Group justify="space-between">
          <ComponentName name={component.name} kind={component.kind} />
          <Badge variant="light" tt="none" color={COLOURS[component.action]}>
            {t(`restore.${component.action}`)}
          </Badge>
        </Group>
        <Text className="mono quiet">{component.targets.join(", ")}</Text>
        <Rows component={component} />
        {component.settings.length > 0 && (
          <Compare head={[t("restore.setting"), t("restore.value_now"), t("restore.value_then")]}>
            {component.settings.map((change) => (
              <Table.Tr key={change.setting}>
                <Table.Td className="mono">{change.setting}</Table.Td>
                <Table.Td className="mono">{change.live ?? "–"}</Table.Td>
                <Table.Td className="mono">{change.archive ?? "–"}</Table.Td>
              </Table.Tr>
            ))}
          </Compare>
        )}
        {component.files && (
          <Stack gap={4}>
            <Files label={t("restore.appear", { count: component.files.appear })} names={component.files.appearing} />
            <Files label={t("restore.change", { count: component.files.change })} names={component.files.changing} />
            <Files label={t("restore.go", { count: component.files.go })} names={component.files.going} />
          </Stack>
        )}
        <Warnings of={component.warnings} />
      </Stack>
    </Section>
  );
}

/** Tables whose number of rows differs or is not known; the equal ones are counted. */
function Rows({ component }: { component: ComponentPlan }) {
  const { t } = useTranslation();
  const all = Object.entries(component.tables);
  const differing = all.filter(([, rows]) => rows.live === null || rows.live !== rows.archive);
  const equal = all.length - differing.length;
  return (
    <>
      {differing.length > 0 && (
        <Compare head={[t("restore.table"), t("restore.rows_now"), t("restore.rows_then")]} numbers>
          {differing.map(([table, rows]) => (
            <Table.Tr key={table}>
              <Table.Td className="mono">{table}</Table.Td>
              <Table.Td ta="right">
                <Count of={rows.live} />
              </Table.Td>
              <Table.Td ta="right" fw={600}>
                <Count of={rows.archive} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Compare>
      )}
      {equal > 0 && (
        <Text size="sm" className="quiet">
          {t("restore.same_tables", { count: equal })}
        </Text>
      )}
    </>
  );
}

function Compare(props: { head: [string, string, string]; numbers?: true; children: ReactNode }) {
  const side = props.numbers ? "right" : "left";
  const [what, now, then] = props.head;
  return (
    <div className="scroll">
      <Table maw={640} verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{what}</Table.Th>
            <Table.Th ta={side}>{now}</Table.Th>
            <Table.Th ta={side}>{then}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{props.children}</Table.Tbody>
      </Table>
    </div>
  );
}

function Files({ label, names }: { label: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <details>
      <summary>{label}</summary>
      <ul className="mono">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </details>
  );
}
