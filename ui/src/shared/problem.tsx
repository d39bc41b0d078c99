// Problems in the words of the page. The program's codes are known here; its message has the facts.
import { Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import { type Problems, problems } from "../i18n/problems.en";

type T = ReturnType<typeof useTranslation>["t"];

interface Worded {
  /** What it means. */
  title: string;
  /** The names and figures; null where the title has them. */
  facts: string | null;
  /** What to do next. */
  hint: string;
}

/** A code that the page has no words for comes in the program's own. */
export function problemWords(problem: Problem, t: T): Worded {
  const { code } = problem;
  const message = sentence(problem.message);
  if (!isKnown(code)) return { title: message, facts: null, hint: sentence(problem.hint) };
  // Unchecked keys: there are more codes than the compiler can put into one type, and `isKnown` has just found this one.
  const say = t as unknown as (key: string) => string;
  const title = say(`problem.${code}.title`);
  return { title, facts: problem.code === "cancelled" ? null : message, hint: say(`problem.${code}.hint`) };
}

function isKnown(code: string): code is keyof Problems {
  return Object.hasOwn(problems, code);
}

/** All but the title. */
export function ProblemText({ problem, children }: { problem: Problem; children?: ReactNode }) {
  const { t } = useTranslation();
  const { facts, hint } = problemWords(problem, t);
  return (
    <Stack gap={6}>
      {facts && (
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {facts}
        </Text>
      )}
      {hint && <Text size="sm">{hint}</Text>}
      <Group gap="md">
        <Text size="xs" className="quiet">
          {t("app.code", { code: problem.code })}
        </Text>
        {children}
      </Group>
    </Stack>
  );
}

/** Messages of the program may start in lower case. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
