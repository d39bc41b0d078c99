// What an archive says of itself, and who vouches for it.
import { Alert, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { ShowReport } from "../bindings/ShowReport";
import { moment } from "../format";
import { Facts } from "../shared/page";
import { sentence } from "../shared/problem";
import { Size } from "../shared/words";
import { Warnings } from "./scan-view";

export function ArchiveFacts({ report }: { report: ShowReport }) {
  const { t, i18n } = useTranslation();
  const { backup_metadata: made, warnings } = report.manifest;
  const trusted = report.signature === "this-installation" || report.signature === "known";
  return (
    <Stack>
      <Facts
        facts={[
          [
            t("history.archive"),
            <span key="a" className="mono">
              {made.archive_name}
            </span>,
          ],
          [t("restore.made"), moment(made.timestamp_utc, i18n.language)],
          [t("restore.of"), `${made.instance_name} (${made.hostname})`],
          [t("history.file"), <Size key="f" of={report.compressed_size_bytes} />],
          ...(made.comment ? [[t("backup.comment"), made.comment] as [string, string]] : []),
          [t("restore.signed"), <Signed key="s" report={report} />],
        ]}
      />
      {(!trusted || report.claims_broken.length > 0) && (
        <Alert color="orange" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />}>
          <Text fw={600}>
            {t("restore.signed")} <Signed report={report} />
          </Text>
          {report.claims_broken.map((claim) => (
            <Text key={claim} size="sm">
              {sentence(claim)}
            </Text>
          ))}
        </Alert>
      )}
      <Warnings of={warnings} />
    </Stack>
  );
}

function Signed({ report }: { report: ShowReport }) {
  const { t } = useTranslation();
  const key = report.key_id ?? "";
  switch (report.signature) {
    case "this-installation":
      return t("restore.sig_this");
    case "known":
      return t("restore.sig_known", { key });
    case "unknown":
      return t("restore.sig_unknown", { key });
    case "none":
      return t("restore.sig_none");
  }
}
