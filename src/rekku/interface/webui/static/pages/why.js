// What led to a reply: what was done, what came to mind, what it cost.
import { html, useState, ask, number, dollars } from "../lib.js";

export function Why({ id }) {
  const [told, setTold] = useState(null);
  const [fault, setFault] = useState("");
  const open = async (event) => {
    if (!event.target.open || told) return;
    try {
      setTold(await ask("because/" + encodeURIComponent(id)));
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  return html`<details onToggle=${open}>
    <summary>Why?</summary>
    <div class="why">${fault || (told ? html`<${Told} told=${told} />` : "…")}</div>
  </details>`;
}

function Told({ told }) {
  const facts = Object.entries(told.facts);
  return html`<h2>Done</h2>
    ${
      told.deeds.length
        ? html`<dl>
            ${told.deeds.map(
              (deed) =>
                html`<dt>${deed.action}</dt>
                  <dd>
                    <span class=${"tag " + ({ done: "good", failed: "bad", refused: "bad" }[deed.status] || "")}
                      >${deed.status}</span
                    >
                    <code>${short(deed.payload)}</code>
                    ${deed.problems.map((problem) => html`<div>${problem}</div>`)}
                    ${deed.output !== null && html`<div>→ ${short(deed.output)}</div>`}
                  </dd>`,
            )}
          </dl>`
        : html`<p>Nothing but these words.</p>`
    }
    <h2>In mind</h2>
    <dl>
      <dt>history</dt>
      <dd>${told.history} recent messages</dd>
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${short(value)}</dd>`,
      )}
    </dl>
    <h2>Cost</h2>
    <p>
      ${told.engine} ${told.model} · ${number(told.prompt_tokens)} + ${number(told.completion_tokens)} tokens ·
      ${told.seconds.toFixed(1)} s${told.cost !== null && ` · ${dollars(told.cost)}`}
    </p>`;
}

function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 1500 ? text.slice(0, 1500) + " …" : text;
}
