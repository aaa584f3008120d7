// Terminals: shells of Rekku's own, for the owner. They go on while the page is closed.
import { html, useEffect, useRef, useState, ask, stylesheet, Fault } from "../lib.js";

const KEYS = [
  ["Esc", "\x1b"],
  ["Tab", "\t"],
  ["←", "\x1b[D", "Left"],
  ["↑", "\x1b[A", "Up"],
  ["↓", "\x1b[B", "Down"],
  ["→", "\x1b[C", "Right"],
];

const LOOK_EVERY = 5000; // what runs in each

export default function Terminals() {
  const [told, setTold] = useState(null);
  const [current, setCurrent] = useState("");
  const [reader, setReader] = useState(false);
  const [fault, setFault] = useState("");
  const call = async (deed, given = {}) => {
    try {
      const answer = await ask("plugin/terminal/" + deed, given);
      setFault("");
      return answer;
    } catch (failed) {
      setFault(failed.message);
      return null;
    }
  };
  const look = async () => {
    const found = await call("screens");
    if (found) setTold(found);
    return found;
  };
  const begin = async () => {
    const made = await call("open", { columns: 80, rows: 24 });
    if (made && (await look())) setCurrent(made.screen);
  };
  const end = async (screen) => {
    const left = await call("close", { screen });
    if (!left) return;
    setTold(left);
    setCurrent(left.screens.at(-1)?.screen ?? "");
  };
  useEffect(() => {
    look().then((found) => (found?.screens.length ? setCurrent(found.screens[0].screen) : found && begin()));
    const again = () => ask("plugin/terminal/screens", {}).then(setTold, () => {}); // what was told otherwise stays
    const timer = setInterval(() => document.visibilityState === "visible" && again(), LOOK_EVERY);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="page terminals">
    <header>
      <h1>Terminal</h1>
      ${told && html`<p>${where(told)}</p>`}
    </header>
    <div class="row" role="group" aria-label="Terminals">
      ${told?.screens.map(
        ({ screen, number, running }) =>
          html`<button key=${screen} aria-pressed=${screen === current} onClick=${() => setCurrent(screen)}>
            ${number}: ${running || "bash"}
          </button>`,
      )}
      <button onClick=${begin}>New</button>
      ${current && html`<button class="plain danger" onClick=${() => end(current)}>Close</button>`}
      <label class="tick">
        <input type="checkbox" checked=${reader} onChange=${(event) => setReader(event.target.checked)} /> For a screen
        reader
      </label>
    </div>
    <${Fault} text=${fault} />
    ${
      current && html`<${Shown} key=${current + reader} name=${current} reader=${reader} look=${look} begin=${begin} />`
    }
  </div>`;
}

/** What a shell can reach, in words. */
function where({ sandbox, network, folder }) {
  if (!sandbox) return "Without a sandbox: what you write here can do everything that Rekku itself can.";
  return `In a sandbox: it can write to ${folder} alone, ${network ? "and reaches the network" : "without a network"}.`;
}

function Shown({ name, reader, look, begin }) {
  const box = useRef();
  const screen = useRef(null);
  const way = useRef();
  const [state, setState] = useState("connecting");
  const [sentence, setSentence] = useState("");
  const [control, setControl] = useState(false);
  useEffect(() => {
    let gone = false;
    const told = (now, why) => {
      setState(now);
      setSentence(why);
      if (now === "ended") look();
    };
    const start = async () => {
      try {
        const [{ Screen }] = await Promise.all([import("../screen.js"), stylesheet("vendor/xterm.css")]);
        if (gone) return;
        screen.current = new Screen(name, box.current, { told, reader, released: () => setControl(false) });
        screen.current.focus();
      } catch {
        if (!gone) told("away", "The terminal could not be loaded. Is Rekku running?");
      }
    };
    start();
    return () => {
      gone = true;
      screen.current?.close();
    };
  }, []);
  const press = (keys) => () => {
    if (screen.current) screen.current.control = false;
    screen.current?.type(keys);
    setControl(false);
    screen.current?.focus();
  };
  const hold = () => {
    if (screen.current) screen.current.control = !control;
    setControl(!control);
    screen.current?.focus();
  };
  const words = { connecting: "Connecting …", away: "Rekku is away …", open: "" }[state] ?? "";
  return html`<div class="screen" ref=${box} onleave=${() => way.current.focus()}></div>
    <div class="row keys">
      <span role="status" class="small grow">${sentence || words}</span>
      ${state === "ended" && html`<button class="main" onClick=${begin}>New shell</button>`}
      <button class="plain" ref=${way} aria-pressed=${control} onClick=${hold}>Ctrl</button>
      ${KEYS.map(
        ([label, keys, spoken]) =>
          html`<button class="plain" key=${label} aria-label=${spoken ?? label} onClick=${press(keys)}>
            ${label}
          </button>`,
      )}
      <span class="small hint">Shift+Esc leaves the terminal</span>
    </div>`;
}
