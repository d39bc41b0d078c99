// The frame: rooms at the side, the open room, the dock over both.
import { NavLink } from "@mantine/core";
import {
  IconAnchor,
  IconArchive,
  IconArrowBackUp,
  IconCalendarClock,
  IconHistory,
  IconKey,
  IconServer2,
  IconSettings,
  type TablerIcon,
} from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Dock } from "./domain/dock";
import { Mark } from "./domain/mark";
import { type Room, useNavigation } from "./navigation";
import { usePreferences } from "./preferences";
import { Boundary } from "./shared/boundary";
import { DestinationArchives } from "./views/destination-archives";
import { Destinations } from "./views/destinations";
import { History } from "./views/history";
import { Instances } from "./views/instances";
import { Keys } from "./views/keys";
import { Overview } from "./views/overview";
import { Restore } from "./views/restore";
import { Schedules } from "./views/schedules";
import { Settings } from "./views/settings";

const ROOMS: [Room, TablerIcon][] = [
  ["overview", IconAnchor],
  ["instances", IconServer2],
  ["destinations", IconArchive],
  ["schedules", IconCalendarClock],
  ["history", IconHistory],
  ["restore", IconArrowBackUp],
  ["keys", IconKey],
  ["settings", IconSettings],
];

export function App() {
  const { t } = useTranslation();
  const { where, go } = useNavigation();
  usePreferences();
  const content = useRef<HTMLElement>(null);
  const first = useRef(true);
  // A new room starts at its top, for eyes and for screen readers.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of room that matters.
  useEffect(() => {
    if (!first.current) content.current?.focus();
    first.current = false;
    document.scrollingElement?.scrollTo?.({ top: 0 });
  }, [where]);
  return (
    <div className="frame">
      <a className="skip" href="#content">
        {t("app.skip")}
      </a>
      <nav className="rooms" aria-label={t("app.rooms")}>
        <div className="mark">
          <Mark />
          <span>Holdfast</span>
        </div>
        {ROOMS.map(([room, Icon]) => (
          <NavLink
            key={room}
            component="button"
            type="button"
            className="room"
            active={where.room === room}
            aria-current={where.room === room ? "page" : undefined}
            title={t(`app.${room}`)}
            label={t(`app.${room}`)}
            leftSection={<Icon size={20} aria-hidden />}
            onClick={() => go({ room })}
          />
        ))}
      </nav>
      <main className="content" id="content" ref={content} tabIndex={-1}>
        <Boundary key={JSON.stringify(where)}>
          <Open />
        </Boundary>
      </main>
      <Dock />
    </div>
  );
}

function Open() {
  const { where } = useNavigation();
  switch (where.room) {
    case "overview":
      return <Overview />;
    case "instances":
      return <Instances key={String(where.add)} add={where.add ?? false} />;
    case "destinations":
      return where.archives === undefined ? (
        <Destinations key={String(where.add)} add={where.add ?? false} />
      ) : (
        <DestinationArchives key={where.archives} name={where.archives} />
      );
    case "schedules":
      return <Schedules key={String(where.add)} add={where.add ?? false} />;
    case "history":
      return <History />;
    case "restore":
      return <Restore key={`${where.archive} ${where.instance}`} archive={where.archive} instance={where.instance} />;
    case "keys":
      return <Keys />;
    case "settings":
      return <Settings />;
  }
}
