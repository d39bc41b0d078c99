import readme from "../../../README.md?raw";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import {
  type Draft,
  draftOf,
  fieldsOf,
  isInClear,
  isReady,
  newDraft,
  secretsOf,
  settingsOf,
  TYPES,
  trusting,
  waysOf,
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
  const ways = waysOf(newDraft(type, "vault"));
  for (const signIn of ways.length > 0 ? ways : [null]) {
    const draft = { ...newDraft(type, "vault"), signIn };
    expect(isReady(draft)).toBe(false);
    const ready = filled(draft);
    expect(isReady(ready)).toBe(true);
    for (const field of fieldsOf(draft).filter((f) => f.needed)) {
      expect(isReady({ ...ready, values: { ...ready.values, [field.key]: " " } })).toBe(false);
    }
    expect(isReady({ ...ready, name: "no good" })).toBe(false);
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
  const draft = draftOf(kept(type, config));
  expect(settingsOf(draft)).toEqual(config);
  const gone = Object.fromEntries(settings.map((key) => [key, ""]));
  expect(settingsOf({ ...draft, values: {} })).toEqual(gone);
});

test.each(TYPES)("every secret of a %s destination can be given", (type) => {
  const ways = waysOf(newDraft(type, "vault"));
  const drafts = (ways.length > 0 ? ways : [null]).map((signIn) => ({ ...newDraft(type, "vault"), signIn }));
  const fields = drafts.flatMap(fieldsOf).filter(({ kind }) => kind === "secret");
  expect(new Set(fields.map(({ key }) => key))).toEqual(new Set(written(type).secrets));
});

test("a setting that the form does not know is left alone", () => {
  const draft = draftOf(kept("s3", { bucket: "b", region: "eu", storage_class: "cold" }));
  expect(settingsOf({ ...draft, values: { ...draft.values, region: "" } })).toEqual({ bucket: "b", region: "" });
});

test("settings and secrets go different ways", () => {
  const draft = {
    ...newDraft("sftp", "vault"),
    values: { host: " b.example ", username: "ada", private_key: "/k", private_key_passphrase: " x ", port: "" },
  };
  expect(settingsOf(draft)).toEqual({ host: "b.example", username: "ada", private_key: "/k" });
  expect(secretsOf(draft)).toEqual({ private_key_passphrase: " x " });
});

test("what belongs to another way to sign in is not kept", () => {
  const draft = draftOf(kept("sftp", { host: "b", username: "ada", private_key: "/k", port: "2222" }));
  expect(draft.signIn).toBe("private_key");
  expect(secretsOf(draft)).toEqual({});
  const by = { ...draft, signIn: "password" as const, values: { ...draft.values, password: "p" } };
  expect(settingsOf(by)).toEqual({ host: "b", username: "ada", private_key: "", port: "2222" });
  expect(secretsOf(by)).toEqual({ private_key_passphrase: "", password: "p" });
});

test.each([
  ["sftp", "private_key", { password: "", private_key_passphrase: "" }],
  ["sftp", "password", { password: "new", private_key_passphrase: "" }],
  ["sftp", "agent", { password: "", private_key_passphrase: "" }],
  ["azure", "account_key", { account_key: "new", sas_token: "", connection_string: "" }],
  ["azure", "sas_token", { account_key: "", sas_token: "new", connection_string: "" }],
  ["azure", "connection_string", { account_key: "", sas_token: "", connection_string: "new" }],
] as const)(
  "%s signs in as before until %s is chosen, which takes its secret and forgets the others",
  (type, signIn, secrets) => {
    const before = draftOf(kept(type, { host: "b", username: "ada", container_name: "c" }));
    expect(before.signIn).toBe("kept");
    expect(waysOf(before)[0]).toBe("kept");
    expect(isReady(before)).toBe(true);
    expect(secretsOf(before)).toEqual({});

    const chosen: Draft = { ...before, signIn };
    const needs = fieldsOf(chosen).filter(({ by, needed }) => by && needed);
    expect(isReady(chosen)).toBe(needs.length === 0);
    const given: Draft = {
      ...chosen,
      values: { ...chosen.values, ...Object.fromEntries(needs.map((f) => [f.key, "new"])) },
    };
    expect(isReady(given)).toBe(true);
    expect(secretsOf(given)).toEqual(secrets);
  },
);

test("the way that has just been saved is known, and its secret need not be given again", () => {
  const draft = draftOf(kept("azure", { container_name: "c" }), "sas_token");
  expect(waysOf(draft)).not.toContain("kept");
  expect(isReady(draft)).toBe(true);
  expect(secretsOf(draft)).toEqual({});
  expect(isReady({ ...draft, signIn: "account_key" })).toBe(false);
});

test("a fingerprint that was trusted is in the draft, beside what else was typed", () => {
  const of = kept("sftp", { host: "b", username: "ada", fingerprint: "SHA256:old" });
  const typed = { ...draftOf(of), values: { ...of.config, port: "2222" } };
  const now = trusting(typed, { ...of, config: { ...of.config, fingerprint: "SHA256:new" } });
  expect(settingsOf(now)).toEqual({ host: "b", username: "ada", fingerprint: "SHA256:new", port: "2222" });
  expect(now.signIn).toBe("kept");
});

test("a secret that is in the keyring need not be given again", () => {
  const draft = draftOf(kept("s3", { bucket: "b" }));
  expect(isReady(draft)).toBe(true);
  expect(secretsOf(draft)).toEqual({});
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
