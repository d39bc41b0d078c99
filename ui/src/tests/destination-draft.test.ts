import readme from "../../../README.md?raw";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import {
  type Draft,
  draftOf,
  fieldsOf,
  isInClear,
  isReady,
  newDraft,
  SIGN_INS,
  secretsOf,
  settingsOf,
  TYPES,
} from "../domain/destination-draft";
import { destination } from "../host.fake.data";

const filled = (draft: Draft): Draft => ({
  ...draft,
  values: Object.fromEntries(fieldsOf(draft).flatMap((f) => (f.needed ? [[f.key, `/${f.key}`]] : []))),
});

const kept = (type: DestinationConfig["type"], config: Record<string, string>): DestinationConfig => ({
  ...destination("vault", "", "d1"),
  type,
  config,
});

test.each(TYPES)("a %s destination is ready once what it needs is there, and not before", (type) => {
  for (const signIn of SIGN_INS[type] ?? [null]) {
    const draft = { ...newDraft(type, "vault"), signIn };
    expect(isReady(draft, false)).toBe(false);
    const ready = filled(draft);
    expect(isReady(ready, false)).toBe(true);
    for (const field of fieldsOf(draft).filter((f) => f.needed)) {
      expect(isReady({ ...ready, values: { ...ready.values, [field.key]: " " } }, false)).toBe(false);
    }
    expect(isReady({ ...ready, name: "no good" }, false)).toBe(false);
  }
});

/** What the README's table says that a type takes, without what stands in brackets. */
function written(type: string): { settings: string[]; secrets: string[] } {
  const row = readme.split("\n").find((line) => line.startsWith(`| \`${type}\` |`)) ?? "";
  const [settings = "", secrets = ""] = (row.split("|")[2] ?? "").replaceAll(/\([^)]*\)/g, "").split(";");
  const named = (text: string) => [...text.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name ?? "");
  const all = type === "local" ? ["bandwidth_limit"] : ["bandwidth_limit", "timeout"];
  return { settings: [...named(settings), ...all], secrets: named(secrets) };
}

test.each(TYPES)("every setting of a %s destination survives an edit of another, and can be removed", (type) => {
  const { settings } = written(type);
  expect(settings).toContain("base_path");
  const config = Object.fromEntries(settings.map((key) => [key, `/${key}`]));
  const of = kept(type, config);
  expect(settingsOf(draftOf(of), of)).toEqual(config);
  const gone = Object.fromEntries(settings.map((key) => [key, ""]));
  expect(settingsOf({ ...draftOf(of), values: {} }, of)).toEqual(gone);
});

test.each(TYPES)("every secret of a %s destination can be given", (type) => {
  const drafts = (SIGN_INS[type] ?? [null]).map((signIn) => ({ ...newDraft(type, "vault"), signIn }));
  const fields = drafts.flatMap(fieldsOf).filter(({ kind }) => kind === "secret");
  expect(new Set(fields.map(({ key }) => key))).toEqual(new Set(written(type).secrets));
});

test("a setting that the form does not know is left alone", () => {
  const of = kept("s3", { bucket: "b", region: "eu", storage_class: "cold" });
  expect(settingsOf({ ...draftOf(of), values: { ...of.config, region: "" } }, of)).toEqual({ bucket: "b", region: "" });
});

test("settings and secrets go different ways", () => {
  const draft = {
    ...newDraft("sftp", "vault"),
    values: { host: " b.example ", username: "ada", private_key: "/k", private_key_passphrase: " x ", port: "" },
  };
  expect(settingsOf(draft, null)).toEqual({ host: "b.example", username: "ada", private_key: "/k" });
  expect(secretsOf(draft)).toEqual({ private_key_passphrase: " x " });
});

test("what belongs to another way to sign in is not kept", () => {
  const of = kept("sftp", { host: "b", username: "ada", private_key: "/k", port: "2222" });
  const draft = draftOf(of);
  expect(draft.signIn).toBe("private_key");
  const by = { ...draft, signIn: "password" as const, values: { ...draft.values, password: "p" } };
  expect(settingsOf(by, of)).toEqual({ host: "b", username: "ada", private_key: "", port: "2222" });
  expect(secretsOf(by)).toEqual({ password: "p" });
});

test("a secret that is in the keyring need not be given again", () => {
  const of = kept("s3", { bucket: "b" });
  expect(isReady(draftOf(of), true)).toBe(true);
  expect(secretsOf(draftOf(of))).toEqual({});
});

test("what crosses the network in clear is known", () => {
  const of = (type: Draft["type"], values: Draft["values"]) => isInClear({ ...newDraft(type, "x"), values });
  expect(of("ftp", { tls: "none" })).toBe(true);
  expect(of("ftp", {})).toBe(false);
  expect(of("webdav", { url: "http://nas" })).toBe(true);
  expect(of("webdav", { url: "https://nas" })).toBe(false);
  expect(of("s3", { endpoint: "HTTP://nas" })).toBe(true);
  expect(of("s3", {})).toBe(false);
});
