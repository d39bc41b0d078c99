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
  isKept,
  isOtherWay,
  isReady,
  newDraft,
  secretsOf,
  settingsOf,
  TYPES,
  trusting,
  waysOf,
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
  const saved = draft.saved?.destination;
  const test = useQuestion((host, name: string) => host.testDestination(name));
  const keep = useChange(
    async (host) => {
      const [settings, secrets] = [settingsOf(draft), secretsOf(draft)];
      if (saved) return host.setDestination(saved.name, settings, secrets);
      await host.init();
      return host.addDestination(draft.name.trim(), draft.type, settings, secrets);
    },
    ["free-space", draft.name],
  );
  const ready = isReady(draft);
  const submit = () =>
    keep.mutate(undefined, {
      onSuccess: (destination) => {
        // What was typed as a secret is in the keyring now, and nowhere here.
        setDraft(draftOf(destination, draft.signIn));
        test.mutate(destination.name);
      },
    });
  const change = (changed: (before: Draft) => Draft) => {
    test.reset();
    setDraft(changed);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !keep.isPending) submit();
      }}
    >
      <Stack>
        {!saved && (
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
        <Fields draft={draft} change={change} />
        {!saved && (
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
        {test.data && saved && (
          <TestView
            name={saved.name}
            report={test.data}
            onTrusted={(destination) => {
              setDraft((before) => trusting(before, destination));
              test.mutate(destination.name);
            }}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {test.data?.ok ? t("app.close") : t("app.cancel")}
          </Button>
          {!test.data?.ok && (
            <Button type="submit" disabled={!ready} loading={keep.isPending || test.isPending}>
              {saved ? t("destinations.save") : t("destinations.add_do")}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function Fields({ draft, change }: { draft: Draft; change: (changed: (before: Draft) => Draft) => void }) {
  const { t } = useTranslation();
  const fields = fieldsOf(draft);
  const show = (field: Field) => (
    <DestinationField
      key={field.key}
      field={field}
      type={draft.type}
      value={draft.values[field.key] ?? ""}
      kept={isKept(draft, field)}
      disabled={false}
      onChange={(value) => change((before) => ({ ...before, values: { ...before.values, [field.key]: value } }))}
    />
  );
  const usual = fields.filter((field) => !field.more);
  const [before, after] = draft.signIn ? split(usual) : [usual, []];
  return (
    <>
      {before.map(show)}
      {draft.signIn && (
        <Choice
          label={t("destinations.sign_in")}
          text={
            (draft.signIn === "kept" && t("destinations.sign_in_kept")) ||
            (isOtherWay(draft) && t("destinations.sign_in_other"))
          }
          value={draft.signIn}
          options={waysOf(draft).map((way) => [way, t(`destinations.sign_in_by.${way}`)])}
          onChange={(signIn) => change((before) => ({ ...before, signIn }))}
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
