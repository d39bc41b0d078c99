// Sizes, times and pace in words. Pure: the time now and the language are arguments.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n: number, language: string): string {
  let unit = 0;
  let value = n;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return `${number} ${UNITS[unit]}`;
}

export function count(n: number, language: string): string {
  return new Intl.NumberFormat(language).format(n);
}

/** Date and time in the local zone, which is named. */
export function moment(rfc3339: string, language: string): string {
  return new Intl.DateTimeFormat(language, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(rfc3339));
}

/** Date and time on the clock of a zone; of UTC where the page does not know it. */
export function zoned(rfc3339: string, zone: string, language: string): string {
  return on(zone, language, { weekday: "short", year: "numeric", month: "short", day: "numeric" }).format(
    new Date(rfc3339),
  );
}

/** The time alone where `other` is the same day there. */
export function zonedNear(rfc3339: string, other: string, zone: string, language: string): string {
  const time = on(zone, language, {}).format(new Date(rfc3339));
  const [whole, near] = [zoned(rfc3339, zone, language), zoned(other, zone, language)];
  return whole.slice(0, -time.length) === near.slice(0, -time.length) ? time : whole;
}

/** The zone whose clock `zoned` shows. */
export function shownZone(zone: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

function on(zone: string, language: string, day: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, {
    ...day,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: shownZone(zone),
  });
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** `3 hours ago`, `in 2 days`. */
export function ago(rfc3339: string, now: number, language: string): string {
  const seconds = (new Date(rfc3339).getTime() - now) / 1000;
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
  return step ? words.format(Math.trunc(seconds / step[1]), step[0]) : words.format(0, "second");
}

export interface Sample {
  at: number;
  done: number;
}

export interface Pace {
  bytesPerSecond: number;
  /** Null where the end is not known. */
  secondsLeft: number | null;
}

/** From the samples of the last seconds; null until there are two that differ in time. */
export function pace(samples: Sample[], total: number): Pace | null {
  const last = samples.at(-1);
  const first = last && samples.find((s) => last.at - s.at <= 5000);
  if (!last || !first || last.at - first.at < 200 || last.done <= first.done) return null;
  const bytesPerSecond = ((last.done - first.done) * 1000) / (last.at - first.at);
  const secondsLeft = total > 0 ? Math.max(0, total - last.done) / bytesPerSecond : null;
  return { bytesPerSecond, secondsLeft };
}

/** `1:05`, `2:03:04`. */
export function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
