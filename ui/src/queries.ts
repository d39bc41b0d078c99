// What the page has asked the program, by key. An act that ends, and every change made here, makes all of it stale.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { CadenceText } from "./bindings/CadenceText";
import type { Problem } from "./bindings/Problem";
import type { RetentionReport } from "./bindings/RetentionReport";
import type { Shrunk } from "./bindings/Shrunk";
import { type Host, useHost } from "./host";

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
export const useFreeSpace = (name: string) => useAsked(["free-space", name], (h) => h.freeSpace(name));
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

/** What a policy that is being typed would do; null: it is none yet. What the one before would have done stays until it comes. */
export function useRetentionPreview(name: string, changes: [string, string][] | null, shrunk: Shrunk) {
  const host = useHost();
  return useQuery<RetentionReport, Problem>({
    queryKey: ["retention-preview", name, changes, shrunk],
    queryFn: () => host.previewRetention(name, changes ?? [], shrunk),
    enabled: changes !== null,
    placeholderData: keepPreviousData,
  });
}

/** Something that changes what was asked before. */
export function useChange<In, Out>(change: (host: Host, input: In) => Promise<Out>) {
  const host = useHost();
  const asked = useQueryClient();
  return useMutation<Out, Problem, In>({
    mutationFn: (input) => change(host, input),
    onSettled: () => asked.invalidateQueries(),
  });
}

/** Gives a secret away. Once that is settled, and `reset`, nothing here remembers it: what was asked is otherwise kept for minutes. */
export function useSecret(give: (host: Host, secret: string) => Promise<void>) {
  const host = useHost();
  const asked = useQueryClient();
  return useMutation<void, Problem, string>({
    mutationFn: (secret) => give(host, secret),
    onSettled: () => asked.invalidateQueries(),
    gcTime: 0,
  });
}

/** A question asked by hand (a test, a plan): it changes nothing. */
export function useQuestion<In, Out>(ask: (host: Host, input: In) => Promise<Out>) {
  const host = useHost();
  return useMutation<Out, Problem, In>({ mutationFn: (input) => ask(host, input) });
}
