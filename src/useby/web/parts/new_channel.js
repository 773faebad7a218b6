/** @module Add a channel of one of the kinds that the node has. */

import { html } from "../html.js";
import { useState } from "../vendor/hooks.js";
import { wordsIn } from "./channel_text.js";
import { useApp } from "./context.js";
import { Choice, TextField } from "./field.js";

/** @param {{kinds: readonly string[], onMade: () => void}} props */
export function NewChannel({ kinds, onMade }) {
  const { app } = useApp();
  const words = wordsIn(app.language);
  const [kind, setKind] = useState(kinds[0] ?? "");
  const [name, setName] = useState("");
  const [target, setTarget] = useState("");
  const [error, setError] = useState("");
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const isMail = kind === "email";
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    setSecret("");
    try {
      const made = await app.api.addChannel({ kind, name, [isMail ? "address" : "url"]: target });
      setSecret(made.secret ?? "");
      setName("");
      setTarget("");
      onMade();
    } catch (failed) {
      setError(app.stock.reasonOf(failed));
    }
    setBusy(false);
  };
  const hint = isMail ? "" : words(kind === "apprise" ? "new.url.apprise" : "new.url.webhook");
  return html`
    <details class="fold">
      <summary>${words("new")}</summary>
      <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
        <div class="grid">
          <${Choice} label=${words("new.kind")} value=${kind} onChange=${setKind} choices=${kinds.map((each) => [each, words(/** @type {import("./channel_text.js").Key} */ (`kind.${each}`))])} />
          <${TextField} label=${words("new.name")} name="channelName" required maxlength="200" value=${name} onInput=${setName} />
          <${TextField}
            label=${words(isMail ? "new.address" : "new.url")}
            name="channelTarget"
            type=${isMail ? "email" : "text"}
            required
            maxlength="2000"
            hint=${hint}
            value=${target}
            onInput=${setTarget}
          />
        </div>
        <p class="error" role="alert">${error}</p>
        <div class="row"><button class="button">${words("new.add")}</button></div>
      </form>
      <div role="status">
        ${secret &&
        html`
          <p>${words("secret")}</p>
          <p><code class="key" tabindex="0">${secret}</code></p>
        `}
      </div>
    </details>
  `;
}
