// Saving the recovery kit. That it was saved is remembered by the recipient it opens: new keys ask for a new kit.
import { useTranslation } from "react-i18next";
import type { PublicKeys } from "../bindings/PublicKeys";
import { useChange } from "../queries";

const SAVED = "holdfast.kit-saved";

export function kitIsSaved(keys: PublicKeys | null): boolean {
  return keys !== null && localStorage.getItem(SAVED) === keys.recipient;
}

export function useSaveKit() {
  const { t } = useTranslation();
  const change = useChange(async (host, title: string) => {
    const keys = await host.init();
    const path = await host.saveFile(title, "holdfast-recovery-kit.txt");
    if (path === null) return null;
    await host.exportKit(path);
    localStorage.setItem(SAVED, keys.recipient);
    return path;
  });
  return {
    save: () => change.mutate(t("keys.kit_pick")),
    busy: change.isPending,
    problem: change.error,
    path: change.data ?? null,
  };
}
