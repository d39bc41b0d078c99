// One of a few, side by side.
import { SegmentedControl, Text } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** With its name above and what it means below. */
export function Choice<V extends string>(props: {
  label: string;
  text?: ReactNode;
  value: V;
  options: [V, string][];
  onChange: (value: V) => void;
}) {
  const id = useId();
  return (
    <div>
      <Text size="sm" fw={500} id={id}>
        {props.label}
      </Text>
      {props.text && (
        <Text size="xs" className="quiet" mb={4}>
          {props.text}
        </Text>
      )}
      <SegmentedControl
        aria-labelledby={id}
        value={props.value}
        onChange={(value) => props.onChange(value as V)}
        data={props.options.map(([value, label]) => ({ value, label }))}
      />
    </div>
  );
}
