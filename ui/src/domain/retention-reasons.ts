// Why an archive stays, goes, or is none of a policy's business, in the words of the page.
import { useTranslation } from "react-i18next";
import type { DeleteReason } from "../bindings/DeleteReason";
import type { ForeignReason } from "../bindings/ForeignReason";
import type { KeepReason } from "../bindings/KeepReason";

export function useReasons() {
  const { t } = useTranslation();
  return {
    kept: (why: KeepReason): string => {
      switch (why.reason) {
        case "last":
          return t("retention.kept.last", { n: why.n });
        case "younger":
          return t("retention.kept.younger", { count: why.days });
        case "daily":
        case "weekly":
        case "monthly":
        case "yearly":
          return t(`retention.kept.${why.reason}`, { bucket: why.bucket });
        case "hanoi":
          return t("retention.kept.hanoi", { level: why.level });
        case "clock":
          return t(`retention.kept.clock_${why.doubt}`);
        default:
          return t(`retention.kept.${why.reason}`);
      }
    },
    gone: ({ reason }: DeleteReason): string => t(`retention.gone.${reason}`),
    foreign: ({ reason }: ForeignReason): string => t(`retention.strange.${reason}`),
  };
}
