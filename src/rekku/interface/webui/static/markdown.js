// Markdown, as models write it, to elements. Text becomes text nodes only; nothing here makes HTML out of a string.
import { html, useMemo, useRef, useState } from "./lib.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
// Every part has a longest length, so that no text, however hostile, takes long to search.
const INLINE = new RegExp(
  [
    /(`{1,5})([^]{0,800}?[^`])\1(?!`)/, // code
    /\*\*([^\s*](?:[^]{0,800}?[^\s])?)\*\*/, // strong
    /__([^\s_](?:[^]{0,800}?[^\s])?)__(?!\w)/, // strong
    /~~([^\s~](?:[^]{0,800}?[^\s])?)~~/, // struck out
    /\*([^\s*](?:[^*]{0,800}?[^\s*])?)\*/, // emphasis
    /(?<!\w)_([^\s_](?:[^_]{0,800}?[^\s_])?)_(?!\w)/, // emphasis
    /\[([^\]\n]{1,500})\]\((\S{1,2000}?)(?:\s+"[^"]*")?\)/, // a link with words
    /(https?:\/\/[^\s<>"')\]]{1,2000})/, // an address
  ]
    .map((part) => part.source)
    .join("|"),
);
const COLUMNS = /\S {3,}\S/; // a table made with spaces, as commands answer
const DEEPEST = 8;
const LONGEST = 60000;

export function Markdown({ text }) {
  const elements = useMemo(
    () => (text.length > LONGEST ? html`<p>${text}</p>` : blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0)),
    [text],
  );
  return elements;
}

function blocks(lines, depth) {
  const out = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    if (fence) {
      const body = [];
      const end = new RegExp("^ {0,3}" + fence[1][0] + "{" + fence[1].length + ",}\\s*$");
      at += 1;
      while (at < lines.length && !end.test(lines[at])) body.push(lines[at++]);
      at += 1;
      out.push(html`<${Code} language=${fence[2]} text=${body.join("\n")} />`);
    } else if (!line.trim()) {
      at += 1;
    } else if (/^#{1,6}\s/.test(line)) {
      const level = line.indexOf(" ");
      out.push(
        level < 3 ? html`<h2>${inline(line.slice(level + 1))}</h2>` : html`<h3>${inline(line.slice(level + 1))}</h3>`,
      );
      at += 1;
    } else if (/^ {0,3}([-*_])\s*(\1\s*){2,}$/.test(line)) {
      out.push(html`<hr />`);
      at += 1;
    } else if (/^\s*>/.test(line) && depth < DEEPEST) {
      const body = [];
      while (at < lines.length && /^\s*>/.test(lines[at])) body.push(lines[at++].replace(/^\s*> ?/, ""));
      out.push(html`<blockquote>${blocks(body, depth + 1)}</blockquote>`);
    } else if (ITEM.test(line) && depth < DEEPEST) {
      const [list, next] = listAt(lines, at, depth);
      out.push(list);
      at = next;
    } else if (line.includes("|") && /^\s*\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*$/.test(lines[at + 1] || "")) {
      const head = cells(line),
        rows = [];
      at += 2;
      while (at < lines.length && lines[at].includes("|")) rows.push(cells(lines[at++]));
      out.push(
        html`<table>
          <thead>
            <tr>
              ${head.map((c) => html`<th>${inline(c)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) =>
                html`<tr>
                  ${row.map((c) => html`<td>${inline(c)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>`,
      );
    } else {
      const body = [];
      do body.push(lines[at++]);
      while (
        at < lines.length &&
        lines[at].trim() &&
        !FENCE.test(lines[at]) &&
        !ITEM.test(lines[at]) &&
        !/^(#{1,6}\s|\s*>)/.test(lines[at])
      );
      out.push(
        body.filter((one) => COLUMNS.test(one)).length > 1 ? columns(body) : html`<p>${inline(body.join("\n"))}</p>`,
      );
    }
  }
  return out;
}

function listAt(lines, start, depth) {
  const first = ITEM.exec(lines[start]);
  const indent = first[1].length,
    ordered = /\d/.test(first[2]);
  const items = [];
  let at = start;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (!item || item[1].length < indent || item[1].length > indent + 1 || /\d/.test(item[2]) !== ordered) break;
    const body = [item[3]];
    at += 1;
    const inner = indent + item[2].length + 1;
    while (at < lines.length) {
      const width = lines[at].search(/\S/);
      if (width < 0 ? (lines[at + 1] || "").search(/\S/) < inner : width <= indent + 1) break;
      body.push(lines[at++].slice(Math.min(inner, Math.max(0, width))));
    }
    items.push(html`<li>${body.length === 1 ? inline(body[0]) : blocks(body, depth + 1)}</li>`);
  }
  return [
    ordered
      ? html`<ol start=${parseInt(first[2], 10)}>
          ${items}
        </ol>`
      : html`<ul>
          ${items}
        </ul>`,
    at,
  ];
}

/** Lines of two columns as pairs; of more as they are. */
function columns(lines) {
  const rows = lines.map((line) => line.trim().split(/ {2,}/));
  if (rows.some((row) => row.length > 2)) return html`<pre class="columns" tabindex="0">${lines.join("\n")}</pre>`;
  return html`<dl class="pairs">
    ${rows.map(
      ([name, words]) =>
        html`<dt>${name}</dt>
          <dd>${words}</dd>`,
    )}
  </dl>`;
}

function cells(line) {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

function inline(text, depth = 0) {
  const out = [];
  let rest = text;
  while (rest) {
    const found = depth < DEEPEST ? INLINE.exec(rest) : null;
    if (!found) {
      out.push(rest);
      break;
    }
    if (found.index) out.push(rest.slice(0, found.index));
    const [whole, , code, bold, bold2, gone, italic, italic2, label, url, bare] = found;
    if (code !== undefined) out.push(html`<code>${code}</code>`);
    else if (bold ?? bold2) out.push(html`<strong>${inline(bold ?? bold2, depth + 1)}</strong>`);
    else if (gone) out.push(html`<del>${inline(gone, depth + 1)}</del>`);
    else if (italic ?? italic2) out.push(html`<em>${inline(italic ?? italic2, depth + 1)}</em>`);
    else if (bare)
      out.push(link(bare.replace(/[.,;:!?]+$/, ""), null), bare.slice(bare.replace(/[.,;:!?]+$/, "").length));
    else out.push(link(url, label));
    rest = rest.slice(found.index + whole.length);
  }
  return out;
}

/** A link shows where it goes, and goes nowhere but to the web or to a mail program. */
function link(url, label) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return label === null ? url : `${label} (${url})`;
  const anchor = html`<a href=${url} target="_blank" rel="noopener noreferrer nofollow">${label ?? url}</a>`;
  return label === null || label === url ? anchor : html`${anchor} <span class="where">(${url})</span>`;
}

function Code({ language, text }) {
  const [done, setDone] = useState("");
  const body = useRef();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      getSelection().selectAllChildren(body.current); // without https, a browser gives a page no clipboard
      setDone("Selected");
    }
    setTimeout(() => setDone(""), 1500);
  };
  return html`<div class="codehead">
      <span>${language || "text"}</span><button class="plain" type="button" onClick=${copy}>${done || "Copy"}</button>
    </div>
    <pre tabindex="0" ref=${body}><code>${text}</code></pre>`;
}
