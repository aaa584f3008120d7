// One terminal: xterm.js on a socket to its shell. It comes back by itself, and shows everything once.
import { Terminal } from "./vendor/xterm.js";
import { FitAddon } from "./vendor/addon-fit.js";
import "./styles-by-object.js";

const TOLD_EVERY = 32 * 1024; // bytes shown, until Rekku is told
const MOST_KEYS = 16 * 1024; // characters in one frame
const PING_EVERY = 25000;
const RESIZE_AFTER = 80;
const ANSWER = /^\x1b(\[[?>]?[\d;]*([cnRtu]|\$y)|[P\]_].*(\x1b\\|\x07))$/s; // to what a program asked of its screen
const RESET = "\x1bc"; // what a program writes to have an empty screen

const LIGHT = {
  black: "#2a211c",
  red: "#a3212b",
  green: "#2c6e49",
  yellow: "#7a5200",
  blue: "#23559e",
  magenta: "#8a2f7f",
  cyan: "#116b75",
  white: "#6b5f57",
};
const DARK = {
  black: "#3a332d",
  red: "#ff9c9f",
  green: "#8fd0a6",
  yellow: "#eec069",
  blue: "#8fb8f5",
  magenta: "#e3a3da",
  cyan: "#7fd3dc",
  white: "#efe7df",
};

/** The colours of the page, for xterm.js. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const names = luminous(colour("--ink")) ? DARK : LIGHT;
  const bright = Object.fromEntries(Object.entries(names).map(([name, value]) => ["bright" + capital(name), value]));
  return {
    ...names,
    ...bright,
    background: colour("--sheet"),
    foreground: colour("--ink"),
    cursor: colour("--accent"),
    cursorAccent: colour("--accent-ink"),
    selectionBackground: colour("--accent-soft"),
  };
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);
const luminous = (colour) => parseInt(colour.slice(1, 3), 16) > 128;

export class Screen {
  /** `told` is called with the state (open, away, ended) and a sentence, `released` once the bar's Ctrl was
   * used; `reader` is for screen readers. */
  constructor(name, element, { told, released, reader = false }) {
    this.name = name;
    this.element = element;
    this.told = told;
    this.released = released;
    this.at = 0;
    this.shown = 0; // as `at`, of what xterm.js has got through
    this.end = 0; // up to here it was written before this page looked
    this.unsaid = 0;
    this.tries = 0;
    this.answers = true;
    this.control = false; // the next key is pressed with Ctrl
    this.state = "connecting";
    this.terminal = new Terminal({
      theme: colours(),
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: matchMedia("(max-width: 640px)").matches ? 12 : 14,
      minimumContrastRatio: 4.5,
      screenReaderMode: reader,
      scrollback: 5000,
      linkHandler: { activate: () => {} }, // an address in hostile output leads nowhere
    });
    this.fit = new FitAddon();
    this.terminal.loadAddon(this.fit);
    this.terminal.open(element);
    this.terminal.onData((keys) => (ANSWER.test(keys) ? this.#answer(keys) : this.#isOld() || this.type(keys)));
    this.terminal.onBinary((keys) => this.#send({ type: "keys", keys, binary: true }));
    this.terminal.onResize(() => this.#sayLater());
    this.terminal.attachCustomKeyEventHandler((event) => this.#isForShell(event));
    this.watching = [new ResizeObserver(() => this.#fit()), new MutationObserver(() => this.#dress())];
    this.watching[0].observe(element);
    this.watching[1].observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dress = () => this.#dress();
    this.dark.addEventListener("change", this.dress);
    this.beat = setInterval(() => this.#send({ type: "ping" }), PING_EVERY);
    this.#fit();
    this.#open();
  }

  close() {
    this.closed = true;
    clearInterval(this.beat);
    clearTimeout(this.timer);
    clearTimeout(this.saying);
    this.watching.forEach((watcher) => watcher.disconnect());
    this.dark.removeEventListener("change", this.dress);
    hangUp(this.socket);
    this.terminal.dispose();
  }

  focus() {
    this.terminal.focus();
  }

  /** Type into the shell, in pieces that fit into a frame. */
  type(keys) {
    if (this.control && keys.length === 1) {
      keys = controlled(keys);
      this.control = false;
      this.released();
    }
    const characters = keys.length > MOST_KEYS ? [...keys] : [keys];
    for (let at = 0; at < characters.length; at += MOST_KEYS)
      this.#send({ type: "keys", keys: characters.slice(at, at + MOST_KEYS).join("") });
  }

  /** Of several pages on one shell only one answers, else the shell would take the second answer for typing. */
  #answer(keys) {
    if (this.answers && !this.#isOld()) this.#send({ type: "keys", keys, answer: true });
  }

  /** Is it showing what was there before? Then nobody waits any more for what xterm.js answers to it. */
  #isOld() {
    return this.shown < this.end;
  }

  #open() {
    if (this.closed) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/web/terminal/${this.name}?at=${this.at}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      this.unsaid = 0;
      this.answers = true; // until Rekku says that another page does
      this.#state("open");
      this.#saySize();
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#hear(JSON.parse(data)) : this.#show(data));
    socket.onclose = ({ code }) => {
      if (this.socket !== socket || this.closed || this.state === "ended") return;
      if (code === 4401) return this.#state("ended", "You are logged out.");
      this.#state("away");
      this.timer = setTimeout(() => this.#open(), Math.min(10000, 300 * 2 ** this.tries++));
    };
  }

  #show(data) {
    const { socket } = this;
    this.at += data.byteLength;
    const { at } = this;
    this.terminal.write(new Uint8Array(data), () => {
      this.shown = at;
      this.unsaid += data.byteLength;
      if (this.unsaid < TOLD_EVERY || socket !== this.socket) return;
      this.#send({ type: "seen", bytes: this.unsaid });
      this.unsaid = 0;
    });
  }

  #hear(record) {
    if (record.type === "begin") {
      this.end = record.end;
    } else if (record.type === "answers") {
      this.answers = record.on;
      if (record.on) this.#saySize();
    } else if (record.type === "anew") {
      this.at = record.at;
      this.terminal.write(RESET); // behind what still waits to be shown
    } else if (record.type === "ended") {
      this.#state("ended", record.reason);
    } else if (record.type === "fault") {
      this.told(this.state, record.text);
    }
  }

  #state(state, sentence = "") {
    this.state = state;
    this.told(state, sentence);
  }

  #send(record) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(record));
  }

  #fit() {
    if (this.element.clientWidth > 0) this.fit.fit();
  }

  #sayLater() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.#saySize(), RESIZE_AFTER);
  }

  #saySize() {
    this.#send({ type: "size", columns: this.terminal.cols, rows: this.terminal.rows });
  }

  #dress() {
    this.terminal.options.theme = colours();
  }

  /** Some keys are for the page: copying what is selected, and the way out for people without a mouse. */
  #isForShell(event) {
    if (event.type !== "keydown") return true;
    if (event.key === "Escape" && event.shiftKey) {
      this.element.dispatchEvent(new CustomEvent("leave"));
      event.preventDefault();
      return false;
    }
    const copies = event.ctrlKey && event.key.toLowerCase() === "c" && this.terminal.hasSelection();
    if (copies) {
      copy(this.terminal.getSelection());
      this.terminal.clearSelection();
      event.preventDefault();
    }
    const pastes = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "v";
    return !copies && !pastes; // the browser itself pastes
  }
}

/** Close a socket; one that is still on its way as soon as it is there, since a browser calls anything else a fault. */
function hangUp(socket) {
  if (!socket) return;
  socket.onmessage = null;
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

/** What a key means with Ctrl held. */
function controlled(key) {
  const code = key.toUpperCase().charCodeAt(0);
  return code >= 64 && code < 96 ? String.fromCharCode(code & 31) : key;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy"); // where the page has no https, there is only the old way
    field.remove();
  }
}
