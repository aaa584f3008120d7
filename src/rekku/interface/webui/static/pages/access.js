// Access: the password, and where one is logged in.
import { html, useState, ask, useAsked, Fault, day, time } from "../lib.js";
import { LogOut, Theme } from "../frame.js";

export default function Access({ look }) {
  const [sessions, error, again] = useAsked("sessions");
  const [fault, setFault] = useState("");
  const end = async (id) => { try { await ask("sessions/end", { id }); setFault(""); } catch (failed) { setFault(failed.message); } again(); };
  return html`<div class="page"><header><h1>Access</h1><div class="row"><${Theme} /><${LogOut} look=${look} /></div></header><${Fault} text=${error || fault} />
    <section class="card"><h2>Where you are logged in</h2><table class="plain"><thead><tr><th>Browser</th><th>Last seen</th><th></th></tr></thead><tbody>${(sessions || []).map((one) => html`<tr key=${one.id}><td>${browser(one.agent)}</td><td>${day(one.seen)}, ${time(one.seen)}</td><td>${one.this ? html`<span class="tag good">here</span>` : html`<button class="plain danger" onClick=${() => end(one.id)}>Log out</button>`}</td></tr>`)}</tbody></table>
      ${sessions?.length > 1 && html`<button onClick=${() => end("")}>Log out everywhere else</button>`}</section>
    <${Password} look=${look} /></div>`;
}

function Password({ look }) {
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const [fault, setFault] = useState("");
  const submit = async (event) => { event.preventDefault(); try { await ask("password", { old, password }); setFault(""); look(); } catch (failed) { setFault(failed.message); } };
  return html`<section class="card"><h2>Change the password</h2><p class="small">All other browsers are logged out.</p><form onSubmit=${submit}>
    <input type="text" name="username" autocomplete="username" value="owner" hidden readonly />
    <p><label for="old">The password now</label><input id="old" type="password" autocomplete="current-password" required value=${old} onInput=${(e) => setOld(e.target.value)} /></p>
    <p><label for="new">The new one</label><input id="new" type="password" autocomplete="new-password" minlength="10" required value=${password} onInput=${(e) => setPassword(e.target.value)} /></p>
    <${Fault} text=${fault} /><button>Change it</button></form></section>`;
}

function browser(agent) {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(agent), system = /(Android|iPhone|iPad|Windows|Mac OS|Linux)/.exec(agent);
  return [name && `${{ Edg: "Edge", OPR: "Opera" }[name[1]] || name[1]} ${name[2]}`, system?.[1]].filter(Boolean).join(", ") || agent || "unknown";
}
