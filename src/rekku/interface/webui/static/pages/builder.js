// A form that helps the owner, who is the model, to write actions: an answer is a list of them.
import { html, useEffect, useState, ask, Fault, Select } from "../lib.js";

const FIRST = { name: "message", values: {} };

async function actions() {
  const told = await ask("components");
  return told.parts.flatMap((part) => part.actions).sort((a, b) => a.name.localeCompare(b.name));
}

/** An answer that is being made: actions that were added, and the form. `answer` gives it as text, or undefined and
 * says in the form what is missing. */
export function useAnswer() {
  const [all, setAll] = useState([]);
  const [plan, setPlan] = useState([]);
  const [form, setForm] = useState(FIRST);
  const [fault, setFault] = useState("");
  const action = all.find((one) => one.name === form.name) || all[0];
  const whole = () => {
    const begun = Object.values(form.values).some((text) => text !== "");
    try {
      const made = begun || !plan.length ? [{ type: action.name, payload: payload(action, form.values) }] : [];
      setFault("");
      return [...plan, ...made];
    } catch (problem) {
      setFault(problem.message);
      return undefined;
    }
  };
  const add = () => {
    const made = whole();
    if (!made) return;
    setPlan(made);
    setForm(FIRST);
  };
  const answer = () => {
    const made = whole();
    return made && JSON.stringify({ actions: made });
  };
  const look = () => actions().then(setAll, (failed) => setFault(failed.message));
  return { all, action, plan, setPlan, form, setForm, fault, add, answer, look };
}

export function Builder({ made }) {
  const { all, action, plan, form, fault } = made;
  useEffect(() => {
    made.look();
  }, []);
  return html`<div class="builder">
    ${
      plan.length > 0 &&
      html`<pre tabindex="0">${JSON.stringify({ actions: plan }, null, 2)}</pre>
        <div class="row">
          <button type="button" class="plain" onClick=${() => made.setPlan(plan.slice(0, -1))}>
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
            change=${(name) => made.setForm({ name, values: {} })}
          />
          <p class="small">${action.description}</p>
        </div>
        <${Fields} key=${action.name} fields=${action.fields} form=${form} setForm=${made.setForm} />`
    }
    <${Fault} text=${fault} />
    <div class="row">
      <button type="button" onClick=${made.add} disabled=${!action}>Add one more action</button>
    </div>
  </div>`;
}

/** What an action needs, and behind a fold what may be left out. */
function Fields({ fields, form, setForm }) {
  const shown = (field) =>
    html`<div key=${field.name}>
      <label for=${"field-" + field.name}>${field.name}</label
      ><${Input}
        field=${field}
        value=${form.values[field.name] ?? ""}
        change=${(value) => setForm({ ...form, values: { ...form.values, [field.name]: value } })}
      />
      <p class="small">${field.description}</p>
    </div>`;
  const optional = fields.filter((field) => !field.required);
  return html`${fields.filter((field) => field.required).map(shown)}
  ${
    optional.length > 0 &&
    html`<details>
      <summary class="small">May be left out: ${optional.map((field) => field.name).join(", ")}</summary>
      ${optional.map(shown)}
    </details>`
  }`;
}

function Input({ field, value, change }) {
  const example = field.example ?? "";
  const placeholder = typeof example === "string" ? example : JSON.stringify(example);
  const id = "field-" + field.name;
  const told = { id, value, placeholder, onInput: (e) => change(e.target.value) };
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
    return html`<textarea ...${told}></textarea>`;
  return html`<input ...${told} />`;
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
