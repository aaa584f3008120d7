// The conversation.
import { html, useEffect, useLayoutEffect, useRef, useState, ask, day, time, size, icon } from "../lib.js";
import { useConnection } from "../connection.js";
import { Markdown } from "../markdown.js";
import { Composer } from "./composer.js";
import { Why } from "./why.js";
import { Question } from "./question.js";

const AWAY = "Rekku is away; it will come back by itself";
const NEAR = 120; // pixels from the end within which the view follows what comes

export function Chat({ me, connection }) {
  useConnection(connection);
  const scroll = useRef();
  const stuck = useRef(true);
  const shape = useRef("");
  const [dropping, setDropping] = useState(false);
  const [, draw] = useState(0);
  const { files } = connection;
  const setFiles = (change) => {
    connection.files = change(connection.files); // they outlast a look at another page
    draw((count) => count + 1);
  };
  const [fault, setFault] = useState("");
  const [coming, setComing] = useState([]); // names of files on their way to Rekku
  const owner = me.kind === "owner";
  const lines = connection.ordered();
  const known = new Set(lines.map((line) => line.id));
  const pending = connection.pending.filter((message) => !known.has(message.id) || connection.failed.has(message.id));
  const first = lines[0]?.n;
  const height = useRef(0);
  useLayoutEffect(() => {
    const box = scroll.current;
    if (!stuck.current && height.current) box.scrollTop += box.scrollHeight - height.current;
    height.current = 0;
  }, [first]);
  useLayoutEffect(() => {
    const box = scroll.current;
    if (stuck.current) box.scrollTop = box.scrollHeight;
  });
  useEffect(() => {
    const box = scroll.current;
    const watch = new ResizeObserver(() => {
      shape.current = shapeOf(box);
      if (stuck.current) box.scrollTop = box.scrollHeight; // a phone was turned, or shows its keyboard
    });
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const scrolled = () => {
    const box = scroll.current;
    if (shapeOf(box) !== shape.current) return; // the browser moved it, nobody's hand
    stuck.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (box.scrollTop < 60 && connection.more && lines.length && !height.current) {
      height.current = box.scrollHeight;
      connection.older();
    }
  };
  const attach = async (chosen) => {
    setFault("");
    for (const file of [...chosen]) {
      const name = file.name || "picture";
      setComing((before) => [...before, name]);
      try {
        const kept = await ask("files?name=" + encodeURIComponent(name), file.slice(0, file.size));
        setFiles((before) => [...before, kept]);
      } catch (failed) {
        setFault(failed.message);
      }
      setComing((before) => before.filter((_, at) => at !== before.indexOf(name)));
    }
  };
  const say = (text) => {
    connection.say(text, files);
    setFiles(() => []);
    stuck.current = true;
  };
  const asked = owner ? connection.waiting.filter((question) => question.chat === `webui:${me.chat}`) : [];
  const writing = lines.some((line) => line.state === "draft");
  const answered = useRef(0);
  useEffect(() => {
    const nowhere = document.activeElement === document.body && !matchMedia("(pointer: coarse)").matches;
    if (answered.current && !asked.length && nowhere) document.querySelector(".composer textarea").focus();
    answered.current = asked.length;
  }, [asked.length]);
  return html`<section
    class=${"chat" + (dropping ? " drop" : "")}
    onDragOver=${(e) => {
      e.preventDefault();
      setDropping(true);
    }}
    onDragLeave=${() => setDropping(false)}
    onDrop=${(e) => {
      e.preventDefault();
      setDropping(false);
      attach(e.dataTransfer.files);
    }}
  >
    <header>
      <h1>Chat</h1>
      ${
        connection.state !== "open" &&
        html`<span class="tag warn" role="status">${connection.state === "connecting" ? "Connecting …" : AWAY}</span>`
      }
      <div class="row">
        ${
          (connection.typing || writing) &&
          html`<button class="plain" onClick=${() => connection.say("/cancel")}>Stop</button>`
        }
      </div>
    </header>
    <div class="scroll" ref=${scroll} onScroll=${scrolled} tabindex="0" aria-label="Conversation">
      <ol class="lines">
        ${rows(lines, connection, owner)}
        ${
          !lines.length &&
          !pending.length &&
          connection.state === "open" &&
          html`<li class="empty">Say something. Type <code>/</code> to see what commands there are.</li>`
        }
        ${pending.map((message) => html`<${Pending} key=${message.id} message=${message} connection=${connection} />`)}
        ${
          connection.typing &&
          !writing &&
          html`<li class="line rekku" key="dots">
            <div class="bubble">
              <span class="dots" role="img" aria-label="Rekku is thinking"><i></i><i></i><i></i></span>
            </div>
          </li>`
        }
      </ol>
      ${asked.map(
        (question) =>
          html`<div class="asked" key=${question.number}>
            <${Question} question=${question} connection=${connection} brief=${true} />
          </div>`,
      )}
    </div>
    <${Announcer} lines=${lines} />
    <${Composer}
      connection=${connection}
      commands=${connection.commands || me.commands}
      files=${files}
      setFiles=${setFiles}
      attach=${attach}
      coming=${coming}
      say=${say}
      fault=${fault}
    />
  </section>`;
}
export default Chat;

function shapeOf(box) {
  return `${box.clientWidth} ${box.clientHeight}`;
}

function rows(lines, connection, owner) {
  let last = "";
  return lines.flatMap((line) => {
    const today = day(line.at),
      row = html`<${Line} key=${line.id} line=${line} connection=${connection} owner=${owner} />`;
    if (today === last) return [row];
    last = today;
    return [html`<li class="day" key=${"day " + line.n}>${today}</li>`, row];
  });
}

function Line({ line, connection, owner }) {
  const outcome = connection.outcomes.get(line.id);
  const mine = line.from === "me";
  const press = (command) => () => connection.say(command);
  return html`<li class=${`line ${line.from} ${line.state}`} aria-busy=${line.state === "draft"}>
    ${
      (line.text || !line.files?.length) &&
      html`<div class="bubble">
        <span class="hidden">${mine ? "You: " : "Rekku: "}</span
        >${mine ? line.text : html`<${Markdown} text=${line.text} />`}
        ${
          line.choices &&
          html`<div class="choices">
            ${line.choices.map((choice) => html`<button onClick=${press(choice.command)}>${choice.label}</button>`)}
          </div>`
        }
      </div>`
    }
    ${line.files && html`<div class="files">${line.files.map((file) => html`<${File} file=${file} />`)}</div>`}
    <div class="under">
      <time datetime=${line.at}>${time(line.at)}</time
      >${line.reaction && html`<span class="reaction">${line.reaction}</span>`}
      ${outcome === "failed" && html`<span class="bad">This could not be answered.</span>`}
      ${outcome === "deferred" && html`<span>It will be answered when the model is back.</span>`}
      ${!mine && owner && line.state === "final" && html`<${Why} id=${line.id} />`}
    </div>
  </li>`;
}

function File({ file }) {
  const url = "/web/files/" + file.id;
  if (file.kind === "image")
    return html`<a href=${url} target="_blank" rel="noopener"><img src=${url} alt=${file.name} loading="lazy" /></a>`;
  if (file.kind === "audio") return html`<audio controls src=${url} aria-label=${file.name}></audio>`;
  if (file.kind === "video") return html`<video controls src=${url} aria-label=${file.name}></video>`;
  return html`<a class="file" href=${url} download=${file.name}
    >${icon("clip")} ${file.name} <span class="small">${size(file.size)}</span></a
  >`;
}

function Pending({ message, connection }) {
  const why = connection.failed.get(message.id);
  return html`<li class="line me">
    <div class="bubble">${message.text || message.files.map((file) => file.name).join(", ")}</div>
    <div class="under">
      ${
        why
          ? html`<span class="bad">${why}</span>
              <button class="plain" onClick=${() => connection.forget(message.id)}>Drop it</button>`
          : html`<span>On its way …</span>`
      }
    </div>
  </li>`;
}

/** Says to a screen reader what Rekku said, once it is whole. */
function Announcer({ lines }) {
  const said = useRef(null);
  const [text, setText] = useState("");
  const last = lines.filter((line) => line.from === "rekku" && line.state === "final").at(-1);
  useEffect(() => {
    if (said.current !== null && last && last.id !== said.current) setText("Rekku: " + last.text);
    said.current = last?.id ?? "";
  }, [last?.id]);
  return html`<div class="hidden" aria-live="polite">${text}</div>`;
}
