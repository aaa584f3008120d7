// The desk: every prompt that waits for the owner's words, and the switch that makes the owner the model.
import { html, useState, ask, useAsked, Fault, day, time } from "../lib.js";
import { useConnection } from "../connection.js";
import { Question } from "./question.js";

const BEFORE = "rekku.engine-before";

export default function Desk({ connection }) {
  useConnection(connection);
  const [told, error, again] = useAsked("components");
  const [fault, setFault] = useState("");
  const active = told?.engines.find((engine) => engine.active);
  const mine = active?.name === "manual";
  const manual = told?.engines.some((engine) => engine.name === "manual");
  const before = localStorage.getItem(BEFORE);
  const others = told?.engines.filter((engine) => engine.name !== "manual") ?? [];
  const choose = async (name) => {
    try {
      if (active && name === "manual") localStorage.setItem(BEFORE, active.name);
      await ask("engine", { name });
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
    again();
  };
  const back = others.find((engine) => engine.name === before) || others[0];
  return html`<div class="page">
    <header>
      <h1>Desk</h1>
      <p>When the engine is “manual”, you are the model: each prompt waits here for your answer.</p>
    </header>
    <${Fault} text=${error || fault} />
    ${
      active &&
      html`<div class="card row">
        <span>${mine ? "You answer" : html`<b>${active.name}</b> answers`} every conversation.</span>
        ${!mine && manual && html`<button onClick=${() => choose("manual")}>Take over</button>`}
        ${mine && back && html`<button onClick=${() => choose(back.name)}>Give back to ${back.name}</button>`}
      </div>`
    }
    <${Talks} />
    ${connection.waiting.map(
      (question) => html`<${Question} key=${question.number} question=${question} connection=${connection} />`,
    )}
    ${connection.waiting.length === 0 && html`<p class="empty">Nothing waits.</p>`}
  </div>`;
}

/** The conversations of late: each can be answered by hand for a while. */
function Talks() {
  const [talks, error, , setTalks] = useAsked("talks");
  const [fault, setFault] = useState("");
  const take = async ({ interface: name, chat_id, thread_id }, taken) => {
    try {
      setTalks(await ask("talks/take", { interface: name, chat_id, thread_id, taken }));
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
  };
  if (!talks?.length) return html`<${Fault} text=${error} />`;
  return html`<details class="card part" open=${talks.some((talk) => talk.taken)}>
    <summary><b>Conversations</b><span class="small">answer one of them yourself, and give it back</span></summary>
    <div class="inside">
      <${Fault} text=${error || fault} />
      <table class="plain">
        <tbody>
          ${talks.map(
            (talk) =>
              html`<tr key=${talk.chat}>
                <td>
                  ${talk.name || talk.chat}
                  <div class="small">${talk.chat}</div>
                </td>
                <td class="small">${day(talk.at)}, ${time(talk.at)}</td>
                <td>
                  ${talk.taken && html`<span class="tag warn">yours</span> `}
                  <button onClick=${() => take(talk, !talk.taken)}>${talk.taken ? "Give back" : "Take over"}</button>
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
