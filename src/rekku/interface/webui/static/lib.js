// What every part of the page uses: the vendored library, requests, small words.
import {
  html,
  render,
  Component,
  useState,
  useEffect,
  useLayoutEffect,
  useRef,
  useMemo,
  useCallback,
} from "./vendor/preact-htm.js";
export { html, render, Component, useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback };

export class Failed extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

let csrf = "";
export function setCsrf(token) {
  csrf = token || "";
}

const left = new Set();
/** Call `listener` when the server says that nobody is logged in. */
export function onLoggedOut(listener) {
  left.add(listener);
  return () => left.delete(listener);
}

/** Ask the server: GET without a body, else POST as JSON (or as it is, for a file). Raises Failed with a sentence. */
export async function ask(path, body) {
  const told = { headers: { "x-rekku-csrf": csrf }, credentials: "same-origin" };
  if (body !== undefined) {
    told.method = "POST";
    told.body = body instanceof Blob ? body : JSON.stringify(body);
    told.headers["content-type"] = body instanceof Blob ? "application/octet-stream" : "application/json";
  }
  let response;
  try {
    response = await fetch("/web/" + path, told);
  } catch {
    throw new Failed("Rekku does not answer. Is it running?", 0);
  }
  let content = null;
  try {
    content = await response.json();
  } catch {
    /* an answer without words */
  }
  if (response.ok) return content;
  if (response.status === 401) left.forEach((listener) => listener());
  throw new Failed(content?.error || `The server answered ${response.status}.`, response.status);
}

/** What a path answers: [content, error, again]. */
export function useAsked(path, deps = []) {
  const [content, setContent] = useState(null);
  const [error, setError] = useState("");
  const again = useCallback(async () => {
    try {
      setContent(await ask(path));
      setError("");
    } catch (failed) {
      setError(failed.message);
    }
  }, [path]);
  useEffect(() => {
    again();
  }, [again, ...deps]);
  return [content, error, again, setContent];
}

const sheets = new Map();
/** Load a stylesheet of the page that not every page needs; once. */
export function stylesheet(path) {
  if (!sheets.has(path)) {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/" + path });
    sheets.set(path, new Promise((done, failed) => Object.assign(link, { onload: done, onerror: failed })));
    document.head.append(link);
  }
  return sheets.get(path);
}

export function time(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
export function day(iso) {
  const date = new Date(iso),
    today = new Date(),
    yesterday = new Date(Date.now() - 864e5);
  if (date.toDateString() === today.toDateString()) return "Today";
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  return date.toLocaleDateString([], {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: date.getFullYear() === today.getFullYear() ? undefined : "numeric",
  });
}
export function size(bytes) {
  return bytes < 1e3 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
export function number(value) {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${Math.round(value / 1e3)} K` : String(value);
}
/** US dollars, the small ones too. */
export function dollars(value) {
  return (
    "$" + (value === 0 ? "0" : value < 0.01 ? value.toPrecision(2) : value < 1 ? value.toFixed(3) : value.toFixed(2))
  );
}

const PATHS = {
  chat: "M4 5h16v11H9l-5 4z",
  desk: "M4 19V8l8-4 8 4v11M4 19h16M9 19v-6h6v6",
  parts: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13v7M13 16.5h7",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0zM6 17a2 2 0 1 0 4 0 2 2 0 0 0-4 0z",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0" +
    "M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  events: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  diary: "M6 3h13v18H6a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM8 3v18M12 8h4",
  activity: "M4 20V10M10 20V4M16 20v-7M22 20H2",
  terminal: "M4 5h16v14H4zM8 10l3 2.5L8 15M13 15h3",
  log: "M5 4h14v16H5zM9 9h6M9 13h6M9 17h3",
  access: "M6 11V8a6 6 0 0 1 12 0v3M5 11h14v9H5zM12 15v2",
  send: "M5 12h14M13 6l6 6-6 6",
  clip: "M20 11.5 12 19.5a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.6 17.2a1.7 1.7 0 0 1-2.4-2.4L15 7",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  stop: "M7 7h10v10H7z",
  out: "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
};
export function icon(name) {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

/** Work that does not begin again while it runs, so that a double click sends a form once. */
export function useOnce(work) {
  const running = useRef(false);
  return async (...given) => {
    if (running.current) return;
    running.current = true;
    try {
      await work(...given);
    } finally {
      running.current = false;
    }
  };
}

/** A button that asks back, and does it at another click; the second click of a double click is none. */
export function Sure({ label, really, act }) {
  const [sure, setSure] = useState(false);
  const press = (event) => {
    if (!sure) setSure(true);
    else if (event.detail < 2) act();
  };
  return html`<button class=${sure ? "danger" : "plain danger"} onClick=${press}>${sure ? really : label}</button>`;
}

/** A choice out of texts; one that is set and not among them is offered, too. */
export function Select({ value, options, change, ...told }) {
  const all = options.some(([one]) => one === value) ? options : [[value, value || "–"], ...options];
  return html`<select ...${told} onChange=${(event) => change(event.target.value)}>
    ${all.map(
      ([one, label]) => html`<option key=${one} value=${one} selected=${one === value}>${label ?? one}</option>`,
    )}
  </select>`;
}

/** A fault, if there is one, read out by a screen reader. */
export function Fault({ text }) {
  return html`<div role="alert">${text && html`<p class="fault">${text}</p>`}</div>`;
}
