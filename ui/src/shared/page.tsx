// The frame of a room: its heading, what can be done in it, its content.
import { Card, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function Page(props: { title: string; text?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="md">
        <div style={{ flex: "1 1 340px" }}>
          <Title order={1} size="h2">
            {props.title}
          </Title>
          {props.text && (
            <Text className="quiet" maw={640} mt={4}>
              {props.text}
            </Text>
          )}
        </div>
        {props.actions && <Group gap="sm">{props.actions}</Group>}
      </Group>
      {props.children}
    </Stack>
  );
}

export function Section(props: { title?: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Card className="card" padding="lg" radius="lg" component="section" aria-label={props.title}>
      {props.title && (
        <Group justify="space-between" mb="sm">
          <Title order={2} size="h4">
            {props.title}
          </Title>
          {props.aside}
        </Group>
      )}
      {props.children}
    </Card>
  );
}

/** Facts as a list of names and values. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
