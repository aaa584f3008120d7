// People: who they are, how far they are trusted, what is known of them; joining and forgetting them.
import { html, useState, ask, useAsked, Fault, Select } from "../lib.js";
import { Bio } from "./bio.js";
import { Accounts, Join } from "./joining.js";

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
    ${
      told?.length > 5 &&
      html`<div class="card">
        <label for="find">Find</label>
        <input id="find" type="search" value=${search} onInput=${(e) => setSearch(e.target.value)} />
      </div>`
    }
    ${told
      ?.filter(fits)
      .map(
        (person) =>
          html`<${Person}
            key=${person.id}
            person=${person}
            people=${told}
            setPeople=${setTold}
            role=${role(person.id)}
            again=${again}
            knows=${me.panels.includes("bio_manager")}
          />`,
      )}
    ${told && !told.length && html`<p class="empty">I have met nobody yet.</p>`}
  </div>`;
}

function Person({ person, people, setPeople, role, again, knows }) {
  const [joining, setJoining] = useState(false);
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
        <${Accounts} person=${person} setPeople=${setPeople} />
      </div>
      <div class="row">
        ${
          person.role === "trainer"
            ? html`<span class="tag good">trainer</span>`
            : html`<${Select}
                aria-label=${"Role of " + person.name}
                value=${person.role}
                options=${[["known"], ["unknown"], ["blocked"]]}
                change=${role}
              />`
        }
        ${
          !joining && people.length > 1 && html`<button class="plain" onClick=${() => setJoining(true)}>Join …</button>`
        }
        ${!counts && html`<button class="plain danger" onClick=${() => forget(false)}>Forget …</button>`}
      </div>
    </div>
    ${knows && html`<${Bio} person=${person.id} name=${person.name} />`}${
      joining &&
      html`<${Join}
        person=${person}
        people=${people}
        setPeople=${(told) => {
          setJoining(false);
          setPeople(told);
        }}
        leave=${() => setJoining(false)}
      />`
    }<${Fault} text=${fault} />${
      counts &&
      html`<div class="row" role="status">
        <span>I keep: ${listed}.</span>
        <button class="danger" onClick=${() => forget(true)}>Erase for good</button>
        <button onClick=${() => setCounts(null)}>Keep</button>
      </div>`
    }
  </section>`;
}
