// What stands where data will be: waiting, nothing, trouble.
import { Alert, Button, Center, Skeleton, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle, type TablerIcon } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import { ProblemText, problemWords } from "./problem";

/** The data, or what stands in its place: a skeleton of the same height, or the problem with a way to try again. */
export function Answered<T>(props: {
  of: UseQueryResult<T, Problem>;
  height: number;
  children: (data: T) => ReactNode;
}) {
  const { t } = useTranslation();
  const { of: query, height, children } = props;
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    return <ProblemNote problem={query.error} retry={() => void query.refetch()} />;
  }
  return <Skeleton height={height} radius="lg" role="status" aria-label={t("app.loading")} />;
}

/** What it means, the facts, what to do, and the code for whoever is asked for help. */
export function ProblemNote(props: { problem: Problem; retry?: () => void }) {
  const { t } = useTranslation();
  const { problem, retry } = props;
  return (
    <Alert
      role="alert"
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={problemWords(problem, t).title}
    >
      <ProblemText problem={problem}>
        {retry && (
          <Button size="compact-xs" variant="default" onClick={retry}>
            {t("app.retry")}
          </Button>
        )}
      </ProblemText>
    </Alert>
  );
}

export function Empty(props: { icon: TablerIcon; title: string; text: string; action?: ReactNode }) {
  const Icon = props.icon;
  return (
    <Center mih={260}>
      <Stack align="center" gap="sm" maw={420}>
        <ThemeIcon size={56} radius="xl" variant="light" aria-hidden>
          <Icon size={28} />
        </ThemeIcon>
        <Title order={2} size="h4" ta="center">
          {props.title}
        </Title>
        <Text className="quiet" ta="center">
          {props.text}
        </Text>
        {props.action}
      </Stack>
    </Center>
  );
}
