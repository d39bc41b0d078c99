// The tray under test, over the session's bus as a tray host speaks: StatusNotifierItem and com.canonical.dbusmenu.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { screenshot, sleep, until, xdotool } from "./window.mjs";

const icons = path.join(import.meta.dirname, "../../icons/tray");
const WATCHER = "org.kde.StatusNotifierWatcher";

/** A panel with nothing but a tray. Its end takes the tray host away. */
export class Panel {
  static async start(theme = "Adwaita") {
    const dir = path.join(process.env.HOME, ".config/xfce4/xfconf/xfce-perchannel-xml");
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, "xfce4-panel.xml"), CONFIG);
    const env = { ...process.env, GTK_THEME: theme };
    const panel = new Panel(spawn("xfce4-panel", ["--disable-wm-check"], { env, stdio: "ignore" }));
    await until("the tray host", () => hasOwner(WATCHER));
    return panel;
  }

  constructor(process_) {
    this.process = process_;
    process.once("exit", () => process_.kill());
    // A test that failed before it could end the panel ends all the same.
    process_.unref();
  }

  end() {
    this.process.kill();
  }

  async stop() {
    this.end();
    await until("the end of the tray host", () => !hasOwner(WATCHER));
  }
}

export class Tray {
  /** Waits until the process has an item in the tray. */
  static async of(pid) {
    return until(`a tray item of process ${pid}`, () => {
      const items = property(WATCHER, "/StatusNotifierWatcher", WATCHER, "RegisteredStatusNotifierItems");
      for (const [, bus, object] of items.matchAll(/'([^'/]+)(\/[^']+)'/g)) {
        if (processOf(bus) === pid) return new Tray(bus, object);
      }
      return null;
    });
  }

  constructor(bus, object) {
    this.bus = bus;
    this.object = object;
  }

  /** The file of the icon that is shown. */
  icon() {
    const name = property(this.bus, this.object, "org.kde.StatusNotifierItem", "IconName");
    return /<'(.*)'>/.exec(name)[1];
  }

  /** Waits until it shows the icon of this name. */
  shows(name, ms) {
    const wanted = pixels(path.join(icons, `${name}.png`));
    return until(`the icon "${name}"`, () => pixels(this.icon()) === wanted, ms);
  }

  /** All items, those of submenus too, in their order. */
  menu() {
    const layout = call(this.bus, `${this.object}/Menu`, "com.canonical.dbusmenu.GetLayout", "--", "0", "-1", "[]");
    return [...layout.matchAll(/\((\d+), \{([^}]*)\}/g)].map(([, id, properties]) => ({
      id,
      label:
        /'label': <(?:'((?:[^'\\]|\\.)*)'|"([^"]*)")>/
          .exec(properties)
          ?.slice(1)
          .find((l) => l !== undefined) ?? "",
      enabled: !/'enabled': <false>/.test(properties),
    }));
  }

  labels() {
    return this.menu().map((item) => item.label);
  }

  /** Waits until the menu has an item that says this. */
  says(pattern, ms) {
    let last = [];
    return until(
      `a menu item ${pattern}`,
      () => {
        last = this.labels();
        return last.some((label) => pattern.test(label));
      },
      ms,
    ).catch((error) => {
      throw new Error(`${error.message}; the menu says:\n${last.join("\n")}`);
    });
  }

  choose(label) {
    const item = this.menu().find((i) => i.label === label);
    if (!item) throw new Error(`no "${label}" in the menu: ${this.labels().join(", ")}`);
    if (!item.enabled) throw new Error(`"${label}" cannot be chosen`);
    call(this.bus, `${this.object}/Menu`, "com.canonical.dbusmenu.Event", item.id, "clicked", "<0>", "0");
  }
}

/** With the pointer, as a user does, for the picture only. */
export async function openMenu(name) {
  if (!process.env.HOLDFAST_SCREENSHOTS) return;
  await sleep(1000);
  xdotool("mousemove", "16", "884", "click", "1");
  await sleep(1000);
  xdotool("key", "Down", "Right");
  await sleep(700);
  screenshot(name);
  xdotool("key", "Escape", "Escape", "Escape");
}

function pixels(file) {
  return execFileSync("convert", [file, "-depth", "8", "rgba:-"], { maxBuffer: 1 << 20 }).toString("base64");
}

function hasOwner(name) {
  return call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", name).includes("true");
}

function processOf(bus) {
  const answer = call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetConnectionUnixProcessID", bus);
  return Number(/(\d+),?\)/.exec(answer)[1]);
}

function property(bus, object, of, name) {
  return call(bus, object, "org.freedesktop.DBus.Properties.Get", of, name);
}

function call(bus, object, method, ...args) {
  const where = ["--session", "--dest", bus, "--object-path", object, "--method", method];
  const stdio = ["ignore", "pipe", "pipe"];
  return execFileSync("gdbus", ["call", "--timeout", "5", ...where, ...args], { encoding: "utf8", stdio }).trim();
}

const CONFIG = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=10;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="0"/>
    </property>
  </property>
</channel>
`;
