// Access: the password, and where one is logged in.
import { html, useState, useOnce, ask, useAsked, Fault, Select, day, time } from "../lib.js";
import { LogOut, Theme } from "../frame.js";

export default function Access({ look }) {
  const [sessions, error, again] = useAsked("sessions");
  const [fault, setFault] = useState("");
  const end = async (id) => {
    try {
      await ask("sessions/end", { id });
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
    again();
  };
  return html`<div class="page">
    <header>
      <h1>Access</h1>
      <div class="row"><${Theme} /><${LogOut} look=${look} /></div>
    </header>
    <${Fault} text=${error || fault} />
    <section class="card">
      <h2>Where you are logged in</h2>
      <table class="plain">
        <thead>
          <tr>
            <th>Browser</th>
            <th>Last seen</th>
            <th><span class="hidden">Log out</span></th>
          </tr>
        </thead>
        <tbody>
          ${(sessions || []).map(
            (one) =>
              html`<tr key=${one.id}>
                <td>${browser(one.agent)}</td>
                <td>${day(one.seen)}, ${time(one.seen)}</td>
                <td>
                  ${
                    one.this
                      ? html`<span class="tag good">here</span>`
                      : html`<button class="plain danger" onClick=${() => end(one.id)}>Log out</button>`
                  }
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${sessions?.length > 1 && html`<button onClick=${() => end("")}>Log out everywhere else</button>`}
    </section>
    <${Tokens} /><${Password} look=${look} />
  </div>`;
}

function Tokens() {
  const [tokens, error, again] = useAsked("tokens");
  const [people] = useAsked("people");
  const [name, setName] = useState("");
  const [person, setPerson] = useState("trainer");
  const [made, setMade] = useState("");
  const [fault, setFault] = useState("");
  const make = useOnce(async () => {
    try {
      setMade((await ask("tokens/new", { name, person })).token);
      setName("");
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
    again();
  });
  const end = async (id) => {
    try {
      await ask("tokens/end", { id });
      setFault("");
    } catch (failed) {
      setFault(failed.message);
    }
    again();
  };
  const choices = [
    ["trainer", "you"],
    ...(people || [])
      .filter((one) => one.role !== "trainer" && one.role !== "blocked")
      .map((one) => [one.id, one.name]),
  ];
  return html`<section class="card">
    <h2>Access for other programs</h2>
    <p class="small">
      Programs that speak the protocol of OpenAI (<code>${location.origin}/v1</code>) or of Ollama
      (<code>${location.origin}</code>) can talk with Rekku. Each token speaks for one person, and may do what that
      person may.
    </p>
    <${Fault} text=${error || fault} />
    <div role="status">
      ${
        made &&
        html`<div class="fine">
          Copy it now; it is not shown again.
          <pre tabindex="0">${made}</pre>
        </div>`
      }
    </div>
    ${
      tokens?.length > 0 &&
      html`<table class="plain">
        <thead>
          <tr>
            <th>Name</th>
            <th>Speaks for</th>
            <th>Last used</th>
            <th><span class="hidden">Revoke</span></th>
          </tr>
        </thead>
        <tbody>
          ${tokens.map(
            (one) =>
              html`<tr key=${one.id}>
                <td>${one.name}</td>
                <td>${one.person}</td>
                <td>${one.used ? `${day(one.used)}, ${time(one.used)}` : "never"}</td>
                <td><button class="plain danger" onClick=${() => end(one.id)}>Revoke</button></td>
              </tr>`,
          )}
        </tbody>
      </table>`
    }
    <form
      class="row"
      onSubmit=${(event) => {
        event.preventDefault();
        make();
      }}
    >
      <div>
        <label for="token-name">For which program</label
        ><input id="token-name" required maxlength="100" value=${name} onInput=${(e) => setName(e.target.value)} />
      </div>
      <div>
        <label for="token-person">Speaks for</label
        ><${Select} id="token-person" value=${person} options=${choices} change=${setPerson} />
      </div>
      <button class="bottom">Make a token</button>
    </form>
  </section>`;
}

let changed = false; // a new password is a new session, and the page is drawn anew

function Password({ look }) {
  const [done] = useState(() => {
    const before = changed;
    changed = false;
    return before;
  });
  const [old, setOld] = useState("");
  const [password, setPassword] = useState("");
  const [fault, setFault] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    try {
      await ask("password", { old, password });
      changed = true;
      look();
    } catch (failed) {
      setFault(failed.message);
    }
  };
  return html`<section class="card">
    <h2>Change the password</h2>
    <p class="small">All other browsers are logged out.</p>
    <form onSubmit=${submit}>
      <input type="text" name="username" autocomplete="username" value="owner" hidden readonly />
      <p>
        <label for="old">The password now</label
        ><input
          id="old"
          type="password"
          autocomplete="current-password"
          required
          value=${old}
          onInput=${(e) => setOld(e.target.value)}
        />
      </p>
      <p>
        <label for="new">The new one</label
        ><input
          id="new"
          type="password"
          autocomplete="new-password"
          minlength="10"
          required
          value=${password}
          onInput=${(e) => setPassword(e.target.value)}
        />
      </p>
      ${done && !fault && html`<p class="fine" role="status">The password is changed.</p>`}
      <${Fault} text=${fault} /><button>Change it</button>
    </form>
  </section>`;
}

function browser(agent) {
  const name = /(Firefox|Edg|OPR|Chrome|Safari)\/(\d+)/.exec(agent),
    system = /(Android|iPhone|iPad|Windows|Mac OS|Linux)/.exec(agent);
  return (
    [name && `${{ Edg: "Edge", OPR: "Opera" }[name[1]] || name[1]} ${name[2]}`, system?.[1]]
      .filter(Boolean)
      .join(", ") ||
    agent ||
    "unknown"
  );
}
