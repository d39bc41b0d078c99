// What stays and what goes, on a calendar. Loaded when it is needed.
import { Calendar, DatesProvider } from "@mantine/dates";
import "@mantine/dates/styles.css";
import "dayjs/locale/de";
import { useTranslation } from "react-i18next";
import type { RetentionReport } from "../bindings/RetentionReport";
import { type Day, daysOf } from "./retention-days";

export default function RetentionCalendar({ report }: { report: RetentionReport }) {
  const { t, i18n } = useTranslation();
  const days = daysOf(report);
  const newest = [...days.keys()].sort().at(-1);
  const words = (date: string, day: Day) => {
    const parts = [
      day.keep > 0 && t("retention.stay", { count: day.keep }),
      day.go > 0 && t("retention.go", { count: day.go }),
      day.foreign > 0 && t("retention.foreign", { count: day.foreign }),
    ];
    return `${date}: ${parts.filter(Boolean).join(", ")}`;
  };
  if (!newest) return null;
  return (
    <DatesProvider settings={{ locale: i18n.language.startsWith("de") ? "de" : "en" }}>
      <Calendar
        static
        defaultDate={newest}
        maxLevel="month"
        numberOfColumns={1}
        weekendDays={[]}
        ariaLabels={{ previousMonth: t("retention.month_before"), nextMonth: t("retention.month_after") }}
        getDayProps={(date) => {
          const day = days.get(date);
          return day ? { title: words(date, day), "aria-label": words(date, day) } : {};
        }}
        renderDay={(date) => {
          const day = days.get(date);
          return (
            <span
              className="kept-day"
              data-keep={day ? day.keep > 0 : undefined}
              data-go={day ? day.go > 0 : undefined}
            >
              {Number(date.slice(-2))}
              {day && <Marks day={day} />}
            </span>
          );
        }}
      />
    </DatesProvider>
  );
}

function Marks({ day }: { day: Day }) {
  return (
    <span className="kept-marks" aria-hidden>
      {day.keep > 0 && <i data-mark="keep" />}
      {day.go > 0 && <i data-mark="go" />}
      {day.foreign > 0 && <i data-mark="foreign" />}
    </span>
  );
}
