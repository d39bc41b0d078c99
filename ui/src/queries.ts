// What the page has asked the program, by key. An act that ends, and every change made here, makes all of it stale but for what is costly.
import { keepPreviousData, type QueryKey, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import type { CadenceText } from "./bindings/CadenceText";
import type { Problem } from "./bindings/Problem";
import type { RetentionReport } from "./bindings/RetentionReport";
import type { Shrunk } from "./bindings/Shrunk";
import { type Host, useHost } from "./host";

const FREE_FOR_MS = 5 * 60_000;

/** They have the program sign in at a destination, or list all that lies there. */
const COSTLY: unknown[] = ["free-space", "retention-preview"];

/** Has everything asked anew that does not cost much, and of what does, only that which is named. */
export function useAnew() {
  const asked = useQueryClient();
  return useCallback(
    (...costly: QueryKey[]) => {
      // They may take long: nothing waits for them.
      for (const queryKey of costly) void asked.invalidateQueries({ queryKey });
      return asked.invalidateQueries({ predicate: ({ queryKey }) => !COSTLY.includes(queryKey[0]) });
    },
    [asked],
  );
}

function useAsked<T>(key: unknown[], ask: (host: Host) => Promise<T>, enabled = true) {
  const host = useHost();
  return useQuery<T, Problem>({ queryKey: key, queryFn: () => ask(host), enabled });
}

export const usePlace = () => useAsked(["place"], (h) => h.place());
export const useSettings = () => useAsked(["settings"], (h) => h.settings());
export const useStatus = () => useAsked(["status"], (h) => h.status());
export const useInstances = () => useAsked(["instances"], (h) => h.instances());
export const useInstanceScan = (name: string) => useAsked(["instance-scan", name], (h) => h.instanceScan(name));
export const useDestinations = () => useAsked(["destinations"], (h) => h.destinations());
export const useArchives = (destination: string | null) =>
  useAsked(["archives", destination], (h) => h.archives(destination));
export const useRetention = (name: string) => useAsked(["retention", name], (h) => h.retention(name));
export const useSchedules = () => useAsked(["schedules"], (h) => h.schedules());
export const useSchedule = (name: string, enabled: boolean) =>
  useAsked(["schedule", name], (h) => h.schedule(name), enabled);
export const useTimeZone = () => useAsked(["time-zone"], (h) => h.timeZone());
export const useHistory = (limit: number) => useAsked(["history", limit], (h) => h.history(limit));
export const useShow = (archive: string | null) =>
  useAsked(["show", archive], (h) => h.show(archive ?? ""), archive !== null);
export const usePublicKeys = () => useAsked(["public-keys"], (h) => h.publicKeys());
export const useRecipients = (ready: boolean) => useAsked(["recipients"], (h) => h.recipients(), ready);
export const useSigners = (ready: boolean) => useAsked(["signers"], (h) => h.signers(), ready);

/** The next times of what is being typed; those of what was typed before stay until they come. */
export function usePreview(cadence: CadenceText | null, zone: string) {
  const host = useHost();
  return useQuery<string[], Problem>({
    queryKey: ["preview", cadence, zone],
    queryFn: () => (cadence ? host.previewSchedule(cadence, zone) : []),
    enabled: cadence !== null,
    placeholderData: keepPreviousData,
  });
}

/** Others may fill the place: after some minutes it is asked again. */
export function useFreeSpace(name: string) {
  const host = useHost();
  return useQuery<number | null, Problem>({
    queryKey: ["free-space", name],
    queryFn: () => host.freeSpace(name),
    staleTime: FREE_FOR_MS,
  });
}

/** What a policy that is being typed would do; null: it is none yet. What the one before would have done stays until it comes. */
export function useRetentionPreview(name: string, changes: [string, string][] | null, shrunk: Shrunk) {
  const host = useHost();
  return useQuery<RetentionReport, Problem>({
    queryKey: ["retention-preview", name, changes, shrunk],
    queryFn: () => host.previewRetention(name, changes ?? [], shrunk),
    enabled: changes !== null,
    placeholderData: keepPreviousData,
    // It is listed whole for this: when it is opened, as it is typed, and when an act ended.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

/** Something that changes what was asked before; of what is costly, `costly`. */
export function useChange<In, Out>(change: (host: Host, input: In) => Promise<Out>, ...costly: QueryKey[]) {
  const host = useHost();
  const anew = useAnew();
  return useMutation<Out, Problem, In>({
    mutationFn: (input) => change(host, input),
    onSettled: () => anew(...costly),
  });
}

/** Gives a secret away. Once that is settled, and `reset`, nothing here remembers it: what was asked is otherwise kept for minutes. */
export function useSecret(give: (host: Host, secret: string) => Promise<void>) {
  const host = useHost();
  const anew = useAnew();
  return useMutation<void, Problem, string>({
    mutationFn: (secret) => give(host, secret),
    onSettled: () => anew(),
    gcTime: 0,
  });
}

/** A question asked by hand (a test, a plan): it changes nothing. */
export function useQuestion<In, Out>(ask: (host: Host, input: In) => Promise<Out>) {
  const host = useHost();
  return useMutation<Out, Problem, In>({ mutationFn: (input) => ask(host, input) });
}
