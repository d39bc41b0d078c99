import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { screen, within } from "@testing-library/react";
import type { Problem } from "../bindings/Problem";
import { speak } from "../i18n";
import { problems as de } from "../i18n/problems.de";
import { problems as en } from "../i18n/problems.en";
import { problemWords } from "../shared/problem";
import { openRoom } from "./room";

const root = path.join(import.meta.dirname, "../../..");
const sentences = path.join(root, "src-tauri/service/sentences");
const sources = [
  path.join(root, "src-tauri/service/sentences.rs"),
  path.join(root, "src-tauri/shell/error.rs"),
  ...readdirSync(sentences).map((file) => path.join(sentences, file)),
].map((file) => readFileSync(file, "utf8"));

/** In the table of sentences that the program's own tests keep. */
function codesOfTheSnapshot(): string[] {
  const dir = path.join(root, "tests/engine/service/snapshots");
  const text = readdirSync(dir).map((file) => readFileSync(path.join(dir, file), "utf8"));
  return unique(text.flatMap((t) => [...t.matchAll(/^([a-z_]+) \[exit \d+\]$/gm)].map((m) => m[1] ?? "")));
}

/** Where the sentences are made: `words("code", …` and the tuples `("code", "…`. */
function codesOfTheSources(): string[] {
  const made = sources.flatMap((text) => [...text.matchAll(/(?:\bwords)?\(\s*"([a-z_]+)",\s*(?:"|format!)/g)]);
  const other = sources.flatMap((text) => [...text.matchAll(/\bwords\(\s*"([a-z_]+)"/g)]);
  return unique([...made, ...other].map((m) => m[1] ?? ""));
}

function unique(all: string[]): string[] {
  return [...new Set(all)].sort();
}

test("every code in the program's table of sentences has its texts in every language", () => {
  const codes = codesOfTheSnapshot();
  expect(codes.length).toBeGreaterThan(40);
  for (const texts of [en, de] as Record<string, { title: string; hint: string }>[]) {
    expect(codes.filter((code) => !texts[code]?.title || !texts[code]?.hint)).toEqual([]);
  }
});

test("so has every code that the table does not show, and no text is of a code that is no more", () => {
  const codes = codesOfTheSources();
  expect(codes).toEqual(expect.arrayContaining(codesOfTheSnapshot()));
  expect(Object.keys(en).sort()).toEqual(codes);
  expect(Object.keys(de).sort()).toEqual(codes);
});

test("a code comes from nowhere but where this looks for it", () => {
  const calls = sources.flatMap((text) => [...text.matchAll(/(?<!fn )\bwords\(\s*([^\s,]+)/g)].map((m) => m[1] ?? ""));
  expect(calls.length).toBeGreaterThan(50);
  expect(calls.filter((first) => !/^"[a-z_]+"$/.test(first) && first !== "code")).toEqual([]);
});

test("the texts speak of the window: no verb and no option of the command line", () => {
  const texts = [en, de].flatMap((all) => Object.values(all).flatMap(({ title, hint }) => [title, hint]));
  expect(texts.filter((text) => /`|--|\bholdfast [a-z]+/.test(text))).toEqual([]);
});

test("titles are no sentences, hints are", () => {
  for (const { title, hint } of [en, de].flatMap((all) => Object.values(all))) {
    expect(title).not.toMatch(/\.$/);
    expect(hint).toMatch(/\.$/);
  }
});

test("a code that the page does not know comes in the program's own words", () => {
  const problem: Problem = { code: "brand_new", message: "it broke", hint: "mend it" };
  const { t } = speak("de");
  expect(problemWords(problem, t)).toEqual({ title: "It broke", facts: null, hint: "Mend it" });
});

test("a German reader is told of a problem in German, with the program's facts below", async () => {
  openRoom("empty", { room: "instances", add: true }, { folder: "/srv/empty", language: "de" });
  const alert = within(await screen.findByRole("dialog")).getByRole("alert");
  expect(alert).toHaveTextContent("Hier ist nichts zu sichern");
  expect(alert).toHaveTextContent("`/srv/empty` holds nothing to back up");
  expect(alert).toHaveTextContent("ob die Platte verbunden ist");
  expect(alert).not.toHaveTextContent("mounted");
});
