// Adding a destination, and editing one. It is tested as soon as it is kept.
import { Alert, Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { IconLockOpen } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DestinationConfig } from "../bindings/DestinationConfig";
import type { DestinationType } from "../bindings/DestinationType";
import { useChange, useQuestion } from "../queries";
import { Choice } from "../shared/choice";
import { Fold } from "../shared/fold";
import { ProblemNote } from "../shared/states";
import {
  type Draft,
  draftOf,
  type Field,
  fieldsOf,
  isGoodName,
  isInClear,
  isReady,
  newDraft,
  SIGN_INS,
  secretsOf,
  settingsOf,
  TYPES,
} from "./destination-draft";
import { DestinationField } from "./destination-fields";
import { TestView } from "./destination-test";

/** `of`: the one to edit; null adds one. */
export function DestinationForm({ of, onClose }: { of: DestinationConfig | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={of ? t("destinations.edit_title", { name: of.name }) : t("destinations.add")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Form of={of} onClose={onClose} />
    </Modal>
  );
}

function Form({ of, onClose }: { of: DestinationConfig | null; onClose: () => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Draft>(() =>
    of ? draftOf(of) : newDraft("local", t("destinations.name_default")),
  );
  // What is kept of it: with secrets that need not be given again.
  const [kept, setKept] = useState(of);
  const test = useQuestion((host, name: string) => host.testDestination(name));
  const keep = useChange(async (host) => {
    const [settings, secrets] = [settingsOf(draft, kept), secretsOf(draft)];
    if (kept) return host.setDestination(kept.name, settings, secrets);
    await host.init();
    return host.addDestination(draft.name.trim(), draft.type, settings, secrets);
  });
  const ready = isReady(draft, kept !== null);
  const submit = () =>
    keep.mutate(undefined, {
      onSuccess: (destination) => {
        setKept(destination);
        // What was typed as a secret is in the keyring now, and nowhere here.
        setDraft(draftOf(destination));
        test.mutate(destination.name);
      },
    });
  const set = (key: Field["key"], value: string) => {
    test.reset();
    setDraft((before) => ({ ...before, values: { ...before.values, [key]: value } }));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !keep.isPending) submit();
      }}
    >
      <Stack>
        {!kept && (
          <Select
            label={t("destinations.kind")}
            value={draft.type}
            allowDeselect={false}
            data={TYPES.map((type) => ({ value: type, label: t(`destinations.kinds.${type}`) }))}
            onChange={(type) => {
              keep.reset();
              setDraft((before) => newDraft((type ?? "local") as DestinationType, before.name));
            }}
          />
        )}
        <Fields draft={draft} kept={kept !== null} set={set} setSignIn={(signIn) => setDraft({ ...draft, signIn })} />
        {!kept && (
          <TextInput
            label={t("destinations.name")}
            value={draft.name}
            error={draft.name !== "" && !isGoodName(draft.name) && t("destinations.name_bad")}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
          />
        )}
        {isInClear(draft) && (
          <Alert color="orange" variant="light" icon={<IconLockOpen aria-hidden />}>
            {t("destinations.in_clear")}
          </Alert>
        )}
        {keep.error && <ProblemNote problem={keep.error} />}
        {test.error && <ProblemNote problem={test.error} />}
        {test.data && kept && <TestView name={kept.name} report={test.data} onTrusted={() => test.mutate(kept.name)} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {test.data?.ok ? t("app.close") : t("app.cancel")}
          </Button>
          {!test.data?.ok && (
            <Button type="submit" disabled={!ready} loading={keep.isPending || test.isPending}>
              {kept ? t("destinations.save") : t("destinations.add_do")}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function Fields(props: {
  draft: Draft;
  kept: boolean;
  set: (key: Field["key"], value: string) => void;
  setSignIn: (signIn: NonNullable<Draft["signIn"]>) => void;
}) {
  const { t } = useTranslation();
  const { draft, kept, set, setSignIn } = props;
  const fields = fieldsOf(draft);
  const ways = SIGN_INS[draft.type];
  const show = (field: Field) => (
    <DestinationField
      key={field.key}
      field={field}
      type={draft.type}
      value={draft.values[field.key] ?? ""}
      kept={kept}
      disabled={false}
      onChange={(value) => set(field.key, value)}
    />
  );
  const usual = fields.filter((field) => !field.more);
  const [before, after] = ways ? split(usual) : [usual, []];
  return (
    <>
      {before.map(show)}
      {ways && draft.signIn && (
        <Choice
          label={t("destinations.sign_in")}
          value={draft.signIn}
          options={ways.map((way) => [way, t(`destinations.sign_in_by.${way}`)])}
          onChange={setSignIn}
        />
      )}
      {after.map(show)}
      <Fold
        key={draft.type}
        title={t("destinations.more")}
        text={t("destinations.more_text")}
        label={t("destinations.more")}
        aside={null}
      >
        {() => (
          <Stack p="sm" pt={0}>
            {fields.filter((field) => field.more).map(show)}
          </Stack>
        )}
      </Fold>
    </>
  );
}

/** Before the first field that depends on how one signs in, and from there. Without such a field (an agent): before the folder. */
function split(fields: Field[]): [Field[], Field[]] {
  const signing = fields.findIndex((field) => field.by);
  const at = signing < 0 ? fields.findIndex((field) => field.key === "base_path") : signing;
  return [fields.slice(0, at), fields.slice(at)];
}
