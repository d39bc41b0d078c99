// The settings and secrets of a destination, as fields.
import { Button, Group, PasswordInput, Select, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { DestinationType } from "../bindings/DestinationType";
import { useQuestion } from "../queries";
import type { Field } from "./destination-draft";
import { PathField } from "./path-field";

interface Props {
  field: Field;
  type: DestinationType;
  value: string;
  /** A secret is in the keyring already. */
  kept: boolean;
  disabled: boolean;
  onChange: (value: string) => void;
}

export function DestinationField(props: Props) {
  const { t } = useTranslation();
  const { field, type, value, kept, disabled, onChange } = props;
  const label = t(`destinations.fields.${field.key}`);
  const shared = { label, disabled, description: useAbout(field, type), required: field.needed ?? false };
  if (type === "local" && field.key === "base_path") {
    return (
      <PathField
        label={t("destinations.folder")}
        title={t("destinations.pick")}
        placeholder="/mnt/backups"
        value={value}
        disabled={disabled}
        autoFocus
        onChange={onChange}
      />
    );
  }
  switch (field.kind) {
    case "choice":
      return (
        <Select
          {...shared}
          value={value || (field.options?.[0] ?? null)}
          allowDeselect={false}
          data={(field.options ?? []).map((of) => ({ value: of, label: t(`destinations.options.${of}`) }))}
          onChange={(chosen) => onChange(chosen ?? "")}
        />
      );
    case "secret":
      return (
        <PasswordInput
          {...shared}
          required={(field.needed ?? false) && !kept}
          value={value}
          placeholder={kept ? t("destinations.unchanged") : ""}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case "file":
      return <FileField {...props} label={label} />;
    case "text":
      return (
        <TextInput
          {...shared}
          value={value}
          placeholder={field.placeholder ?? ""}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

function useAbout({ key }: Field, type: DestinationType): string | undefined {
  const { t } = useTranslation();
  switch (key) {
    case "base_path":
      return t(
        type === "s3" || type === "azure" ? "destinations.about.base_path_store" : "destinations.about.base_path",
      );
    case "private_key_passphrase":
    case "known_hosts":
    case "fingerprint":
    case "ca_file":
    case "region":
    case "bandwidth_limit":
    case "timeout":
      return t(`destinations.about.${key}`);
    case "endpoint":
      return t(type === "azure" ? "destinations.about.endpoint_azure" : "destinations.about.endpoint_s3");
    default:
      return undefined;
  }
}

function FileField({ field, type, value, disabled, label, onChange }: Props & { label: string }) {
  const { t } = useTranslation();
  const pick = useQuestion((host, title: string) => host.pickFile(title));
  return (
    <Group align="flex-end" wrap="nowrap">
      <TextInput
        flex={1}
        label={label}
        description={useAbout(field, type)}
        required={field.needed ?? false}
        value={value}
        placeholder={field.placeholder ?? ""}
        disabled={disabled}
        spellCheck={false}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Button
        variant="default"
        loading={pick.isPending}
        disabled={disabled}
        aria-label={`${label}: ${t("destinations.choose")}`}
        onClick={() => pick.mutate(label, { onSuccess: (picked) => picked && onChange(picked) })}
      >
        {t("destinations.choose")}
      </Button>
    </Group>
  );
}
