// One prompt that waits for the owner, who is the model: to read, and to answer in words or actions.
import { html, useState } from "../lib.js";
import { Builder, useAnswer } from "./builder.js";

const NOTHING = JSON.stringify({ actions: [] });

export function Question({ question, connection, brief }) {
  const [mode, setMode] = useState("words");
  const [words, setWords] = useState("");
  const made = useAnswer();
  const [view, setView] = useState("readable");
  const say = () => {
    const text = mode === "words" ? words : made.answer();
    if (text?.trim()) connection.answer(question.number, text);
  };
  const from = question.chat ? ` from ${question.chat}` : "";
  const switched = (name, value, set, options) =>
    html`<div class="switch" role="group" aria-label=${name}>
      ${options.map(
        ([id, label]) =>
          html`<button type="button" aria-pressed=${value === id} onClick=${() => set(id)}>${label}</button>`,
      )}
    </div>`;
  return html`<article class="card question" aria-label=${"Prompt " + question.number}>
    <div class="row">
      <h2>${brief ? "You are the model. What does Rekku answer?" : `Prompt ${question.number}${from}`}</h2>
    </div>
    ${
      brief
        ? html`${question.gist && html`<p class="gist">${question.gist}</p>`}
            <details>
              <summary class="small">What the model is told</summary>
              <pre tabindex="0">${question.text}</pre>
            </details>`
        : html`${switched("View", view, setView, [
              ["readable", "Readable"],
              ["whole", "Whole prompt"],
            ])}
            <pre tabindex="0">${view === "readable" ? question.text : question.prompt}</pre>`
    }
    <div class="row">
      ${switched("Answer with", mode, setMode, [
        ["words", "Words"],
        ["actions", "Actions"],
      ])}
    </div>
    ${
      mode === "words"
        ? html`<textarea
            aria-label="Your answer"
            placeholder="What Rekku says, in plain words"
            value=${words}
            onInput=${(e) => setWords(e.target.value)}
            onKeyDown=${(e) => {
              if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) say();
            }}
          ></textarea>`
        : html`<${Builder} made=${made} />`
    }
    <div class="row">
      <button class="main" disabled=${mode === "words" ? !words.trim() : !made.action} onClick=${say}>Answer</button>
      <button class="plain" onClick=${() => connection.answer(question.number, NOTHING)}>Nothing more to say</button>
    </div>
  </article>`;
}
