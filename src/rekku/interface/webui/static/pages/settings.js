// Settings: forms made of the declarations. Secrets are written, never shown.
import { html, useState, ask, useAsked, Fault, Select } from "../lib.js";

const SOURCES = { environment: "set in the environment", ".env": "set by you" };

export default function Settings() {
  const [told, error, , setTold] = useAsked("settings");
  const [changes, setChanges] = useState({});
  const [search, setSearch] = useState("");
  const [fault, setFault] = useState("");
  const [fine, setFine] = useState("");
  const change = (name, text) => {
    setFine("");
    setChanges((before) => {
      const after = { ...before };
      if (text === null) delete after[name];
      else after[name] = text;
      return after;
    });
  };
  const save = async () => {
    try {
      setTold(await ask("settings/change", { changes }));
      setChanges({});
      setFault("");
      setFine("Saved. What belongs to a component works at once; Rekku's own settings at its next start.");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  const found = (told || []).filter((setting) =>
    (setting.name + setting.description + setting.component).toLowerCase().includes(search.toLowerCase()),
  );
  const groups = [...new Set(found.map((setting) => setting.component))];
  const count = Object.keys(changes).length;
  return html`<div class="page">
    <header>
      <h1>Settings</h1>
      <p>
        They are kept in <code>.env</code> of Rekku's home. What stands in the environment of the process can only be
        changed there.
      </p>
    </header>
    <${Fault} text=${error} />
    <div class="card">
      <label for="find">Find</label
      ><input id="find" type="search" value=${search} onInput=${(e) => setSearch(e.target.value)} />
    </div>
    <div role="status">${fine && html`<p class="fine">${fine}</p>`}</div>
    ${groups.map(
      (group) =>
        html`<section class="card" key=${group}>
          <h2>${group}</h2>
          ${found
            .filter((setting) => setting.component === group)
            .map(
              (setting) =>
                html`<${Setting}
                  key=${setting.name}
                  setting=${setting}
                  text=${changes[setting.name]}
                  change=${change}
                />`,
            )}
        </section>`,
    )}
    ${
      count > 0 &&
      html`<div class="savebar">
        <span>${count === 1 ? "One change" : `${count} changes`}</span
        ><span class="grow"><${Fault} text=${fault} /></span><button class="main" onClick=${save}>Save</button
        ><button
          onClick=${() => {
            setChanges({});
            setFault("");
          }}
        >
          Undo
        </button>
      </div>`
    }
  </div>`;
}

function Setting({ setting, text, change }) {
  const fixed = setting.source === "environment";
  const told = { id: "set-" + setting.name, disabled: fixed, "aria-describedby": "about-" + setting.name };
  const write = (value) => change(setting.name, value === setting.text && !setting.secret ? null : value);
  return html`<form class="setting" onSubmit=${(e) => e.preventDefault()}>
    <div>
      <label for=${told.id}>${setting.name}</label>
      <p class="small" id=${"about-" + setting.name}>
        ${setting.description}${setting.expects !== "a text" ? ` (${setting.expects})` : ""}
      </p>
    </div>
    <div>
      <${Field} setting=${setting} text=${text} told=${told} write=${write} />
      <div class="row">
        <span class="small">${SOURCES[setting.source] ?? (setting.required ? "required" : "default")}</span>
        ${
          setting.source === ".env" &&
          text === undefined &&
          html`<button class="plain" onClick=${() => change(setting.name, "")}>Remove</button>`
        }
        ${text === "" && html`<span class="tag warn">will be removed</span>`}
      </div>
    </div>
  </form>`;
}

/** Where a value is written or chosen; that of a secret is not shown. */
function Field({ setting, text, told, write }) {
  const shown = text ?? setting.text;
  if (setting.kind === "bool") {
    const on = ["on", "1", "true", "yes"].includes(shown.toLowerCase());
    return html`<${Select} ...${told} value=${on ? "on" : "off"} options=${[["on"], ["off"]]} change=${write} />`;
  }
  if (setting.choices.length && setting.kind !== "list") {
    const options = setting.choices.map((one) => [one]);
    return html`<${Select} ...${told} value=${shown} options=${options} change=${write} />`;
  }
  const input = { ...told, onInput: (event) => write(event.target.value) };
  if (!setting.secret) return html`<input ...${input} value=${shown} />`;
  return html`<input
    ...${input}
    type="password"
    autocomplete="new-password"
    value=${text ?? ""}
    placeholder=${setting.set ? "set; write here to change it" : "not set"}
  />`;
}
