// Two entries that are one human become one; an account is taken off again.
import { html, useEffect, useRef, useState, ask, Fault } from "../lib.js";

export function Accounts({ person, setPeople }) {
  const [asked, setAsked] = useState(null);
  const [fault, setFault] = useState("");
  const several = person.accounts.length > 1 && person.role !== "trainer";
  const part = async () => {
    try {
      const people = await ask("people/part", { interface: asked.interface, id: asked.id });
      setAsked(null);
      setPeople(people);
    } catch (failed) {
      setFault(failed.message);
    }
  };
  const shown = (account) => `${account.interface}:${account.id}${account.tag ? " @" + account.tag : ""}`;
  const stays = person.role === "blocked" ? "It stays blocked." : "It is unknown then.";
  const parting =
    asked && `${shown(asked)} becomes a person of its own. ${stays} What I remember stays with ${person.name}.`;
  return html`<p class="small accounts">
      ${person.accounts.map(
        (account) =>
          html`<span key=${shown(account)}
            >${shown(account)}${
              several &&
              html` <button
                class="plain"
                aria-label=${`Take ${shown(account)} off ${person.name}`}
                onClick=${() => setAsked(account)}
              >
                Take off …
              </button>`
            }</span
          >`,
      )}
    </p>
    <${Fault} text=${fault} />
    <div class="row">
      <span role="status">${parting}</span>
      ${
        asked &&
        html`<button onClick=${part}>Take it off</button><button onClick=${() => setAsked(null)}>Leave it</button>`
      }
    </div>`;
}

export function Join({ person, people, setPeople, leave }) {
  const [search, setSearch] = useState("");
  const [plan, setPlan] = useState(null);
  const [sure, setSure] = useState(false);
  const [fault, setFault] = useState("");
  const asked = useRef(0);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  const others = people.filter((other) => other.id !== person.id);
  const fits = (other) => label(other).toLowerCase().includes(search.trim().toLowerCase());
  const join = async (gone, kept, more = {}) => {
    const turn = ++asked.current;
    setPlan(null); // what is shown is what "Join them" does
    setSure(false);
    setFault("");
    try {
      const told = await ask("people/join", { gone, kept, ...more });
      if (told.people) setPeople(told.people);
      else if (turn === asked.current) setPlan(told); // else somebody else was picked meanwhile
    } catch (failed) {
      if (more.sure || turn === asked.current) setFault(failed.message);
    }
  };
  const go = () => join(plan.gone, plan.kept, { sure: true, trusts: plan.full_rights });
  const at = (what) => `${what}-${person.id}`;
  const found = others.filter(fits);
  const unsure = plan?.full_rights.length > 0 && !sure;
  return html`<div class="joining">
    <label for=${at("search")}>Find who else ${person.name} is</label>
    <input
      ref=${first}
      id=${at("search")}
      type="search"
      value=${search}
      onInput=${(event) => setSearch(event.target.value)}
    />
    <label for=${at("other")}>The same person</label>
    <select
      id=${at("other")}
      size=${Math.min(6, Math.max(2, found.length))}
      onChange=${(event) => join(event.target.value, person.id)}
    >
      ${found.map((other) => html`<option key=${other.id} value=${other.id}>${label(other)}</option>`)}
    </select>
    <${Fault} text=${fault} />
    <div role="status">${plan && html`<${Plan} plan=${plan} sure=${sure} setSure=${setSure} />`}</div>
    <div class="row">
      ${plan && html`<button class="main" disabled=${unsure} onClick=${go}>Join them</button>`}
      <button onClick=${leave}>Leave it</button>
    </div>
  </div>`;
}

function Plan({ plan, sure, setSure }) {
  const rights = plan.full_rights;
  const moves = Object.entries(plan.counts).map(([what, many]) => `${many} ${what}`);
  return html`<div>
      <p>
        ${plan.accounts.join(", ")} become one person: <b>${plan.name}</b>, ${plan.role}. What one of them told me can
        be heard by the other, and all that I keep moves along: bio, diary, events, history
        (${moves.join(", ") || "nothing yet"}).
      </p>
      ${
        plan.role === "blocked" &&
        html`<p>
          <b>One of them is blocked, and that counts more than any role: all these accounts are blocked then.</b>
        </p>`
      }
    </div>
    ${
      rights.length > 0 &&
      html`<div class="fault">
        <p>
          <b>This gives all rights of the trainer to ${rights.join(", ")}.</b> Whoever writes from there can do
          everything that you can: read everything, change settings, run commands. Reminders that were made there run
          with these rights, too. It is written to TRAINER_IDS.
        </p>
        <label class="tick"
          ><input type="checkbox" checked=${sure} onChange=${(event) => setSure(event.target.checked)} />
          ${rights.length > 1 ? "These accounts are" : "This account is"} mine alone</label
        >
      </div>`
    }`;
}

function label(person) {
  return `${person.name} (${person.accounts.map((one) => `${one.interface}:${one.id}`).join(", ")})`;
}
