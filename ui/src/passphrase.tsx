// Archives that are sealed with a passphrase: whoever asks the program about one is asked for it, and the question goes on. The program keeps it
// until the window is closed; the page keeps nothing.
import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "./bindings/Problem";
import { asProblem, type Host, HostProvider, useHost } from "./host";
import { ProblemNote } from "./shared/states";

/** Resolves to whether one was given. */
type Ask = (wrong: boolean) => Promise<boolean>;

interface Asking {
  wrong: boolean;
  answer: (given: boolean) => void;
}

export function PassphraseProvider({ children }: { children: ReactNode }) {
  const host = useHost();
  const [asking, setAsking] = useState<Asking | null>(null);
  // Several questions at once wait for the same answer.
  const pending = useRef<Promise<boolean> | null>(null);
  const ask = useCallback<Ask>((wrong) => {
    pending.current ??= new Promise<boolean>((answer) => setAsking({ wrong, answer })).finally(() => {
      pending.current = null;
      setAsking(null);
    });
    return pending.current;
  }, []);
  const opening = useMemo(() => opens(host, ask), [host, ask]);
  return (
    <>
      <HostProvider value={opening}>{children}</HostProvider>
      {asking && <Question {...asking} />}
    </>
  );
}

/** The same host, whose questions about an archive wait for a passphrase where one is missing. */
function opens(host: Host, ask: Ask): Host {
  const waiting = async <T,>(question: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await question();
      } catch (thrown) {
        const { code } = asProblem(thrown);
        const about = code === "no_passphrase" || code === "wrong_passphrase";
        if (!about || !(await ask(code === "wrong_passphrase"))) throw thrown;
      }
    }
  };
  const those: Partial<Host> = {
    show: (archive) => waiting(() => host.show(archive)),
    verify: (act, archive) => waiting(() => host.verify(act, archive)),
    drill: (act, archive) => waiting(() => host.drill(act, archive)),
    plan: (archive, instance, components) => waiting(() => host.plan(archive, instance, components)),
    restore: (act, order) => waiting(() => host.restore(act, order)),
    addInstanceFrom: (name, path, archive, accept) => waiting(() => host.addInstanceFrom(name, path, archive, accept)),
  };
  return Object.assign(Object.create(host), those);
}

function Question({ wrong, answer }: Asking) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [refused, setRefused] = useState<Problem | null>(null);
  const host = useHost();
  const give = () => {
    // It is the program's now.
    setTyped("");
    host.givePassphrase(typed).then(
      () => answer(true),
      (thrown) => setRefused(asProblem(thrown)),
    );
  };
  return (
    <Modal
      opened
      onClose={() => answer(false)}
      title={t("passphrase.title")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed) give();
        }}
      >
        <Stack>
          <Text>{t("passphrase.text")}</Text>
          <PasswordInput
            data-autofocus
            label={t("passphrase.label")}
            error={wrong ? t("passphrase.wrong") : undefined}
            value={typed}
            autoComplete="off"
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {refused && <ProblemNote problem={refused} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => answer(false)}>
              {t("app.cancel")}
            </Button>
            <Button type="submit" disabled={typed === ""}>
              {t("passphrase.open")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
