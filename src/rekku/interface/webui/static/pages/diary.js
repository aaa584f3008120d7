// The diary: its entries as a timeline, filtered; the feelings of the last days as a chart; changing and deleting.
import { html, useEffect, useState, ask, day, time, Fault, Select, Sure } from "../lib.js";

const EMPTY = { words: "", person: "", topic: "", feeling: "" };
const WIDTH = 720,
  HEIGHT = 170,
  FOOT = 20,
  MOST_FEELINGS = 4;
const call = (deed, given = {}) => ask("plugin/ai_diary/" + deed, given);

export default function Diary() {
  const [filter, setFilter] = useState(EMPTY);
  const [entries, setEntries] = useState(null);
  const [before, setBefore] = useState("");
  const [count, setCount] = useState(0);
  const [moods, setMoods] = useState([]);
  const [fault, setFault] = useState("");
  const [fine, setFine] = useState("");
  const load = async (from = "") => {
    try {
      const told = await call("entries", { ...filter, before: from });
      setEntries((there) => (from ? [...(there || []), ...told.entries] : told.entries));
      setBefore(told.before);
      setCount(told.count);
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  useEffect(() => {
    const wait = setTimeout(load, entries ? 250 : 0);
    return () => clearTimeout(wait);
  }, [JSON.stringify(filter)]);
  useEffect(() => {
    call("moods", { days: 30 }).then(setMoods, () => setMoods([]));
  }, []);
  const set = (name) => (event) => setFilter({ ...filter, [name]: event.target.value });
  const save = async () => {
    try {
      setFine((await call("export")).words);
    } catch (failed) {
      setFault(failed.message);
    }
  };
  const change = (entry, changed) =>
    setEntries(entries.flatMap((one) => (one.id !== entry.id ? [one] : changed ? [changed] : [])));
  let last = "";
  return html`<div class="page">
    <header>
      <h1>Diary</h1>
      <button onClick=${save}>Export</button>
      <p>${count ? `${count} entries: what Rekku said, thought and felt.` : "What Rekku said, thought and felt."}</p>
    </header>
    <${Fault} text=${fault} />
    <div role="status">${fine && html`<p class="fine">${fine}</p>`}</div>
    ${moods.length > 0 && html`<${Moods} days=${moods} />`}
    <div class="card filters">
      ${[
        ["words", "With the words"],
        ["person", "Person"],
        ["topic", "Topic"],
        ["feeling", "Feeling"],
      ].map(
        ([name, label]) =>
          html`<div>
            <label for=${"by-" + name}>${label}</label
            ><input id=${"by-" + name} type="search" value=${filter[name]} onInput=${set(name)} />
          </div>`,
      )}
    </div>
    ${(entries || []).map((entry) => {
      const today = day(entry.timestamp),
        head = today !== last;
      last = today;
      return html`${head && html`<h2 key=${"day" + entry.id}>${today}</h2>`}<${Entry}
          key=${entry.id}
          entry=${entry}
          change=${change}
        />`;
    })}
    ${
      entries?.length === 0 &&
      html`<p class="empty">${before ? "Nothing yet; it looks further back." : "There is no such entry."}</p>`
    }
    ${before && html`<button onClick=${() => load(before)}>Further back</button>`}
  </div>`;
}

function Entry({ entry, change }) {
  const [editing, setEditing] = useState(false);
  const [fault, setFault] = useState("");
  const remove = async () => {
    try {
      await call("delete", { id: entry.id });
      change(entry, null);
    } catch (failed) {
      setFault(failed.message);
    }
  };
  if (editing)
    return html`<${Edit}
      entry=${entry}
      change=${(changed) => {
        setEditing(false);
        if (changed) change(entry, changed);
      }}
    />`;
  return html`<article class="card entry">
    <div class="row">
      <time class="small" datetime=${entry.timestamp}>${time(entry.timestamp)}</time
      ><span class="small">${[entry.involved_users.join(", "), entry.interface].filter(Boolean).join(" · ")}</span
      ><span class="tag">${entry.privacy}</span>
    </div>
    ${entry.interaction_summary && html`<p>${entry.interaction_summary}</p>`}
    ${entry.user_message && html`<p class="said">“${entry.user_message}”</p>`}
    <p class="said mine">“${entry.content}”</p>
    ${entry.personal_thought && html`<p class="thought">${entry.personal_thought}</p>`}
    <div class="row">
      ${entry.emotions.map((one) => html`<span class="tag warn">${one.type} ${one.intensity}</span>`)}
      ${entry.context_tags.map((tag) => html`<span class="tag">${tag}</span>`)}
    </div>
    <${Fault} text=${fault} />
    <div class="row">
      <button class="plain" onClick=${() => setEditing(true)}>Change</button
      ><${Sure} label="Delete" really="Really delete" act=${remove} />
    </div>
  </article>`;
}

function Edit({ entry, change }) {
  const [given, setGiven] = useState({
    content: entry.content,
    personal_thought: entry.personal_thought,
    interaction_summary: entry.interaction_summary,
    tags: entry.context_tags.join(", "),
    privacy: entry.privacy,
  });
  const [fault, setFault] = useState("");
  const set = (name) => (event) => setGiven({ ...given, [name]: event.target.value });
  const save = async (event) => {
    event.preventDefault();
    const { tags, ...rest } = given;
    try {
      change(
        await call("edit", {
          id: entry.id,
          ...rest,
          context_tags: tags
            .split(",")
            .map((tag) => tag.trim())
            .filter(Boolean),
        }),
      );
    } catch (failed) {
      setFault(failed.message);
    }
  };
  return html`<form class="card" onSubmit=${save}>
    ${[
      ["interaction_summary", "What happened"],
      ["content", "What I said"],
      ["personal_thought", "My thought"],
    ].map(
      ([name, label]) =>
        html`<p>
          <label for=${name + entry.id}>${label}</label
          ><textarea id=${name + entry.id} value=${given[name]} onInput=${set(name)}></textarea>
        </p>`,
    )}
    <p>
      <label for=${"tags" + entry.id}>Topics</label
      ><input id=${"tags" + entry.id} value=${given.tags} onInput=${set("tags")} />
    </p>
    <p>
      <label for=${"privacy" + entry.id}>Who may hear it</label
      ><${Select}
        id=${"privacy" + entry.id}
        value=${given.privacy}
        options=${[
          ["private", "who was there"],
          ["chat", "that chat"],
          ["public", "everybody"],
        ]}
        change=${(value) => setGiven({ ...given, privacy: value })}
      />
    </p>
    <${Fault} text=${fault} />
    <div class="row">
      <button class="main">Save</button><button type="button" onClick=${() => change(null)}>Leave it</button>
    </div>
  </form>`;
}

function Moods({ days }) {
  const sums = new Map();
  days.forEach((d) =>
    Object.entries(d.feelings).forEach(([name, strength]) => sums.set(name, (sums.get(name) || 0) + strength)),
  );
  const names = [...sums]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_FEELINGS)
    .map(([name]) => name);
  const first = new Date(days[0].day),
    length = Math.max(1, (new Date(days.at(-1).day) - first) / 864e5);
  const x = (d) => 6 + ((new Date(d.day) - first) / 864e5 / length) * (WIDTH - 12),
    y = (strength) => 8 + (1 - strength / 10) * (HEIGHT - FOOT - 16);
  const words = names
    .map(
      (name) =>
        `${name}: ${days
          .filter((d) => name in d.feelings)
          .map((d) => `${d.day} ${d.feelings[name]}`)
          .join(", ")}`,
    )
    .join("; ");
  return html`<figure class="card">
    <h2>Feelings of the last 30 days</h2>
    <svg class="chart moods" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${words}>
      <line x1="0" x2=${WIDTH} y1=${HEIGHT - FOOT} y2=${HEIGHT - FOOT} />
      ${names.map((name, at) => {
        const points = days.filter((d) => name in d.feelings);
        return html`<g class=${"mood" + at}
          ><polyline points=${points.map((d) => `${x(d)},${y(d.feelings[name])}`).join(" ")} />${points.map(
            (d) =>
              html`<circle cx=${x(d)} cy=${y(d.feelings[name])} r="4">
                <title>${`${d.day}: ${name} ${d.feelings[name]}`}</title>
              </circle>`,
          )}</g
        >`;
      })}
      <text x="0" y=${HEIGHT - 4}>${days[0].day}</text>
      <text x=${WIDTH} y=${HEIGHT - 4} text-anchor="end">${days.at(-1).day}</text>
    </svg>
    <figcaption class="row">
      ${names.map((name, at) => html`<span class=${"small legend mood" + at}><i></i>${name}</span>`)}
    </figcaption>
  </figure>`;
}
