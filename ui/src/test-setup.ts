// What jsdom lacks and the components look for.
import "@testing-library/jest-dom/vitest";
import { configure } from "@testing-library/react";

// A busy machine is no verdict: waiting ends when the thing is there.
configure({ asyncUtilTimeout: 15_000, getElementError: (message) => new Error(message?.slice(0, 1500)) });

window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    onchange: null,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
    dispatchEvent: () => false,
  }) as MediaQueryList;

globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

Element.prototype.scrollIntoView ??= () => {};
