// Times, sizes and states as everybody shows them.
import { Badge, Tooltip } from "@mantine/core";
import { useInterval } from "@mantine/hooks";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ExecutionStatus } from "../bindings/ExecutionStatus";
import { ago, bytes, count, moment } from "../format";

/** Relative, with the exact time and zone on hover and for screen readers. */
export function When({ at }: { at: string | null }) {
  const { t, i18n } = useTranslation();
  const [now, setNow] = useState(Date.now);
  const tick = useInterval(() => setNow(Date.now()), 30_000);
  useEffect(() => {
    tick.start();
    return tick.stop;
  }, [tick.start, tick.stop]);
  if (!at) return <span className="quiet">{t("app.never")}</span>;
  return (
    <Tooltip label={moment(at, i18n.language)}>
      <time dateTime={at} title={moment(at, i18n.language)}>
        {ago(at, Math.max(now, Date.now()), i18n.language)}
      </time>
    </Tooltip>
  );
}

export function Size({ of }: { of: number | null }) {
  const { i18n } = useTranslation();
  return <span style={{ whiteSpace: "nowrap" }}>{of === null ? "–" : bytes(of, i18n.language)}</span>;
}

export function Count({ of }: { of: number | null }) {
  const { i18n } = useTranslation();
  return <span>{of === null ? "–" : count(of, i18n.language)}</span>;
}

const COLOURS: Record<ExecutionStatus, string> = {
  running: "blue",
  completed: "tide",
  partial: "yellow",
  failed: "red",
  interrupted: "orange",
  cancelled: "gray",
};

export function StatusPill({ status }: { status: ExecutionStatus }) {
  const { t } = useTranslation();
  return (
    <Badge color={COLOURS[status]} variant="light" tt="none" style={{ flex: "none" }}>
      {t(`status.${status}`)}
    </Badge>
  );
}
