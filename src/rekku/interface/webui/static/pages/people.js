// People: who they are, how far they are trusted, and forgetting them.
import { html, useState, ask, useAsked, Fault, Select } from "../lib.js";

export default function People({ me }) {
  const [told, error, again, setTold] = useAsked("people");
  const [fault, setFault] = useState("");
  const [search, setSearch] = useState("");
  const role = (id) => async (word) => {
    try {
      setTold(await ask("people/role", { id, role: word }));
      setFault("");
    } catch (failed) {
      setFault(failed.message);
      again();
    }
  };
  const fits = (person) => JSON.stringify(person).toLowerCase().includes(search.toLowerCase());
  return html`<div class="page">
    <header>
      <h1>People</h1>
      <p>Whom Rekku has met, on all platforms. Roles count from the next message on.</p>
    </header>
    <${Fault} text=${error || fault} />
    ${told?.length > 5 && html`<div class="card"><label for="find">Find</label><input id="find" type="search" value=${search} onInput=${(e) => setSearch(e.target.value)} /></div>`}
    ${told?.filter(fits).map((person) => html`<${Person} key=${person.id} person=${person} role=${role(person.id)} again=${again} knows=${me.panels.includes("bio_manager")} />`)}
    ${told && !told.length && html`<p class="empty">I have met nobody yet.</p>`}
  </div>`;
}

function Person({ person, role, again, knows }) {
  const [counts, setCounts] = useState(null);
  const [fault, setFault] = useState("");
  const forget = async (sure) => {
    try {
      const told = await ask("people/forget", { id: person.id, sure });
      setFault("");
      if (sure) again();
      else setCounts(told.counts);
    } catch (failed) {
      setFault(failed.message);
    }
  };
  const listed =
    counts &&
    (Object.entries(counts)
      .filter(([, many]) => many)
      .map(([what, many]) => `${many} ${what}`)
      .join(", ") ||
      "nothing");
  return html`<section class="card" aria-label=${person.name}>
    <div class="person">
      <div>
        <h2>${person.name}</h2>
        <p class="small">
          ${person.accounts.map((account) => `${account.interface}:${account.id}${account.tag ? " @" + account.tag : ""}`).join(" · ")}
        </p>
      </div>
      <div class="row">
        ${person.role === "trainer" ? html`<span class="tag good">trainer</span>` : html`<${Select} aria-label=${"Role of " + person.name} value=${person.role} options=${[["known"], ["unknown"], ["blocked"]]} change=${role} />`}
        ${!counts && html`<button class="plain danger" onClick=${() => forget(false)}>Forget …</button>`}
      </div>
    </div>
    ${knows && html`<${Bio} person=${person.id} />`}<${Fault}
      text=${fault}
    />${counts && html`<div class="row" role="status"><span>I keep: ${listed}.</span><button class="danger" onClick=${() => forget(true)}>Erase for good</button><button onClick=${() => setCounts(null)}>Keep</button></div>`}
  </section>`;
}

function Bio({ person }) {
  const [told, setTold] = useState(null);
  const [fault, setFault] = useState("");
  const call = async (deed, given = {}) => {
    try {
      setTold(await ask("plugin/bio_manager/" + deed, { person, ...given }));
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  return html`<details onToggle=${(event) => event.target.open && call("show")}>
    <summary class="small">What I know</summary>
    <${Fault} text=${fault} /> ${
      told &&
      (told.facts.length
        ? html`<table class="plain">
            <tbody>
              ${told.facts.map(
                (fact) =>
                  html`<tr key=${fact.field + fact.name}>
                    <td class="small">${fact.field.replaceAll("_", " ")}</td>
                    <td>${fact.key ? `${fact.key}: ` : ""}${fact.text}</td>
                    <td><span class="tag">${fact.privacy}</span></td>
                    <td class="small">${fact.day}</td>
                    <td>
                      <button
                        class="plain danger"
                        onClick=${() => call("remove", { field: fact.field, name: fact.name })}
                      >
                        Remove
                      </button>
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
        : html`<p class="small">Nothing yet.</p>`)
    }
  </details>`;
}
