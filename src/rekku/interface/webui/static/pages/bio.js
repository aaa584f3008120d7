// What Rekku knows of a person: shown, written, changed, taken out.
import { html, useEffect, useRef, useState, ask, Fault, Select } from "../lib.js";

const NEW = { private: "to you alone", chat: "to you and to them, each in a direct chat", public: "to anybody" };
const KNOWN = { private: "to whoever told it", chat: "also to them, and where it was told", public: "to anybody" };

export function Bio({ person, name }) {
  const [told, setTold] = useState(null);
  const [fault, setFault] = useState("");
  const [changing, setChanging] = useState("");
  const call = async (deed, given = {}) => {
    try {
      setTold(await ask("plugin/bio_manager/" + deed, { person, ...given }));
      setFault("");
      setChanging("");
      return true;
    } catch (failed) {
      setFault(failed.message);
      return false;
    }
  };
  const row = (fact) => {
    const id = fact.field + fact.name;
    const its = { key: id, fact, call };
    return changing === id
      ? html`<${Changing} ...${its} longest=${told.longest} leave=${() => setChanging("")} />`
      : html`<${Known} ...${its} change=${() => setChanging(id)} />`;
  };
  return html`<details onToggle=${(event) => event.target.open && call("show")}>
    <summary class="small">What I know</summary>
    <${Fault} text=${fault} />
    ${
      told &&
      html`${
          told.facts.length
            ? html`<table class="plain">
                <tbody>
                  ${told.facts.map(row)}
                </tbody>
              </table>`
            : html`<p class="small">Nothing yet.</p>`
        }<${Adding} person=${person} name=${name} told=${told} call=${call} />`
    }
  </details>`;
}

function Known({ fact, call, change }) {
  const what = `${words(fact.field)}: ${fact.key ? fact.key + ": " : ""}${fact.text}`;
  const remove = () => call("remove", { field: fact.field, name: fact.name });
  return html`<tr>
    <td class="small">${words(fact.field)}</td>
    <td>${fact.key ? `${fact.key}: ` : ""}${fact.text}</td>
    <td><span class="tag">${fact.privacy}</span></td>
    <td class="small">${fact.day}</td>
    <td>
      <div class="row">
        <button class="plain" aria-label=${"Change " + what} onClick=${change}>Change</button>
        <button class="plain danger" aria-label=${"Remove " + what} onClick=${remove}>Remove</button>
      </div>
    </td>
  </tr>`;
}

function Changing({ fact, call, leave, longest }) {
  const [text, setText] = useState(fact.text);
  const [privacy, setPrivacy] = useState(fact.privacy);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  const save = (event) => {
    event.preventDefault();
    call("change", { field: fact.field, name: fact.name, text, privacy });
  };
  return html`<tr>
    <td colspan="5">
      <form class="fact" onSubmit=${save}>
        <input
          ref=${first}
          aria-label=${`${words(fact.field)}${fact.key ? ", " + fact.key : ""}`}
          maxlength=${longest}
          value=${text}
          onInput=${(event) => setText(event.target.value)}
        />
        <${Select} aria-label="Told" value=${privacy} options=${levels(KNOWN)} change=${setPrivacy} />
        <button class="main">Save</button><button type="button" onClick=${leave}>Leave it</button>
      </form>
    </td>
  </tr>`;
}

function Adding({ person, name, told, call }) {
  const [field, setField] = useState(told.fields[0].name);
  const [key, setKey] = useState("");
  const [text, setText] = useState("");
  const [privacy, setPrivacy] = useState("private");
  const { keyed, key: hint } = told.fields.find((one) => one.name === field);
  const add = async (event) => {
    event.preventDefault();
    if (await call("add", { field, key: keyed ? key : "", text, privacy })) {
      setKey("");
      setText("");
    }
  };
  const at = (what) => `${what}-${person}`;
  const fields = told.fields.map((one) => [one.name, words(one.name)]);
  return html`<form class="fact" aria-label=${"Add a fact about " + name} onSubmit=${add}>
    <div>
      <label for=${at("field")}>Field</label
      ><${Select} id=${at("field")} value=${field} options=${fields} change=${setField} />
    </div>
    ${
      keyed &&
      html`<div>
        <label for=${at("key")}>Which one</label>
        <input id=${at("key")} placeholder=${hint} value=${key} onInput=${(event) => setKey(event.target.value)} />
      </div>`
    }
    <div class="grow">
      <label for=${at("text")}>Fact</label>
      <input
        id=${at("text")}
        maxlength=${told.longest}
        value=${text}
        onInput=${(event) => setText(event.target.value)}
      />
    </div>
    <div>
      <label for=${at("told")}>Told</label
      ><${Select} id=${at("told")} value=${privacy} options=${levels(NEW)} change=${setPrivacy} />
    </div>
    <button class="main">Add</button>
  </form>`;
}

function levels(meanings) {
  return Object.entries(meanings).map(([level, meaning]) => [level, `${level}: ${meaning}`]);
}

function words(field) {
  return field.replaceAll("_", " ");
}
