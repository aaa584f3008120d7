// Coming in: with the password, with the link that sets it, or as a guest.
import { html, useState, useEffect, useRef, ask, Fault } from "../lib.js";

export function Gate({ me, link, come }) {
  return html`<main class="gate">
    <div class="card">
      <img src="/static/icon.svg" alt="" />
      ${link ? html`<${SetPassword} link=${link} come=${come} />` : html`<${LogIn} me=${me} come=${come} />`}
    </div>
  </main>`;
}

function useForm(work) {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      await work();
    } catch (failed) {
      setFault(failed.message);
    }
    setBusy(false);
  };
  return [submit, fault, busy];
}

function LogIn({ me, come }) {
  const [password, setPassword] = useState("");
  const field = useRef();
  useEffect(() => field.current?.focus(), []);
  const [submit, fault, busy] = useForm(async () => come(await ask("login", { password })));
  const [enter, guestFault] = useForm(async () => come(await ask("guest", {})));
  return html`<h1>Hello.</h1>
    <p class="small">
      ${
        me.password
          ? "This is your Rekku. Log in to talk with it."
          : "This Rekku has no password yet. Open the link that it printed when it started, " +
            "or write /web in rekku chat."
      }
    </p>
    ${
      me.password &&
      html`<form onSubmit=${submit}>
          <input type="text" name="username" autocomplete="username" value="owner" hidden readonly />
          <div>
            <label for="password">Password</label
            ><input
              id="password"
              ref=${field}
              type="password"
              autocomplete="current-password"
              required
              value=${password}
              onInput=${(e) => setPassword(e.target.value)}
            />
          </div>
          <${Fault} text=${fault} /><button class="main" disabled=${busy}>Log in</button>
        </form>
        <p class="small">Forgotten? Write <code>/web</code> in <code>rekku chat</code> on Rekku's machine.</p>`
    }
    ${
      me.guests &&
      html`<form onSubmit=${enter}>
        <${Fault} text=${guestFault} />
        <button>Talk as a guest</button>
      </form>`
    }`;
}

function SetPassword({ link, come }) {
  const [password, setPassword] = useState("");
  const field = useRef();
  useEffect(() => field.current?.focus(), []);
  const [submit, fault, busy] = useForm(async () => {
    const told = await ask("link", { link, password });
    history.replaceState(null, "", location.pathname);
    come(told);
  });
  return html`<h1>Welcome.</h1>
    <p class="small">Choose the password with which you come in from now on. A few words in a row are a good one.</p>
    <form onSubmit=${submit}>
      <input type="text" name="username" autocomplete="username" value="owner" hidden readonly />
      <div>
        <label for="password">New password</label
        ><input
          id="password"
          ref=${field}
          type="password"
          autocomplete="new-password"
          minlength="10"
          required
          value=${password}
          onInput=${(e) => setPassword(e.target.value)}
        />
      </div>
      <${Fault} text=${fault} /><button class="main" disabled=${busy}>Set password and come in</button>
    </form>`;
}
