// Where one writes: grows with the text, completes slash commands, takes files.
import { html, useEffect, useLayoutEffect, useRef, useState, icon, size } from "../lib.js";

const DRAFT = "rekku.draft";

export function Composer({ connection, commands, files, setFiles, attach, coming, say, fault }) {
  const [text, setText] = useState(() => sessionStorage.getItem(DRAFT) || "");
  const [chosen, setChosen] = useState(0);
  const [shut, setShut] = useState(false);
  const area = useRef(),
    picker = useRef();
  useEffect(() => {
    if (!matchMedia("(pointer: coarse)").matches) area.current.focus();
  }, []);
  useLayoutEffect(() => {
    area.current.style.height = "auto";
    area.current.style.height = area.current.scrollHeight + "px";
    sessionStorage.setItem(DRAFT, text);
  }, [text]);
  const typed = /^\/(\w*)$/.exec(text);
  const fitting = typed && !shut ? commands.filter((command) => command.name.startsWith(typed[1].toLowerCase())) : [];
  const take = (command) => {
    setText(`/${command.name}${command.usage ? " " : ""}`);
    setShut(!command.usage);
    area.current.focus();
  };
  const empty = !text.trim() && !files.length;
  const send = () => {
    if (empty || coming.length) return; // what is on its way belongs to this message
    say(text.trim());
    setText("");
  };
  const drop = (file) => () => setFiles((all) => all.filter((one) => one !== file));
  const press = (event) => {
    if (fitting.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChosen((chosen + (event.key === "ArrowDown" ? 1 : fitting.length - 1)) % fitting.length);
    } else if (
      fitting.length &&
      (event.key === "Tab" || (event.key === "Enter" && fitting[chosen] && text !== "/" + fitting[chosen].name))
    ) {
      event.preventDefault();
      take(fitting[chosen] || fitting[0]);
    } else if (event.key === "Escape" && fitting.length) {
      setShut(true);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  };
  const pasted = (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      attach(event.clipboardData.files);
    }
  };
  return html`<div class="composer">
    ${
      fitting.length > 0 &&
      html`<ul class="menu" role="listbox" id="commands" aria-label="Commands">
        ${fitting.map(
          (command, index) =>
            html`<li
              key=${command.name}
              id=${"command-" + index}
              role="option"
              aria-selected=${index === chosen}
              onMouseDown=${(e) => {
                e.preventDefault();
                take(command);
              }}
            >
              <b>/${command.name}${command.usage && " " + command.usage}</b><span>${command.summary}</span>
            </li>`,
        )}
      </ul>`
    }
    <div role="alert">
      ${fault && html`<div class="strip">${fault}</div>`}
      ${
        connection.notices.length > 0 &&
        html`<div class="strip">
          <span>${connection.notices.at(-1)}</span>
          <button onClick=${() => connection.dismiss()}>Good</button>
        </div>`
      }
    </div>
    <div role="status">${coming.length > 0 && html`<p class="attached small">Loading ${coming.join(", ")} …</p>`}</div>
    ${
      files.length > 0 &&
      html`<div class="attached">${files.map((file) => html`<${Attached} file=${file} drop=${drop(file)} />`)}</div>`
    }
    <form
      onSubmit=${(e) => {
        e.preventDefault();
        send();
      }}
    >
      <button type="button" class="plain icon" aria-label="Attach files" onClick=${() => picker.current.click()}>
        ${icon("clip")}
      </button>
      <input
        ref=${picker}
        type="file"
        multiple
        hidden
        onChange=${(e) => {
          attach([...e.target.files]);
          e.target.value = "";
        }}
      />
      <textarea
        ref=${area}
        rows="1"
        aria-label="Message"
        placeholder="Write to Rekku"
        value=${text}
        aria-controls=${fitting.length ? "commands" : undefined}
        aria-autocomplete="list"
        aria-activedescendant=${fitting.length ? "command-" + chosen : undefined}
        onInput=${(e) => {
          setText(e.target.value);
          setChosen(0);
          setShut(false);
        }}
        onKeyDown=${press}
        onPaste=${pasted}
      ></textarea>
      <button class="main icon" aria-label="Send" disabled=${empty || coming.length > 0}>${icon("send")}</button>
    </form>
  </div>`;
}

function Attached({ file, drop }) {
  return html`<span class="file">
    ${file.name} <span class="small">${size(file.size)}</span>
    <button class="plain" aria-label=${"Remove " + file.name} onClick=${drop}>✕</button>
  </span>`;
}
