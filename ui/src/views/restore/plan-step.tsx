// What would change, before anything does.
import { Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Problem } from "../../bindings/Problem";
import type { RestorePlan } from "../../bindings/RestorePlan";
import { PlanView } from "../../domain/plan-view";
import { useHost } from "../../host";
import { Answered } from "../../shared/states";
import type { Choice } from ".";

export function PlanStep({ choice, onBack, onGo }: { choice: Choice; onBack: () => void; onGo: () => void }) {
  const { t } = useTranslation();
  const host = useHost();
  // Never from memory: the live files may have changed since.
  const plan = useQuery<RestorePlan, Problem>({
    queryKey: ["plan", choice],
    queryFn: () => host.plan(choice.archive, choice.instance, choice.components),
    gcTime: 0,
    staleTime: 0,
  });
  const actions = plan.data?.components.map((c) => c.action) ?? [];
  const blocked = actions.includes("blocked");
  const nothing = plan.data !== undefined && actions.every((a) => a === "unchanged");
  return (
    <Stack>
      <Answered of={plan} height={320}>
        {(data) => <PlanView plan={data} />}
      </Answered>
      {nothing && <Text fw={600}>{t("restore.nothing")}</Text>}
      <Group>
        <Button variant="default" onClick={onBack}>
          {t("app.back")}
        </Button>
        <Button disabled={!plan.data || plan.isFetching || blocked || nothing} onClick={onGo}>
          {t("app.next")}
        </Button>
      </Group>
    </Stack>
  );
}
