// A window under test: the W3C WebDriver protocol straight to WebKitWebDriver, and xdotool for the desktop's own dialogs.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Keys as one presses them to empty a field: all of it selected, and deleted. */
const EMPTYING = "\uE009a\uE000\uE003";

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until it gets a truthy answer; the last answer or error is in the failure. */
export async function until(what, ask, ms = 30_000) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}; last: ${last}`);
    await sleep(80);
  }
}

export class Window {
  static async open(binary, env = {}) {
    const port = await freePort();
    const driver = spawn("WebKitWebDriver", [`--port=${port}`], {
      env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: "true", ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    process.once("exit", () => driver.kill());
    const window = new Window(`http://127.0.0.1:${port}`, driver);
    await until("the driver", () => window.#request("GET", "/status"));
    const options = { "webkitgtk:browserOptions": { binary, args: [] } };
    const session = await window.#request("POST", "/session", { capabilities: { alwaysMatch: options } });
    window.session = `/session/${session.sessionId}`;
    window.program = await until("the program's process", () => childOf(driver.pid));
    return window;
  }

  constructor(base, driver) {
    this.base = base;
    this.driver = driver;
  }

  async #request(method, where, body) {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.base + where, { method, headers, body: json });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${where}: ${value?.error}: ${value?.message}`);
    return value;
  }

  #ask(method, where, body) {
    return this.#request(method, this.session + where, body);
  }

  #element(xpath) {
    return this.#ask("POST", "/element", { using: "xpath", value: xpath });
  }

  /** Clicks what carries this text or label, once it is there and takes clicks. */
  async click(name, within = "") {
    const text = quote(name);
    const own = `normalize-space(.)=${text} or @aria-label=${text} or @title=${text}`;
    const xpath = `(${within}//*[self::button or self::a or self::label][${own}][not(@disabled)])[last()]`;
    let sent = false;
    await until(`a click on "${name}"`, async () => {
      // The click that ends the program may get no answer.
      if (sent && !this.isRunning()) return true;
      const element = await this.#element(xpath);
      const place = async () => JSON.stringify(await this.#ask("GET", `/element/${element[ELEMENT]}/rect`));
      const before = await place();
      await sleep(120);
      // What still moves would be missed.
      if (before !== (await place())) return false;
      sent = true;
      await this.#ask("POST", `/element/${element[ELEMENT]}/click`, {});
      return true;
    });
  }

  /** Types into the field of this label, in the place of what is there. */
  async type(label, text) {
    const xpath = `(//*[self::input or self::textarea][@id=//label[starts-with(normalize-space(.),${quote(label)})]/@for])[last()]`;
    await until(`the field "${label}"`, async () => {
      const element = await this.#element(xpath);
      // What still folds open takes nothing yet.
      if (text) await this.#ask("POST", `/element/${element[ELEMENT]}/clear`, {});
      await this.#ask("POST", `/element/${element[ELEMENT]}/value`, { text: text || EMPTYING });
      return true;
    });
  }

  /** Of a list that opens. */
  async choose(label, option) {
    const field = `(//input[@id=//label[starts-with(normalize-space(.),${quote(label)})]/@for])[last()]`;
    const wanted = `(//*[@role='option'][normalize-space(.)=${quote(option)}])[last()]`;
    for (const xpath of [field, wanted]) {
      const element = await until(`"${option}" of "${label}"`, () => this.#element(xpath));
      await sleep(200);
      await this.#ask("POST", `/element/${element[ELEMENT]}/click`, {});
    }
  }

  async text() {
    return this.#ask("POST", "/execute/sync", { script: "return document.body.innerText", args: [] });
  }

  run(script, ...args) {
    return this.#ask("POST", "/execute/sync", { script, args });
  }

  /** Waits until the page says this somewhere. */
  async says(pattern, ms) {
    let last = "";
    try {
      return await until(
        `the words ${pattern}`,
        async () => {
          last = await this.text();
          return pattern.test(last);
        },
        ms,
      );
    } catch (error) {
      throw new Error(`${error.message}; the page says:\n${last}`);
    }
  }

  /** Into the folder of `HOLDFAST_SCREENSHOTS`, where it is set. */
  async shot(name) {
    const dir = process.env.HOLDFAST_SCREENSHOTS;
    if (!dir) return;
    // What was just changed may not be painted yet.
    await sleep(400);
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, `${name}.png`), Buffer.from(await this.#ask("GET", "/screenshot"), "base64"));
  }

  /** Ends the program from outside, as a test's end does: closing its window alone would leave it in the tray. */
  async close() {
    try {
      await this.#ask("DELETE", "");
    } finally {
      this.driver.kill();
      process.kill(Number(this.program), "SIGKILL");
    }
  }

  isRunning() {
    return isAlive(this.program);
  }

  /** Waits until the program has ended of itself. */
  async ended() {
    await until("the end of the program", () => !this.isRunning(), 60_000);
    this.driver.kill();
  }

  /** Everything on the display, dialogs included. */
  desktop(name) {
    const dir = process.env.HOLDFAST_SCREENSHOTS;
    if (!dir) return;
    mkdirSync(dir, { recursive: true });
    execFileSync("import", ["-window", "root", path.join(dir, `${name}.png`)]);
  }
}

/** Answers a dialog of the desktop by typing a path into it, as a user with a keyboard does. */
export async function answerDialog(title, file) {
  const find = () => xdotool("search", "--onlyvisible", "--name", `^${title}$`).split("\n")[0];
  const id = await until(`the dialog "${title}"`, find);
  await sleep(600); // A dialog that is mapped but not yet focused drops keys.
  xdotool("windowactivate", "--sync", id);
  xdotool("key", "--clearmodifiers", "ctrl+l");
  await sleep(300);
  xdotool("key", "--clearmodifiers", "ctrl+a");
  xdotool("type", "--delay", "8", file);
  await sleep(400);
  xdotool("key", "Return");
  await until(`the end of the dialog "${title}"`, async () => {
    if (!visible(id)) return true;
    await sleep(700);
    if (!visible(id)) return true;
    xdotool("windowactivate", "--sync", id);
    xdotool("key", "Return");
    return false;
  });
}

function childOf(parent) {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.find((pid) => stat(pid)?.parent === String(parent));
}

/** Nobody may have waited for a process that has ended: it stays as a zombie. */
function isAlive(pid) {
  const found = stat(pid);
  return found !== null && found.state !== "Z" && found.state !== "X";
}

/** After the name, which may hold anything, in parentheses. */
function stat(pid) {
  try {
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    return { state, parent };
  } catch {
    return null;
  }
}

function visible(id) {
  try {
    return execFileSync("xwininfo", ["-id", id], { encoding: "utf8", stdio: "pipe" }).includes("IsViewable");
  } catch {
    return false;
  }
}

export function xdotool(...args) {
  // A window that is gone meanwhile would be waited for without end.
  return execFileSync("xdotool", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 10_000 }).trim();
}

export function freePort() {
  return new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function quote(text) {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}

/** Of the whole display, where screenshots are kept. */
export function screenshot(name) {
  const dir = process.env.HOLDFAST_SCREENSHOTS;
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  execFileSync("import", ["-window", "root", path.join(dir, `${name}.png`)]);
}
