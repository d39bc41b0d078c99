// A row that opens into its details.
import { Collapse, Group, Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

export function Fold(props: {
  title: ReactNode;
  text: ReactNode;
  /** Of the button, for those who do not see the row. */
  label: string;
  /** At the right, before the arrow. */
  aside: ReactNode;
  children: () => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <div className="choice" style={{ padding: 0 }}>
      <UnstyledButton w="100%" p="sm" aria-expanded={open} aria-label={props.label} onClick={() => setOpen(!open)}>
        <Group justify="space-between" wrap="nowrap" gap="md">
          <div style={{ minWidth: 0, flex: 1 }}>
            <Text fw={600} truncate>
              {props.title}
            </Text>
            <Text size="sm" className="quiet" truncate component="div">
              {props.text}
            </Text>
          </div>
          {props.aside}
          <IconChevronDown size={18} aria-hidden style={{ flex: "none", rotate: open ? "180deg" : "0deg" }} />
        </Group>
      </UnstyledButton>
      <Collapse expanded={open}>{props.children()}</Collapse>
    </div>
  );
}
