// Which room is open, and what it was opened with.
import { createContext, type ReactNode, useContext, useState } from "react";

export type Room =
  | "overview"
  | "instances"
  | "destinations"
  | "schedules"
  | "history"
  | "restore"
  | "keys"
  | "settings";

export type Where =
  | { room: Exclude<Room, "restore" | "instances" | "destinations" | "schedules"> }
  | { room: "instances"; add?: boolean }
  | { room: "destinations"; add?: boolean; archives?: string }
  | { room: "schedules"; add?: boolean }
  | { room: "restore"; archive?: string; instance?: string };

interface Navigation {
  where: Where;
  go: (where: Where) => void;
}

const Context = createContext<Navigation | null>(null);

export function NavigationProvider({ children, start }: { children: ReactNode; start?: Where }) {
  const [where, go] = useState<Where>(start ?? { room: "overview" });
  return <Context.Provider value={{ where, go }}>{children}</Context.Provider>;
}

export function useNavigation(): Navigation {
  const navigation = useContext(Context);
  if (!navigation) throw new Error("no NavigationProvider above");
  return navigation;
}
