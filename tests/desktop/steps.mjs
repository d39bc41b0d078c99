// Steps of one story, each a test: what a step leaves is what the next one begins with.
import assert from "node:assert/strict";
import { test } from "node:test";

/** After a step that failed the others fail at once: they would only wait for what cannot come. */
export function steps(timeout = 180_000) {
  let broken = null;
  return (name, step) =>
    test(name, { timeout }, async () => {
      assert.equal(broken, null, `an earlier step failed: ${broken}`);
      broken = name;
      await step();
      broken = null;
    });
}
