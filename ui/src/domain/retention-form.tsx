// Which archives of a destination stay: the policy, what it would do before it is saved, and doing it.
import {
  Alert,
  Badge,
  Button,
  Checkbox,
  Group,
  Modal,
  NumberInput,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle, IconTrash } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useActs } from "../acts";
import type { RetentionPolicy } from "../bindings/RetentionPolicy";
import type { RetentionReport } from "../bindings/RetentionReport";
import type { Shrunk } from "../bindings/Shrunk";
import { moment } from "../format";
import { useChange, useRetention, useRetentionPreview } from "../queries";
import { Choice } from "../shared/choice";
import { Fold } from "../shared/fold";
import { Answered, ProblemNote } from "../shared/states";
import { Size } from "../shared/words";
import { COUNTS, changesOf, draftOf, isGood, mostOf, type RetentionDraft, STRATEGIES } from "./retention-draft";
import { useReasons } from "./retention-reasons";

const RetentionCalendar = lazy(() => import("./retention-calendar"));

/** Long enough to type a number. */
const SETTLED_MS = 400;
const SHOWN = 50;

export function RetentionForm({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const policy = useRetention(name);
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={t("retention.title", { name })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Answered of={policy} height={420}>
        {({ policy }) => <Form name={name} policy={policy} onClose={onClose} />}
      </Answered>
    </Modal>
  );
}

function Form({ name, policy, onClose }: { name: string; policy: RetentionPolicy | null; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(() => draftOf(policy));
  const [settled] = useDebouncedValue(draft, SETTLED_MS);
  const good = isGood(draft);
  const [shrunk, setShrunk] = useState<Shrunk>("stops");
  const preview = useRetentionPreview(name, isGood(settled) ? changesOf(settled) : null, shrunk);
  const save = useChange((host, changes: [string, string][]) => host.setRetention(name, changes));
  const apply = useApply(name, shrunk, onClose);
  const going = preview.data?.delete.length ?? 0;
  const submit = (then: () => void) => save.mutate(changesOf(draft), { onSuccess: then });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (good) submit(onClose);
      }}
    >
      <Stack>
        <Choice
          label={t("retention.strategy")}
          text={t(`retention.about.${draft.strategy}`)}
          value={draft.strategy}
          options={STRATEGIES.map((strategy) => [strategy, t(`retention.strategies.${strategy}`)])}
          onChange={(strategy) => setDraft({ ...draft, strategy })}
        />
        <Counts draft={draft} onChange={setDraft} />
        {preview.error && <ProblemNote problem={preview.error} retry={() => void preview.refetch()} />}
        {preview.data && good && <Preview report={preview.data} />}
        {preview.data && good && <ShrinkSeen report={preview.data} shrunk={shrunk} onChange={setShrunk} />}
        {preview.isPending && good && <Skeleton height={280} radius="lg" role="status" aria-label={t("app.loading")} />}
        {save.error && <ProblemNote problem={save.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
          {going > 0 && (
            <Button
              color="red"
              variant="outline"
              leftSection={<IconTrash size={18} aria-hidden />}
              disabled={!good || settled !== draft || preview.isFetching}
              loading={save.isPending}
              onClick={() => submit(apply)}
            >
              {t("retention.save_and_apply", { count: going })}
            </Button>
          )}
          <Button type="submit" disabled={!good} loading={save.isPending}>
            {t("retention.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Deletes what the saved policy lets go, as an act that can be watched. */
function useApply(name: string, shrunk: Shrunk, onStarted: () => void) {
  const { t } = useTranslation();
  const { start, notify } = useActs();
  return () => {
    onStarted();
    const failed = t("retention.apply_failed", { name });
    void start((host, act) => host.applyRetention(act, name, shrunk), failed).then((report) => {
      if (!report) return;
      const lines = report.failed.map((f) => `${f.archive}: ${f.problem.message}`);
      const count = report.delete.length;
      const title = t("retention.applied", { count, name });
      notify({ tone: lines.length > 0 ? "warning" : "good", title, lines });
    });
  };
}

function Counts({ draft, onChange }: { draft: RetentionDraft; onChange: (draft: RetentionDraft) => void }) {
  const { t } = useTranslation();
  if (draft.strategy === "all") return null;
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      {COUNTS[draft.strategy].map((count) => (
        <NumberInput
          key={count}
          label={t(`retention.counts.${count}`)}
          description={
            count === "levels"
              ? t("retention.levels_text", { days: 2 ** (Number(draft.counts.levels) - 1 || 0) })
              : undefined
          }
          value={draft.counts[count]}
          min={1}
          max={mostOf(count)}
          allowDecimal={false}
          allowNegative={false}
          clampBehavior="none"
          onChange={(n) => onChange({ ...draft, counts: { ...draft.counts, [count]: n } })}
        />
      ))}
      <NumberInput
        label={t("retention.floor")}
        description={t("retention.floor_text")}
        value={draft.floor}
        min={1}
        allowDecimal={false}
        allowNegative={false}
        clampBehavior="none"
        onChange={(floor) => onChange({ ...draft, floor })}
      />
    </SimpleGrid>
  );
}

function Preview({ report }: { report: RetentionReport }) {
  const { t } = useTranslation();
  const freed = report.delete.reduce((sum, row) => sum + row.compressed_size_bytes, 0);
  const reasons = useReasons();
  return (
    <Stack gap="sm" role="region" aria-label={t("retention.preview")}>
      <Group gap="xs">
        <Badge color="tide" variant="light" tt="none" size="lg">
          {t("retention.stay", { count: report.keep.length })}
        </Badge>
        <Badge color={report.delete.length > 0 ? "red" : "gray"} variant="light" tt="none" size="lg">
          {t("retention.go", { count: report.delete.length })}
        </Badge>
        {report.foreign.length > 0 && (
          <Badge color="gray" variant="light" tt="none" size="lg">
            {t("retention.foreign", { count: report.foreign.length })}
          </Badge>
        )}
        {freed > 0 && (
          <Text size="sm" className="quiet">
            {t("retention.freed")} <Size of={freed} />
          </Text>
        )}
      </Group>
      <Group align="flex-start" gap="lg">
        <Suspense fallback={<Skeleton height={280} width={260} />}>
          <RetentionCalendar report={report} />
        </Suspense>
        <Stack gap="xs" flex={1} miw={260}>
          <Rows
            title={t("retention.these_go")}
            rows={report.delete.map((row) => ({ ...row, why: reasons.gone(row) }))}
          />
          <Rows
            title={t("retention.these_stay")}
            rows={report.keep.map((row) => ({ ...row, why: reasons.kept(row) }))}
          />
          <Rows
            title={t("retention.these_are_foreign")}
            rows={report.foreign.map((row) => ({ ...row, why: reasons.foreign(row) }))}
          />
        </Stack>
      </Group>
      {report.missing.length > 0 && (
        <Alert color="orange" variant="light">
          {t("retention.missing", { count: report.missing.length })}
        </Alert>
      )}
    </Stack>
  );
}

/** Where a backup lost most of a table nothing goes, until somebody says here that it may. */
function ShrinkSeen(props: { report: RetentionReport; shrunk: Shrunk; onChange: (shrunk: Shrunk) => void }) {
  const { t } = useTranslation();
  const { report, shrunk, onChange } = props;
  const count = report.keep.filter((row) => row.reason === "shrunk").length;
  if (count === 0 && shrunk === "stops") return null;
  return (
    <Alert color="orange" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />}>
      <Stack gap="xs">
        <Text size="sm">{t("retention.shrunk_text")}</Text>
        <Checkbox
          label={t("retention.shrunk_seen")}
          checked={shrunk === "accepted"}
          onChange={(event) => onChange(event.currentTarget.checked ? "accepted" : "stops")}
        />
      </Stack>
    </Alert>
  );
}

interface Row {
  archive: string;
  instance: string;
  created_at: string;
  compressed_size_bytes: number;
  why: string;
}

function Rows({ title, rows }: { title: string; rows: Row[] }) {
  const { t, i18n } = useTranslation();
  if (rows.length === 0) return null;
  return (
    <Fold title={title} text={t("retention.archives", { count: rows.length })} label={title} aside={null}>
      {() => (
        <Stack p="sm" pt={0} gap={6}>
          {rows.slice(0, SHOWN).map((row) => (
            <div key={row.archive}>
              <Text size="sm">
                {row.instance} · {moment(row.created_at, i18n.language)} · <Size of={row.compressed_size_bytes} />
              </Text>
              <Text size="xs" className="quiet">
                {row.why}
              </Text>
            </div>
          ))}
          {rows.length > SHOWN && (
            <Text size="xs" className="quiet">
              {t("retention.and_more", { count: rows.length - SHOWN })}
            </Text>
          )}
        </Stack>
      )}
    </Fold>
  );
}
