// One prompt that waits for the owner, who is the model: to read, and to answer in words or actions.
import { html, useEffect, useState, ask, Fault, Select } from "../lib.js";

const NOTHING = JSON.stringify({ actions: [] });

let known = null; // the actions that there are, asked for once
async function actions() {
  if (!known) {
    const told = await ask("components");
    known = told.parts.flatMap((part) => part.actions).sort((a, b) => a.name.localeCompare(b.name));
  }
  return known;
}

export function Question({ question, connection, brief }) {
  const [mode, setMode] = useState("words");
  const [words, setWords] = useState("");
  const [plan, setPlan] = useState([]);
  const [view, setView] = useState("readable");
  const say = () => {
    if (mode === "words") {
      if (words.trim()) connection.answer(question.number, words);
    } else if (plan.length) connection.answer(question.number, JSON.stringify({ actions: plan }));
  };
  const from = question.chat ? ` from ${question.chat}` : "";
  const switched = (name, value, set, options) =>
    html`<div class="switch" role="group" aria-label=${name}>
      ${options.map(
        ([id, label]) =>
          html`<button type="button" aria-pressed=${value === id} onClick=${() => set(id)}>${label}</button>`,
      )}
    </div>`;
  return html`<article class="card question" aria-label=${"Prompt " + question.number}>
    <div class="row">
      <h2>${brief ? "You are the model. What does Rekku answer?" : `Prompt ${question.number}${from}`}</h2>
    </div>
    ${
      brief
        ? html`${question.gist && html`<p class="gist">${question.gist}</p>`}
            <details>
              <summary class="small">What the model is told</summary>
              <pre tabindex="0">${question.text}</pre>
            </details>`
        : html`${switched("View", view, setView, [
              ["readable", "Readable"],
              ["whole", "Whole prompt"],
            ])}
            <pre tabindex="0">${view === "readable" ? question.text : question.prompt}</pre>`
    }
    <div class="row">
      ${switched("Answer with", mode, setMode, [
        ["words", "Words"],
        ["actions", "Actions"],
      ])}
    </div>
    ${
      mode === "words"
        ? html`<textarea
            aria-label="Your answer"
            placeholder="What Rekku says, in plain words"
            value=${words}
            onInput=${(e) => setWords(e.target.value)}
            onKeyDown=${(e) => {
              if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) say();
            }}
          ></textarea>`
        : html`<${Builder} plan=${plan} setPlan=${setPlan} />`
    }
    <div class="row">
      <button class="main" disabled=${mode === "words" ? !words.trim() : !plan.length} onClick=${say}>Answer</button>
      <button class="plain" onClick=${() => connection.answer(question.number, NOTHING)}>Nothing more to say</button>
    </div>
  </article>`;
}

function Builder({ plan, setPlan }) {
  const [all, setAll] = useState([]);
  const [name, setName] = useState("message");
  const [values, setValues] = useState({});
  const [fault, setFault] = useState("");
  useEffect(() => {
    actions().then(setAll, (failed) => setFault(failed.message));
  }, []);
  const action = all.find((one) => one.name === name) || all[0];
  const add = () => {
    try {
      setPlan([...plan, { type: action.name, payload: payload(action, values) }]);
      setValues({});
      setFault("");
    } catch (problem) {
      setFault(problem.message);
    }
  };
  return html`<div class="builder">
    ${
      plan.length > 0 &&
      html`<pre tabindex="0">${JSON.stringify({ actions: plan }, null, 2)}</pre>
        <div class="row">
          <button type="button" class="plain" onClick=${() => setPlan(plan.slice(0, -1))}>
            Take the last one away
          </button>
        </div>`
    }
    ${
      action &&
      html`<div>
          <label for="action">Action</label
          ><${Select}
            id="action"
            value=${action.name}
            options=${all.map((one) => [one.name])}
            change=${(chosen) => {
              setName(chosen);
              setValues({});
            }}
          />
          <p class="small">${action.description}</p>
        </div>
        ${action.fields.map(
          (field) =>
            html`<div key=${action.name + field.name}>
              <label for=${"field-" + field.name}>${field.name}${field.required ? "" : " (may be left out)"}</label
              ><${Input}
                field=${field}
                value=${values[field.name] ?? ""}
                change=${(value) => setValues({ ...values, [field.name]: value })}
              />
              <p class="small">${field.description}</p>
            </div>`,
        )}`
    }
    <${Fault} text=${fault} />
    <div class="row"><button type="button" onClick=${add} disabled=${!action}>Add this action</button></div>
  </div>`;
}

function Input({ field, value, change }) {
  const id = "field-" + field.name,
    told = { id, value, onInput: (e) => change(e.target.value) };
  if (field.enum.length || (field.types.length === 1 && field.types[0] === "boolean")) {
    const options = field.enum.length ? field.enum : ["true", "false"];
    return html`<${Select}
      id=${id}
      value=${value}
      options=${[["", "–"], ...options.map((one) => [String(one)])]}
      change=${change}
    />`;
  }
  if (field.name === "text" || field.types.includes("object") || field.types.includes("array"))
    return html`<textarea
      ...${told}
      placeholder=${field.example == null ? "" : JSON.stringify(field.example)}
    ></textarea>`;
  return html`<input ...${told} placeholder=${field.example == null ? "" : String(field.example)} />`;
}

/** The payload that the form means. Raises Error with a sentence. */
function payload(action, values) {
  const made = {};
  for (const field of action.fields) {
    const text = values[field.name] ?? "";
    if (text === "") {
      if (field.required) throw new Error(`${field.name} is required.`);
      continue;
    }
    made[field.name] = typed(field, text);
  }
  return made;
}

function typed(field, text) {
  const plain = field.enum.find((one) => String(one) === text);
  if (plain !== undefined) return plain;
  if (!field.types.length || field.types.includes("string")) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${field.name} must be ${field.types.join(" or ")}, written as JSON.`);
  }
}
