// Events: what is to come as a month and as a list, what has come, and making and changing them.
import { html, useEffect, useState, useOnce, ask, Fault, Select, Sure } from "../lib.js";

const REPEATS = [["none", "once"], ["daily"], ["weekly"], ["monthly"], ["always", "at every start and every hour"]];
const call = (deed, given) => ask("plugin/event/" + deed, given);

export default function Events() {
  const [month, setMonth] = useState(() => {
    const now = new Date();
    return new Date(now.getFullYear(), now.getMonth(), 1);
  });
  const [told, setTold] = useState(null);
  const [fault, setFault] = useState("");
  const [form, setForm] = useState(null);
  const last = new Date(month.getFullYear(), month.getMonth() + 1, 7);
  const look = async () => {
    try {
      setTold(await call("list", { until: iso(last) }));
    } catch (failed) {
      setFault(failed.message);
    }
  };
  useEffect(() => {
    look();
  }, [iso(month)]);
  const act = useOnce(async (deed, given) => {
    try {
      await call(deed, given);
      setFault("");
      setForm(null);
    } catch (failed) {
      setFault(failed.message);
    }
    look();
  });
  return html`<div class="page">
    <header>
      <h1>Events</h1>
      <button class="main" onClick=${() => setForm({})}>New event</button>
      <p>Reminders and other things that come by themselves.</p>
    </header>
    <${Fault} text=${fault} />
    ${form && html`<${Form} key=${form.id || "new"} event=${form} act=${act} close=${() => setForm(null)} />`}
    ${
      told &&
      html`<${Month}
          month=${month}
          setMonth=${setMonth}
          events=${told.waiting}
          choose=${setForm}
          add=${(date) => setForm({ rule: { date } })}
        />
        <section>
          <h2>To come</h2>
          ${told.waiting.map(
            (event) => html`<${Row} key=${event.id} event=${event} act=${act} edit=${() => setForm(event)} />`,
          )}
          ${told.waiting.length === 0 && html`<p class="empty">Nothing is scheduled.</p>`}
        </section>
        ${
          told.told.length > 0 &&
          html`<section>
            <h2>What has come</h2>
            <div class="card">
              <table class="plain">
                <thead>
                  <tr>
                    <th>What</th>
                    <th>When and how</th>
                    <th><span class="hidden">Deeds</span></th>
                  </tr>
                </thead>
                <tbody>
                  ${told.told.map(
                    (event) =>
                      html`<tr key=${event.id}>
                        <td>${event.description}</td>
                        <td>${event.last}${event.acknowledged ? " · acknowledged" : ""}</td>
                        <td>
                          ${
                            !event.acknowledged &&
                            html`<button class="plain" onClick=${() => act("acknowledge", { id: event.id })}>
                              Acknowledge
                            </button>`
                          }<button class="plain" onClick=${() => act("snooze", { id: event.id, minutes: 10 })}>
                            Again in 10 min
                          </button>
                        </td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>
          </section>`
        }`
    }
  </div>`;
}

function Row({ event, act, edit }) {
  return html`<article class="card">
    <div class="person">
      <div>
        <b>${event.description}</b>
        <p class="small">
          ${event.next ?? event.state}${event.in ? `, in ${event.in}` : ""}${event.repeats ? ` · ${event.repeats}` : ""}
          · ${event.chat}
        </p>
      </div>
      <div class="row">
        <button onClick=${edit}>Change</button
        ><button onClick=${() => act("snooze", { id: event.id, minutes: 60 })}>Put off 1 h</button
        ><${Sure} label="Cancel" really="Really cancel" act=${() => act("cancel", { id: event.id })} />
      </div>
    </div>
  </article>`;
}

function Form({ event, act, close }) {
  const rule = event.rule || {};
  const [given, setGiven] = useState({
    description: event.description || "",
    date: rule.date || iso(new Date()),
    time: rule.time || "09:00",
    repeat: rule.repeat || "none",
    until: rule.until || "",
    cron: rule.cron || "",
  });
  const set = (name) => (value) => setGiven({ ...given, [name]: value?.target ? value.target.value : value });
  const save = (submitted) => {
    submitted.preventDefault();
    const told = Object.fromEntries(
      Object.entries(given).filter(([name, value]) => value || (event.id && name === "until")),
    );
    act(event.id ? "update" : "create", event.id ? { id: event.id, ...told } : told);
  };
  return html`<form class="card" onSubmit=${save} aria-label=${event.id ? "Change the event" : "New event"}>
    <h2>${event.id ? "Change the event" : "New event"}</h2>
    <p>
      <label for="ev-what">What about</label
      ><input id="ev-what" required value=${given.description} onInput=${set("description")} />
    </p>
    <div class="row">
      <div>
        <label for="ev-date">Date</label
        ><input id="ev-date" type="date" required value=${given.date} onInput=${set("date")} />
      </div>
      <div>
        <label for="ev-time">Time</label><input id="ev-time" type="time" value=${given.time} onInput=${set("time")} />
      </div>
      <div>
        <label for="ev-repeat">Repeat</label
        ><${Select} id="ev-repeat" value=${given.repeat} options=${REPEATS} change=${set("repeat")} />
      </div>
      <div>
        <label for="ev-until">Until</label
        ><input id="ev-until" type="date" value=${given.until} onInput=${set("until")} />
      </div>
    </div>
    <div class="row"><button class="main">Save</button><button type="button" onClick=${close}>Leave it</button></div>
  </form>`;
}

function Month({ month, setMonth, events, choose, add }) {
  const start = new Date(month);
  start.setDate(1 - ((month.getDay() + 6) % 7));
  const days = Array.from(
    { length: 42 },
    (_, at) => new Date(start.getFullYear(), start.getMonth(), start.getDate() + at),
  );
  const byDay = new Map();
  events.forEach((event) =>
    event.times.forEach((at) => {
      const day = at.slice(0, 10);
      byDay.set(day, [...(byDay.get(day) || []), [at.slice(11), event]]);
    }),
  );
  const shift = (by) => () => setMonth(new Date(month.getFullYear(), month.getMonth() + by, 1));
  const name = month.toLocaleDateString([], { month: "long", year: "numeric" });
  const today = iso(new Date());
  return html`<section class="card" aria-label=${"Calendar of " + name}>
    <div class="row month-head">
      <h2>${name}</h2>
      <button class="plain" aria-label="The month before" onClick=${shift(-1)}>‹</button
      ><button class="plain" aria-label="The next month" onClick=${shift(1)}>›</button>
    </div>
    <div class="month">
      ${days.slice(0, 7).map((day) => html`<b class="small">${day.toLocaleDateString([], { weekday: "short" })}</b>`)}
      ${days.map((day) => {
        const key = iso(day),
          there = (byDay.get(key) || []).sort(([a], [b]) => a.localeCompare(b));
        return html`<div
          class=${"day-cell" + (day.getMonth() === month.getMonth() ? "" : " other") + (key === today ? " today" : "")}
          key=${key}
        >
          <button class="plain number" aria-label=${`${day.getDate()}: new event on ${key}`} onClick=${() => add(key)}>
            ${day.getDate()}</button
          >${there
            .slice(0, 3)
            .map(
              ([at, event]) =>
                html`<button class="plain event" title=${event.description} onClick=${() => choose(event)}>
                  <b>${at}</b> ${event.description}
                </button>`,
            )}
          ${there.length > 3 && html`<span class="small">and ${there.length - 3} more</span>`}
        </div>`;
      })}
    </div>
  </section>`;
}

function iso(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
