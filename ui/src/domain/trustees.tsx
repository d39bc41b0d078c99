// Who can open this installation's archives, and whose archives it trusts: shown, added, removed.
import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle, IconPlus, IconTrash } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../bindings/Problem";
import type { RecipientRow } from "../bindings/RecipientRow";
import type { Signer } from "../bindings/Signer";
import type { Host } from "../host";
import { useChange, useRecipients, useSigners } from "../queries";
import { Confirm } from "../shared/dialogs";
import { Section } from "../shared/page";
import { Answered, ProblemNote } from "../shared/states";

/** A key with whose it is, however it is used. */
interface Trustee {
  /** What it is removed by. */
  id: string;
  name: string;
  own: boolean;
}

export function Recipients() {
  const { t } = useTranslation();
  const recipients = useRecipients(true);
  return (
    <Trustees
      of={recipients}
      row={(r: RecipientRow) => ({ id: r.recipient, name: r.own ? t("keys.own") : r.name, own: r.own })}
      words={{
        title: t("keys.recipients"),
        text: t("keys.recipients_text"),
        none: "",
        add: t("keys.recipient_add"),
        key: t("keys.recipient_key"),
        keyText: t("keys.recipient_key_text"),
        remove: (row) => (row.own ? t("keys.recipient_remove_own") : t("keys.recipient_remove_text")),
      }}
      add={(host, key, name) => host.addRecipient(key, name)}
      remove={(host, id) => host.removeRecipient(id)}
    />
  );
}

export function Signers() {
  const { t } = useTranslation();
  const signers = useSigners(true);
  return (
    <Trustees
      of={signers}
      row={(s: Signer) => ({ id: s.key_id, name: s.name, own: false })}
      words={{
        title: t("keys.signers"),
        text: t("keys.signers_text"),
        none: t("keys.signers_none"),
        add: t("keys.signer_add"),
        key: t("keys.signer_key"),
        keyText: t("keys.signer_key_text"),
        remove: () => t("keys.signer_remove_text"),
      }}
      add={(host, key, name) => host.addSigner(key, name)}
      remove={(host, id) => host.removeSigner(id)}
    />
  );
}

interface Words {
  title: string;
  text: string;
  none: string;
  add: string;
  key: string;
  keyText: string;
  remove: (row: Trustee) => string;
}

function Trustees<Row>(props: {
  of: UseQueryResult<Row[], Problem>;
  row: (row: Row) => Trustee;
  words: Words;
  add: (host: Host, key: string, name: string) => Promise<unknown>;
  remove: (host: Host, id: string) => Promise<void>;
}) {
  const { words } = props;
  const [adding, setAdding] = useState(false);
  return (
    <Section
      title={words.title}
      aside={
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => setAdding(true)}
        >
          {words.add}
        </Button>
      }
    >
      <Stack>
        <Text className="quiet" maw={640}>
          {words.text}
        </Text>
        <Answered of={props.of} height={40}>
          {(all) =>
            all.length === 0 ? (
              <Text>{words.none}</Text>
            ) : (
              <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: "none" }}>
                {all.map(props.row).map((row) => (
                  <TrusteeRow key={row.id} row={row} words={words} remove={props.remove} />
                ))}
              </Stack>
            )
          }
        </Answered>
      </Stack>
      {adding && <Form words={words} add={props.add} onClose={() => setAdding(false)} />}
    </Section>
  );
}

function TrusteeRow(props: { row: Trustee; words: Words; remove: (host: Host, id: string) => Promise<void> }) {
  const { t } = useTranslation();
  const { row, words } = props;
  const [removing, setRemoving] = useState(false);
  const remove = useChange((host, id: string) => props.remove(host, id));
  const name = row.name || row.id;
  return (
    <Group component="li" justify="space-between" wrap="nowrap" align="flex-start">
      <div style={{ minWidth: 0 }}>
        {row.name && <Text fw={600}>{row.name}</Text>}
        <Text className="mono">{row.id}</Text>
      </div>
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        leftSection={<IconTrash size={16} aria-hidden />}
        aria-label={`${t("app.remove")}: ${name}`}
        style={{ flex: "none" }}
        onClick={() => setRemoving(true)}
      >
        {t("app.remove")}
      </Button>
      {removing && (
        <Confirm
          title={t("keys.remove_title", { name })}
          text={words.remove(row)}
          action={t("app.remove")}
          busy={remove.isPending}
          problem={remove.error}
          onConfirm={() => remove.mutate(row.id, { onSuccess: () => setRemoving(false) })}
          onClose={() => setRemoving(false)}
        />
      )}
    </Group>
  );
}

function Form(props: {
  words: Words;
  add: (host: Host, key: string, name: string) => Promise<unknown>;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const { words, onClose } = props;
  const add = useChange((host) => props.add(host, key.trim(), name.trim()));
  const ready = key.trim() !== "" && name.trim() !== "";
  return (
    <Modal opened onClose={onClose} size="lg" title={words.add} closeButtonProps={{ "aria-label": t("app.close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) add.mutate(undefined, { onSuccess: onClose });
        }}
      >
        <Stack>
          <Alert color="orange" variant="light" role="note" icon={<IconAlertTriangle aria-hidden />}>
            {words.text}
          </Alert>
          <TextInput
            label={words.key}
            description={words.keyText}
            value={key}
            classNames={{ input: "mono" }}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          <TextInput
            label={t("keys.name")}
            description={t("keys.name_text")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {add.error && <ProblemNote problem={add.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("app.cancel")}
            </Button>
            <Button type="submit" disabled={!ready} loading={add.isPending}>
              {t("keys.add_do")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
