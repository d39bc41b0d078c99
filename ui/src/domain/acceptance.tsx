// The second confirmation: what is to be accepted of an archive that is not surely this installation's.
import { Alert, Checkbox, List, Stack } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Accepted } from "../bindings/Accepted";
import type { ShowReport } from "../bindings/ShowReport";
import { sentence } from "../shared/problem";

interface Acceptance {
  /** Exactly what was shown and ticked. */
  accept: Accepted;
  /** Nothing is left to be ticked. */
  ready: boolean;
  /** Null where nothing asks for it. */
  boxes: ReactNode;
}

export function useAcceptance(report: ShowReport): Acceptance {
  const { t } = useTranslation();
  const [signer, setSigner] = useState(false);
  const [claims, setClaims] = useState(false);
  const asksSigner = report.signature === "none" || report.signature === "unknown";
  const asksClaims = report.claims_broken.length > 0;
  return {
    accept: {
      unsigned: report.signature === "none" && signer,
      signer: report.signature === "unknown" && signer ? report.key_id : null,
      mismatch: asksClaims && claims,
    },
    ready: (!asksSigner || signer) && (!asksClaims || claims),
    boxes: (asksSigner || asksClaims) && (
      <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />}>
        <Stack gap="sm">
          {asksSigner && (
            <Checkbox
              checked={signer}
              onChange={(event) => setSigner(event.currentTarget.checked)}
              label={
                report.signature === "none"
                  ? t("restore.unsigned")
                  : t("restore.unknown_signer", { key: report.key_id ?? "" })
              }
            />
          )}
          {asksClaims && (
            <>
              <Checkbox
                checked={claims}
                onChange={(event) => setClaims(event.currentTarget.checked)}
                label={t("restore.mismatch")}
              />
              <List size="sm" withPadding>
                {report.claims_broken.map((claim) => (
                  <List.Item key={claim}>{sentence(claim)}</List.Item>
                ))}
              </List>
            </>
          )}
        </Stack>
      </Alert>
    ),
  };
}
