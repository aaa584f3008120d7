// The log, live, without secrets.
import { html, useEffect, useLayoutEffect, useRef, useState, Select } from "../lib.js";
import { useConnection } from "../connection.js";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"];

export default function Log({ connection }) {
  useConnection(connection);
  const [level, setLevel] = useState("INFO");
  const [search, setSearch] = useState("");
  const [follow, setFollow] = useState(true);
  const box = useRef();
  useEffect(() => {
    connection.watchLog(true);
    return () => connection.watchLog(false);
  }, [connection]);
  useLayoutEffect(() => {
    if (follow) box.current.scrollTop = box.current.scrollHeight;
  });
  const lowest = LEVELS.indexOf(level);
  const fits = (record) =>
    (LEVELS.indexOf(record.level) >= lowest || !LEVELS.includes(record.level)) &&
    (record.name + " " + record.text).toLowerCase().includes(search.toLowerCase());
  const shown = connection.records.filter(fits).slice(-500);
  return html`<div class="page">
    <header>
      <h1>Log</h1>
      <p>What happens, as it happens. Secrets are left out.</p>
    </header>
    <div class="row card">
      <div>
        <label for="level">From</label
        ><${Select} id="level" value=${level} options=${LEVELS.map((one) => [one])} change=${setLevel} />
      </div>
      <div>
        <label for="search">With</label
        ><input id="search" type="search" value=${search} onInput=${(e) => setSearch(e.target.value)} />
      </div>
      <label class="tick"
        ><input type="checkbox" checked=${follow} onChange=${(e) => setFollow(e.target.checked)} /> Follow</label
      >
    </div>
    <div class="logbox" ref=${box} tabindex="0" role="log" aria-live="off" aria-label="Log">
      ${shown.map(
        (record) =>
          html`<div key=${record.n}>
            <time datetime=${record.at}>${new Date(record.at).toLocaleTimeString()}</time
            ><span class=${record.level}>${record.level}</span
            ><span><span class="who">${record.name}: </span>${record.text}</span>
          </div>`,
      )}${!shown.length && html`<p class="empty">Nothing of that kind yet.</p>`}
    </div>
  </div>`;
}
