// A destination while it is added or edited, and what of it the program is told. Pure.
import type { DestinationConfig } from "../bindings/DestinationConfig";
import type { DestinationType } from "../bindings/DestinationType";
import type { destinations } from "../i18n/destinations.en";

export type FieldKey = keyof typeof destinations.fields;
/** `kept`: as it did before. Which secret that is, only the program knows. */
export type SignIn = keyof typeof destinations.sign_in_by;
type Option = keyof typeof destinations.options;

export interface Field {
  key: FieldKey;
  kind: "text" | "file" | "secret" | "choice";
  /** Nothing is ready without it. */
  needed?: true;
  /** Among those that few have to look at. */
  more?: true;
  /** Only with this way to sign in. */
  by?: SignIn;
  placeholder?: string;
  /** The first is what the program takes where nothing is set. */
  options?: Option[];
}

/** As they stand in their fields. */
export interface Draft {
  type: DestinationType;
  name: string;
  signIn: SignIn | null;
  values: Partial<Record<FieldKey, string>>;
  /** The one that is edited; null adds one. */
  saved: Saved | null;
}

/** As the program has it, with secrets that need not be given again. */
interface Saved {
  destination: DestinationConfig;
  signIn: SignIn | null;
}

export const TYPES: DestinationType[] = ["local", "sftp", "s3", "webdav", "azure", "ftp"];

/** Ways to sign in, where a type has several. */
const SIGN_INS: Partial<Record<DestinationType, SignIn[]>> = {
  sftp: ["private_key", "password", "agent"],
  azure: ["account_key", "sas_token", "connection_string"],
};

const AUTHORITY: Field = { key: "ca_file", kind: "file", more: true, placeholder: "/etc/ssl/own-ca.pem" };
const PINNED: Field = { key: "fingerprint", kind: "text", more: true, placeholder: "SHA256:…" };
const PORT: Field = { key: "port", kind: "text", more: true };
const SPEED: Field = { key: "bandwidth_limit", kind: "text", more: true, placeholder: "10M" };
const PATIENCE: Field = { key: "timeout", kind: "text", more: true, placeholder: "60" };
const USER: Field = { key: "username", kind: "text", needed: true };
const FOLDER: Field = { key: "base_path", kind: "text", placeholder: "holdfast" };

const FIELDS: Record<DestinationType, Field[]> = {
  local: [{ key: "base_path", kind: "text", needed: true }, SPEED],
  sftp: [
    { key: "host", kind: "text", needed: true, placeholder: "backup.example.net" },
    USER,
    { key: "private_key", kind: "file", needed: true, by: "private_key", placeholder: "/home/ada/.ssh/id_ed25519" },
    { key: "private_key_passphrase", kind: "secret", by: "private_key" },
    { key: "password", kind: "secret", needed: true, by: "password" },
    { ...FOLDER, placeholder: "/srv/holdfast" },
    { ...PORT, placeholder: "22" },
    PINNED,
    { key: "known_hosts", kind: "file", more: true, placeholder: "/home/ada/.ssh/known_hosts" },
    SPEED,
    PATIENCE,
  ],
  ftp: [
    { key: "host", kind: "text", needed: true, placeholder: "ftp.example.net" },
    { key: "tls", kind: "choice", options: ["explicit", "implicit", "none"] },
    USER,
    { key: "password", kind: "secret", needed: true },
    FOLDER,
    { ...PORT, placeholder: "21" },
    AUTHORITY,
    PINNED,
    SPEED,
    PATIENCE,
  ],
  s3: [
    { key: "endpoint", kind: "text", placeholder: "https://s3.example.net" },
    { key: "region", kind: "text", placeholder: "us-east-1" },
    { key: "bucket", kind: "text", needed: true },
    { key: "access_key_id", kind: "secret", needed: true },
    { key: "secret_access_key", kind: "secret", needed: true },
    FOLDER,
    { key: "path_style", kind: "choice", more: true, options: ["yes", "no"] },
    AUTHORITY,
    PINNED,
    SPEED,
    PATIENCE,
  ],
  azure: [
    { key: "account_name", kind: "text" },
    { key: "container_name", kind: "text", needed: true },
    { key: "account_key", kind: "secret", needed: true, by: "account_key" },
    { key: "sas_token", kind: "secret", needed: true, by: "sas_token" },
    { key: "connection_string", kind: "secret", needed: true, by: "connection_string" },
    FOLDER,
    { key: "endpoint", kind: "text", more: true, placeholder: "https://account.blob.core.windows.net" },
    AUTHORITY,
    PINNED,
    SPEED,
    PATIENCE,
  ],
  webdav: [
    { key: "url", kind: "text", needed: true, placeholder: "https://cloud.example.net/remote.php/dav/files/ada" },
    USER,
    { key: "password", kind: "secret", needed: true },
    FOLDER,
    AUTHORITY,
    PINNED,
    SPEED,
    PATIENCE,
  ],
};

export function newDraft(type: DestinationType, name: string): Draft {
  return { type, name, signIn: SIGN_INS[type]?.[0] ?? null, values: {}, saved: null };
}

/** Of one that is there. Its secrets are not known here: empty ones stay as they are. */
export function draftOf(destination: DestinationConfig, signIn = signInOf(destination)): Draft {
  const { type, name, config } = destination;
  return { type, name, signIn, values: { ...config }, saved: { destination, signIn } };
}

/** Once its server is trusted, which is saved at once. What else was typed is still to be saved. */
export function trusting(draft: Draft, destination: DestinationConfig): Draft {
  const { fingerprint = "" } = destination.config;
  const signIn = draft.saved?.signIn ?? null;
  return { ...draft, values: { ...draft.values, fingerprint }, saved: { destination, signIn } };
}

/** How it signs in, as far as its settings tell. */
function signInOf({ type, config }: DestinationConfig): SignIn | null {
  if (!SIGN_INS[type]) return null;
  return type === "sftp" && config.private_key ? "private_key" : "kept";
}

/** Those to choose from; none where there is but one. */
export function waysOf({ type, saved }: Draft): SignIn[] {
  const ways = SIGN_INS[type] ?? [];
  return saved?.signIn === "kept" ? ["kept", ...ways] : ways;
}

/** Whether it is to sign in otherwise than it does. */
export function isOtherWay({ signIn, saved }: Draft): boolean {
  return saved !== null && signIn !== saved.signIn;
}

const isShown = ({ signIn }: Draft, { by }: Field) => !by || by === signIn;

/** Those that the draft shows, in order. */
export function fieldsOf(draft: Draft): Field[] {
  return FIELDS[draft.type].filter((field) => isShown(draft, field));
}

/** Whether its secret is in the keyring already, so that it need not be given. */
export function isKept(draft: Draft, { kind, by }: Field): boolean {
  return kind === "secret" && draft.saved !== null && !(by && isOtherWay(draft));
}

export function isGoodName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name);
}

const typed = (draft: Draft, key: FieldKey) => draft.values[key]?.trim() ?? "";

export function isReady(draft: Draft): boolean {
  const has = (field: Field) => !field.needed || isKept(draft, field) || typed(draft, field.key) !== "";
  const local = draft.type !== "local" || typed(draft, "base_path").startsWith("/");
  return isGoodName(draft.name) && local && fieldsOf(draft).every(has);
}

/** What is set; an empty one is to be removed. What has no field here is not named, and stays. */
export function settingsOf(draft: Draft): Record<string, string> {
  const before = draft.saved?.destination.config ?? {};
  const settings = FIELDS[draft.type]
    .filter(({ kind }) => kind !== "secret")
    .map((field): [FieldKey, string] => [field.key, isShown(draft, field) ? typed(draft, field.key) : ""])
    .filter(([key, value]) => value !== "" || before[key]);
  return Object.fromEntries(settings);
}

/** Those that are given; an empty one is to be forgotten: it was for another way to sign in. Not trimmed: a password may end in a space. */
export function secretsOf(draft: Draft): Record<string, string> {
  const secrets = FIELDS[draft.type]
    .filter(({ kind }) => kind === "secret")
    .map((field) => ({ field, value: isShown(draft, field) ? (draft.values[field.key] ?? "") : "" }))
    .filter(({ field, value }) => value !== "" || (field.by && isOtherWay(draft)))
    .map(({ field, value }): [FieldKey, string] => [field.key, value]);
  return Object.fromEntries(secrets);
}

/** Whether a password would be readable on the way. */
export function isInClear({ type, values }: Draft): boolean {
  const plain = (key: "url" | "endpoint") => values[key]?.trim().toLowerCase().startsWith("http:") ?? false;
  return (type === "ftp" && values.tls === "none") || (type === "webdav" && plain("url")) || plain("endpoint");
}
