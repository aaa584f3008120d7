// Activity: how Rekku is, and what the last days saw.
import { html, useAsked, number, dollars, Fault } from "../lib.js";

const WIDTH = 720,
  HEIGHT = 150,
  FOOT = 20,
  SHOWN = 30;

export default function Activity() {
  const [now, error] = useAsked("condition");
  const [days, fault] = useAsked("usage?days=" + SHOWN);
  return html`<div class="page" tabindex="0">
    <header><h1>Activity</h1></header>
    <${Fault} text=${error || fault} /> ${
      now &&
      html`<div class="figures">
          ${[
            ["Engine", [now.engine, now.model].filter(Boolean).join(" ") || "none"],
            ["Database", now.database],
            ["Messages open", now.open],
            ["To deliver", now.to_deliver],
            ["Turns running", now.running],
            ["Pages open", now.pages],
            ["Version", now.version],
          ].map(([name, value]) => html`<div class="card"><span class="small">${name}</span><b>${value}</b></div>`)}
        </div>
        ${now.down && html`<p class="fault">Not answering: ${now.down}</p>`}`
    }
    ${
      days &&
      (days.length
        ? html`<${Chart}
              title="Lines said and heard"
              days=${days}
              values=${(d) => [d.said, d.heard]}
              names=${["said", "heard"]}
            />
            <${Chart}
              title="Tokens"
              days=${days}
              values=${(d) => [d.completion_tokens, d.prompt_tokens]}
              names=${["written", "read"]}
            />
            <${Cost} days=${days} />
            <${Chart}
              title="Seconds per reply of the model"
              days=${days}
              values=${(d) => [d.calls ? d.seconds / d.calls : 0]}
              names=${["seconds"]}
            />`
        : html`<p class="empty">Nothing has happened in the last ${SHOWN} days.</p>`)
    }
  </div>`;
}

/** What it cost, as far as that is known. */
function Cost({ days }) {
  const sum = (name) => days.reduce((total, d) => total + d[name], 0);
  const [calls, priced] = [sum("calls"), sum("priced")];
  if (!calls) return null;
  const setting = html`<a href="#settings">Settings</a>, MODEL_PRICES`;
  if (!priced)
    return html`<section class="card">
      <h2>Cost</h2>
      <p class="small">No price of a model is known. You can write them down: ${setting}.</p>
    </section>`;
  return html`<${Chart} title="Cost" days=${days} values=${(d) => [d.cost]} names=${["dollars"]} show=${dollars}>
    <p class="small">
      ${dollars(sum("cost"))} in these ${SHOWN} days.
      ${priced < calls && html`${calls - priced} of ${calls} calls have no price (${setting}).`}
    </p>
  <//>`;
}

function Chart({ title, days, values, names, show = round, children }) {
  const all = span(days);
  const tallest = Math.max(...all.map((d) => values(d).reduce((a, b) => a + b, 0)), 1e-9);
  const told = (value, name) => (show === round ? `${round(value)} ${name}` : show(value));
  const step = WIDTH / all.length;
  const bars = all.flatMap((d, at) => {
    let low = HEIGHT - FOOT;
    return values(d).map((value, index) => {
      const tall = (value / tallest) * (HEIGHT - FOOT - 14);
      low -= tall;
      return html`<rect
        class=${index ? "second" : ""}
        x=${at * step + step * 0.15}
        y=${low}
        width=${step * 0.7}
        height=${Math.max(0, tall)}
        rx="2"
        ><title>${`${d.day}: ${names.map((name, i) => told(values(d)[i], name)).join(", ")}`}</title></rect
      >`;
    });
  });
  const words = days.map((d) => `${d.day}: ${names.map((name, i) => told(values(d)[i], name)).join(", ")}`).join("; ");
  return html`<figure class="card">
    <h2>${title}</h2>
    <svg class="chart" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${`${title}. ${words}`}>
      <line x1="0" x2=${WIDTH} y1=${HEIGHT - FOOT} y2=${HEIGHT - FOOT} />
      <text x="0" y="10">${show === round ? number(round(tallest)) : show(tallest)}</text>
      ${bars}
      <text x="0" y=${HEIGHT - 4}>${all[0].day}</text>
      <text x=${WIDTH} y=${HEIGHT - 4} text-anchor="end">${all.at(-1).day}</text>
    </svg>
    ${children}
  </figure>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

/** Every day from the first on, those without anything too, at least a week. */
function span(days) {
  const known = new Map(days.map((d) => [d.day, d])),
    last = new Date(),
    empty = { calls: 0, prompt_tokens: 0, completion_tokens: 0, seconds: 0, heard: 0, said: 0, cost: 0, priced: 0 };
  const first = new Date(Math.min(new Date(days[0].day), last - 6 * 864e5)),
    out = [];
  for (let at = first; at <= last; at = new Date(+at + 864e5)) {
    const name = at.toISOString().slice(0, 10);
    out.push(known.get(name) || { ...empty, day: name });
  }
  return out;
}
