// One colour, one font, one spacing scale. Everything else is Mantine's.
import { createTheme, type MantineColorsTuple } from "@mantine/core";

const tide: MantineColorsTuple = [
  "#e6f8f5",
  "#d3ede9",
  "#a7dad3",
  "#78c7bc",
  "#51b6a9",
  "#38ac9d",
  "#1f9788",
  "#0d7f73",
  "#056b62",
  "#005a52",
];

const dark: MantineColorsTuple = [
  "#d5dcdd",
  "#b7c1c3",
  "#93a1a4",
  "#718084",
  "#465459",
  "#334045",
  "#263136",
  "#1a2226",
  "#12181b",
  "#0c1113",
];

export const theme = createTheme({
  primaryColor: "tide",
  primaryShade: { light: 7, dark: 6 },
  colors: { tide, dark },
  autoContrast: true,
  respectReducedMotion: true,
  defaultRadius: "md",
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  components: {
    Modal: { defaultProps: { centered: true, overlayProps: { blur: 2, backgroundOpacity: 0.45 } } },
    Table: { defaultProps: { verticalSpacing: "sm", horizontalSpacing: "md" } },
  },
});
