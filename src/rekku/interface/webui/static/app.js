// The frame: who is there, which page is shown, the way between the pages.
import { html, render, useEffect, useState, ask, setCsrf, onLoggedOut, icon } from "./lib.js";
import { Connection, useConnection } from "./connection.js";
import { Gate } from "./pages/gate.js";
import { Chat } from "./pages/chat.js";
import { LogOut, State, Theme, showTheme } from "./frame.js";

const PAGES = [
  ["chat", "Chat", () => Promise.resolve({ default: Chat })],
  ["desk", "Desk", () => import("./pages/desk.js")],
  ["parts", "Components", () => import("./pages/parts.js")],
  ["events", "Events", () => import("./pages/events.js"), "event"],
  ["diary", "Diary", () => import("./pages/diary.js"), "ai_diary"],
  ["people", "People", () => import("./pages/people.js")],
  ["activity", "Activity", () => import("./pages/activity.js")],
  ["terminal", "Terminal", () => import("./pages/terminal.js"), "terminal"],
  ["log", "Log", () => import("./pages/log.js")],
  ["settings", "Settings", () => import("./pages/settings.js")],
  ["access", "Access", () => import("./pages/access.js")],
];

function useHash() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const change = () => setHash(location.hash);
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return hash;
}

function App() {
  const [me, setMe] = useState(null);
  const [fault, setFault] = useState("");
  const come = (told) => {
    setCsrf(told.csrf);
    setMe(told);
  };
  const look = async () => {
    try {
      come(await ask("me"));
      setFault("");
    } catch (failed) {
      setFault(failed.message);
      setTimeout(look, 2000);
    }
  };
  useEffect(() => {
    look();
    return onLoggedOut(() => setMe((before) => ({ ...before, kind: "" })));
  }, []);
  if (!me) return html`<div class="gate"><p class="small">${fault}</p></div>`;
  const link = /^#link=([\w-]+)$/.exec(location.hash);
  if (!me.kind || link) return html`<${Gate} me=${me} link=${link?.[1]} come=${come} />`;
  return html`<${Frame} key=${me.chat + me.csrf} me=${me} look=${look} />`;
}

function Frame({ me, look }) {
  const [connection] = useState(() => new Connection(me.chat));
  useConnection(connection);
  useEffect(() => () => connection.close(), [connection]);
  useEffect(() => {
    if (connection.state === "ended") look();
  }, [connection.state]);
  const owner = me.kind === "owner";
  const pages = owner ? PAGES.filter(([, , , plugin]) => !plugin || me.panels.includes(plugin)) : PAGES.slice(0, 1);
  const wanted = useHash().slice(1).split("/")[0];
  const current = pages.find(([id]) => id === wanted) || pages[0];
  const count = connection.waiting.length;
  const waits = html`<span class="count" aria-label=${`${count} waiting`}>${count}</span>`;
  const links = pages.map(
    ([id, name]) =>
      html`<a key=${id} href=${"#" + id} aria-current=${id === current[0] ? "page" : undefined}
        >${icon(id)}<span>${name}</span>${id === "desk" && count > 0 && waits}</a
      >`,
  );
  const inSight = (nav) =>
    nav?.querySelector("[aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  return html`<div class="frame">
    <a
      class="skip button"
      href="#main"
      onClick=${(event) => {
        event.preventDefault();
        document.getElementById("main").focus();
      }}
      >Skip to the page</a
    >
    <nav class="side" aria-label="Pages">
      <div class="brand"><img src="/static/icon.svg" alt="" />Rekku</div>
      ${links}<span class="grow"></span><${State} connection=${connection} /><${Theme} /><${LogOut} look=${look} />
    </nav>
    <main id="main" tabindex="-1">
      <${Lazy}
        key=${current[0]}
        load=${current[2]}
        title=${current[1]}
        me=${me}
        connection=${connection}
        look=${look}
      />
    </main>
    ${pages.length > 1 && html`<nav class="tabs" aria-label="Pages" ref=${inSight}>${links}</nav>`}
  </div>`;
}

function Lazy({ load, title, ...given }) {
  const [Page, setPage] = useState(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    document.title = `${title} · Rekku`;
    load().then(
      (module) => setPage(() => module.default),
      () => setFault("This page could not be loaded. Is Rekku running?"),
    );
  }, []);
  if (fault) return html`<div class="page"><p class="fault">${fault}</p></div>`;
  return Page && html`<${Page} ...${given} />`;
}

showTheme();
render(html`<${App} />`, document.getElementById("app"));
