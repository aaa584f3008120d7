// Components: what is there, what it can do, what it lacks.
import { html, useState, ask, useAsked, Fault, Select } from "../lib.js";

const LOOK = { loaded: "good", failed: "bad", missing: "warn", unconfigured: "", off: "", replaced: "" };
const RISK = { medium: "warn", high: "bad" };
const KINDS = [
  ["interface", "Interfaces"],
  ["engine", "Engines"],
  ["plugin", "Plugins"],
];

export default function Parts() {
  const [told, error, again, setTold] = useAsked("components");
  const [fault, setFault] = useState("");
  const choose = async (name, model) => {
    try {
      const engines = await ask("engine", { name, model });
      setTold({ ...told, engines });
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  return html`<div class="page">
    <header>
      <h1>Components</h1>
      <p>Each is one file. Save it, and it is loaded again; delete it, and it is gone.</p>
    </header>
    <${Fault} text=${error || fault} />
    ${
      told &&
      html`<section class="card" aria-label="Engine">
          <h2>What I think with</h2>
          ${told.engines.map((engine) => html`<${Engine} key=${engine.name} engine=${engine} choose=${choose} />`)}
        </section>
        ${KINDS.map(
          ([kind, title]) =>
            html`<section key=${kind}>
              <h2>${title}</h2>
              ${told.parts
                .filter((part) => part.kind === kind)
                .map((part) => html`<${Part} key=${part.file + part.name} part=${part} again=${again} />`)}
            </section>`,
        )}`
    }
  </div>`;
}

function Engine({ engine, choose }) {
  const [model, setModel] = useState(engine.model);
  const changed = model !== engine.model;
  return html`<div class="engine">
    <b>${engine.name}</b>
    <${Model} engine=${engine} model=${model} change=${setModel} />
    ${
      engine.active && !changed
        ? html`<span class="tag good">in use</span>`
        : html`<button onClick=${() => choose(engine.name, changed ? model : "")}>
            ${engine.active ? "Change" : "Use"}
          </button>`
    }
  </div>`;
}

/** The model of an engine: one of those that it lists, or one that is written. */
function Model({ engine, model, change }) {
  const label = "Model of " + engine.name;
  if (engine.models.length > 1) {
    const options = engine.models.map((name) => [name]);
    return html`<${Select} aria-label=${label} value=${model} options=${options} change=${change} />`;
  }
  if (engine.name === "manual") return html`<span class="small">you answer yourself, at the desk</span>`;
  const write = (event) => change(event.target.value);
  return html`<input aria-label=${label} value=${model} placeholder="its own default" onInput=${write} />`;
}

function Part({ part, again }) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const act = async (deed, given) => {
    setBusy(true);
    setFault("");
    try {
      await ask("components/" + deed, { kind: part.kind, name: part.name, ...given });
    } catch (failed) {
      setFault(failed.message);
    }
    setBusy(false);
    again();
  };
  const off = part.state === "off";
  const trouble = part.reason || part.health;
  return html`<details class="card part">
    <summary>
      <b>${part.name}</b
      ><span class=${"tag " + (part.health ? "warn" : LOOK[part.state])}>${part.health ? "ill" : part.state}</span
      ><span class="small">${trouble || part.actions.map((action) => action.name).join(", ") || "no actions"}</span>
    </summary>
    <div class="inside">
      <${Fault}
        text=${fault}
      />${trouble && html`<p>${trouble}</p>`}${part.traceback && html`<pre tabindex="0">${part.traceback}</pre>`}
      ${part.actions.map(
        (action) =>
          html`<div class="action" key=${action.name}>
            <h3>
              ${action.name}
              ${action.risk !== "low" && html`<span class=${"tag " + RISK[action.risk]}>${action.risk} risk</span>`}
            </h3>
            <p>${action.description}</p>
            ${
              action.fields.length > 0 &&
              html`<dl class="fields">
                ${action.fields.map(
                  (field) =>
                    html`<dt>${field.name}${field.required ? "" : "?"}</dt>
                      <dd>
                        ${field.description}
                        ${field.types.length > 0 && html`<span class="tag">${field.types.join(" | ")}</span>`}
                      </dd>`,
                )}
              </dl>`
            }
          </div>`,
      )}
      ${part.settings.length > 0 && html`<p class="small">Settings: ${part.settings.join(", ")}</p>`}
      ${part.file && html`<p class="small">${part.file}</p>`}
      ${
        part.file &&
        part.state !== "replaced" &&
        html`<div class="row">
          ${
            !off &&
            html`<button onClick=${() => act("reload", {})} disabled=${busy}>
              ${busy ? "Loading …" : "Load again"}
            </button>`
          }
          ${
            part.name !== "webui" &&
            html`<button class="plain" onClick=${() => act("switch", { on: off })} disabled=${busy}>
              ${off ? "Switch on" : "Switch off"}
            </button>`
          }
        </div>`
      }
    </div>
  </details>`;
}
