// The socket to Rekku: comes back by itself, loses nothing and shows nothing twice.
import { useEffect, useState } from "./lib.js";

const KEPT = "rekku.unkept.";
const PING_EVERY = 25000;
const SILENCE = 60000;

export class Connection {
  constructor(chat) {
    this.chat = chat;
    this.lines = new Map(); // by id
    this.pending = this.#saved(); // [{id, text, files, at}], said here and not yet kept by Rekku
    this.failed = new Map(); // id → why it was not taken
    this.outcomes = new Map();
    this.waiting = []; // prompts on the desk
    this.records = [];
    this.commands = null;
    this.notices = [];
    this.files = []; // attached, and not yet sent
    this.typing = false;
    this.more = true;
    this.last = 0;
    this.state = "connecting";
    this.listeners = new Set();
    this.watchingLog = false;
    this.tries = 0;
    this.closed = false;
    this.#open();
    this.beat = setInterval(() => this.#beat(), PING_EVERY);
    this.back = () => {
      if (this.state !== "open") this.#again(0);
    };
    addEventListener("online", this.back);
    addEventListener("visibilitychange", this.back);
  }

  close() {
    this.closed = true;
    clearInterval(this.beat);
    clearTimeout(this.timer);
    removeEventListener("online", this.back);
    removeEventListener("visibilitychange", this.back);
    this.socket?.close();
  }

  say(text, files = []) {
    const message = { id: crypto.randomUUID?.() ?? fallbackId(), text, files, at: new Date().toISOString() };
    this.pending = [...this.pending, message];
    this.#save();
    this.#sayAgain(message);
    this.#changed();
  }

  forget(id) {
    this.pending = this.pending.filter((message) => message.id !== id);
    this.failed.delete(id);
    this.#save();
    this.#changed();
  }

  answer(question, text) {
    this.#send({ type: "answer", question, text });
  }
  older() {
    const first = this.ordered()[0];
    if (first) this.#send({ type: "older", before: first.n });
  }
  watchLog(on) {
    this.watchingLog = on;
    this.#send({ type: "log", on });
  }
  ordered() {
    return [...this.lines.values()].filter((line) => line.state !== "gone").sort((a, b) => a.n - b.n);
  }
  dismiss() {
    this.notices = [];
    this.#changed();
  }
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  #open() {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.socket?.close(); // one that still tries
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/web/socket`);
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", last: this.last }));
    socket.onmessage = (event) => {
      this.heard = Date.now();
      this.#take(JSON.parse(event.data));
      this.#changed();
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.state = event.code === 4401 ? "ended" : "away";
      this.typing = false;
      this.#changed();
      if (event.code === 4401 || this.closed) return;
      this.#again(Math.min(10000, 300 * 2 ** this.tries++) * (0.7 + Math.random() * 0.6));
    };
  }

  #again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#open(), wait);
  }

  #beat() {
    if (this.state !== "open") return;
    if (Date.now() - this.heard > SILENCE) {
      this.socket.close();
      return;
    }
    this.#send({ type: "ping" });
  }

  #send(record) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(record));
  }
  #sayAgain({ id, text, files }) {
    if (this.state === "open") this.#send({ type: "say", id, text, files: files.map((file) => file.id) });
  }

  #take(record) {
    switch (record.type) {
      case "lines":
        if (record.anew) {
          this.lines.clear();
          this.more = record.lines.length >= 50;
        }
        record.lines.forEach((line) => this.#put(line));
        this.last = record.seq;
        this.state = "open";
        this.tries = 0;
        this.pending.forEach((message) => {
          if (!this.failed.has(message.id)) this.#sayAgain(message);
        });
        if (this.watchingLog) this.watchLog(true);
        break;
      case "line":
        this.#put(record.line);
        this.last = Math.max(this.last, record.line.seq);
        break;
      case "draft": {
        const line = this.lines.get(record.id);
        if (line) this.lines.set(record.id, { ...line, text: record.text });
        break;
      }
      case "older":
        record.lines.forEach((line) => this.#put(line));
        this.more = record.more;
        break;
      case "kept":
        this.forget(record.id);
        break;
      case "lost":
        this.failed.set(record.id, record.reason);
        break;
      case "unkept":
        setTimeout(() => {
          const left = this.pending.find((m) => m.id === record.id);
          if (left) this.#sayAgain(left);
        }, 3000);
        break;
      case "done":
        this.outcomes.set(record.id, record.outcome);
        break;
      case "typing":
        this.typing = record.active;
        break;
      case "desk":
        this.waiting = record.waiting;
        break;
      case "commands":
        this.commands = record.commands;
        break;
      case "log":
        this.records = [...(record.anew ? [] : this.records), ...record.records].slice(-1500);
        break;
      case "notice":
        this.notices = [...this.notices.slice(-2), record.text];
        break;
    }
  }

  #put(line) {
    const known = this.lines.get(line.id);
    if (!known || known.seq <= line.seq) this.lines.set(line.id, line);
  }

  #saved() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT + this.chat)) || [];
    } catch {
      return [];
    }
  }
  #save() {
    try {
      sessionStorage.setItem(KEPT + this.chat, JSON.stringify(this.pending));
    } catch {
      /* private window */
    }
  }
  #changed() {
    this.listeners.forEach((listener) => listener());
  }
}

function fallbackId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Draw again whenever the connection has news. */
export function useConnection(connection) {
  const [, draw] = useState(0);
  useEffect(() => {
    let asked = false;
    const drawSoon = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        draw((count) => count + 1);
      });
    };
    drawSoon(); // there may have been news since this was drawn first
    return connection.subscribe(drawSoon);
  }, [connection]);
  return connection;
}
