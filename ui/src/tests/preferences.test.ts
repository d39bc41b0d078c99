import { expect, test } from "vitest";
import { schemeOf, themeOf } from "../preferences";

test("the appearance has the program's words there and the page's here", () => {
  expect((["auto", "light", "dark"] as const).map(themeOf)).toEqual(["system", "light", "dark"]);
  for (const theme of ["system", "light", "dark"]) expect(themeOf(schemeOf(theme) ?? "auto")).toBe(theme);
  expect(schemeOf("auto")).toBeNull();
  expect(schemeOf(undefined)).toBeNull();
});
