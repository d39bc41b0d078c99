// Questions before an act that is not easily taken back.
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import { ProblemNote } from "./states";

export function Confirm(props: {
  title: string;
  text: string;
  action: string;
  busy: boolean;
  problem: Problem | null;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={props.onClose} title={props.title} closeButtonProps={{ "aria-label": t("app.close") }}>
      <Stack>
        <Text>{props.text}</Text>
        {props.problem && <ProblemNote problem={props.problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {t("app.cancel")}
          </Button>
          <Button color="red" loading={props.busy} onClick={props.onConfirm}>
            {props.action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** The name typed in. The button wakes only when it is exactly that, and `ready`. */
export function ConfirmByName(props: {
  name: string;
  /** Of the field: whose name it is. */
  label: string;
  action: string;
  ready: boolean;
  busy: boolean;
  children?: ReactNode;
  onConfirm: (typed: string) => void;
}) {
  const [typed, setTyped] = useState("");
  const right = typed === props.name && props.ready && !props.busy;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (right) props.onConfirm(typed);
      }}
    >
      <Stack>
        <TextInput
          label={props.label}
          placeholder={props.name}
          value={typed}
          autoComplete="off"
          spellCheck={false}
          maw={Math.max(320, 9 * props.name.length + 32)}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Group>
          {props.children}
          <Button type="submit" color="red" disabled={!right} loading={props.busy}>
            {props.action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
