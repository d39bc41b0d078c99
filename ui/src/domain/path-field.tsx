// A folder: typed in, or chosen in the desktop's dialog.
import { Button, Group, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useQuestion } from "../queries";

export function PathField(props: {
  label: string;
  /** Of the dialog. */
  title: string;
  placeholder: string;
  value: string;
  disabled?: boolean;
  autoFocus?: boolean;
  onChange: (path: string) => void;
}) {
  const { t } = useTranslation();
  const pick = useQuestion((host, title: string) => host.pickFolder(title));
  return (
    <Group align="flex-end" wrap="nowrap">
      <TextInput
        flex={1}
        label={props.label}
        value={props.value}
        placeholder={props.placeholder}
        classNames={{ input: "mono" }}
        spellCheck={false}
        disabled={props.disabled ?? false}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      />
      <Button
        variant="default"
        loading={pick.isPending}
        disabled={props.disabled ?? false}
        {...(props.autoFocus && { "data-autofocus": true })}
        onClick={() => pick.mutate(props.title, { onSuccess: (picked) => picked && props.onChange(picked) })}
      >
        {t("destinations.choose")}
      </Button>
    </Group>
  );
}
