// What stands beside every page: the state of the connection, the colours, the way out.
import { html, useState, ask } from "./lib.js";

const THEME = "rekku.theme";

export function State({ connection }) {
  const words = { open: "Connected", connecting: "Connecting …", away: "Rekku is away …", ended: "Logged out" }[
    connection.state
  ];
  const look = { open: "", connecting: "wait" }[connection.state] ?? "off";
  return html`<div class="state small" role="status"><span class=${"dot " + look}></span>${words}</div>`;
}

export function Theme() {
  const [theme, setTheme] = useState(chosen);
  const next = { auto: "light", light: "dark", dark: "auto" }[theme];
  const change = () => {
    localStorage.setItem(THEME, next);
    showTheme();
    setTheme(next);
  };
  return html`<button class="plain" onClick=${change} aria-label=${`Colours: ${theme}. Change to ${next}.`}>
    Colours: ${theme}
  </button>`;
}

export function LogOut({ look }) {
  return html`<button
    class="plain"
    onClick=${async () => {
      try {
        await ask("logout", {});
      } finally {
        sessionStorage.clear(); // what was written here and not sent
        look();
      }
    }}
  >
    Log out
  </button>`;
}

export function showTheme() {
  const theme = chosen();
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function chosen() {
  const theme = localStorage.getItem(THEME);
  return ["light", "dark"].includes(theme) ? theme : "auto";
}
