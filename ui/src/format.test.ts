import { ago, bytes, clock, pace } from "./format";

const NOW = Date.parse("2026-03-01T12:00:00Z");

test.each([
  [0, "0 B"],
  [1023, "1,023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [150 * 1024 * 1024, "150 MiB"],
])("%d bytes read as %s", (n, words) => {
  expect(bytes(n, "en")).toBe(words);
});

test("a German reader gets a German number", () => {
  expect(bytes(1536, "de")).toBe("1,5 KiB");
});

test.each([
  ["2026-03-01T11:59:50Z", "now"],
  ["2026-03-01T09:00:00Z", "3 hours ago"],
  ["2026-02-28T12:00:00Z", "yesterday"],
  ["2026-03-01T12:30:00Z", "in 30 minutes"],
])("%s is %s", (time, words) => {
  expect(ago(time, NOW, "en")).toBe(words);
});

test("pace is measured over the last five seconds, not since the start", () => {
  const samples = [
    { at: 0, done: 0 },
    { at: 60_000, done: 10 },
    { at: 62_000, done: 2010 },
  ];
  expect(pace(samples, 4010)).toEqual({ bytesPerSecond: 1000, secondsLeft: 2 });
});

test("no pace is claimed from one sample, from none, or while nothing moves", () => {
  expect(pace([], 100)).toBeNull();
  expect(pace([{ at: 0, done: 5 }], 100)).toBeNull();
  expect(
    pace(
      [
        { at: 0, done: 5 },
        { at: 1000, done: 5 },
      ],
      100,
    ),
  ).toBeNull();
});

test("the time left is not claimed where the end is unknown", () => {
  const samples = [
    { at: 0, done: 0 },
    { at: 1000, done: 500 },
  ];
  expect(pace(samples, 0)).toEqual({ bytesPerSecond: 500, secondsLeft: null });
});

test("time left reads like a clock", () => {
  expect(clock(4.2)).toBe("0:05");
  expect(clock(65)).toBe("1:05");
  expect(clock(7384)).toBe("2:03:04");
});
