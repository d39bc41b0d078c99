// What stands in the place of a room that broke: never an empty window.
import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "./states";

/** Give it a key that changes where one goes elsewhere: then it begins anew. */
export class Boundary extends Component<{ children: ReactNode }, { broken: string | null }> {
  override state = { broken: null };

  static getDerivedStateFromError(thrown: unknown) {
    return { broken: String(thrown) };
  }

  override render() {
    const { broken } = this.state;
    return broken === null ? this.props.children : <Broken what={broken} />;
  }
}

function Broken({ what }: { what: string }) {
  const { t } = useTranslation();
  return (
    <div role="alert">
      <Empty
        icon={IconAlertTriangle}
        title={t("app.broken")}
        text={t("app.broken_text", { what })}
        action={<Button onClick={() => location.reload()}>{t("app.broken_do")}</Button>}
      />
    </div>
  );
}
