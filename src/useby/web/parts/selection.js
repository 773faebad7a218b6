/** @module The toolbar of the products that are selected. */

import { html } from "../html.js";
import { may } from "../state/household.js";
import { useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { TextField } from "./field.js";
import { Icon } from "./icon.js";
import { useNames } from "./more.js";

/** @param {{products: readonly import("../types.js").Product[], onClear: () => void}} props */
export function Selection({ products, onClear }) {
  const { app, state } = useApp();
  const { t, stock } = app;
  const [asked, setAsked] = useState(/** @type {"" | "move" | "delete"} */ (""));
  const [place, setPlace] = useState("");
  const places = useNames("locations", asked === "move");
  const n = products.length;
  const clear = () => {
    onClear();
    document.querySelector("h1")?.focus(); // the toolbar goes
  };
  /** @param {() => Promise<unknown>} action */
  const run = (action) => {
    setAsked("");
    clear();
    void app.attempt(action);
  };
  const close = () => setAsked("");
  return html`
    <div class="selection" role="toolbar" aria-label=${t("products.selection")}>
      <span class="selection__count" role="status">${t("products.selected", { n })}</span>
      <button type="button" class="button" onClick=${() => run(() => stock.actions.takeAll(products, "consume"))}>
        <${Icon} name="used" />${t("lot.used")}
      </button>
      <button type="button" class="button" onClick=${() => run(() => stock.actions.takeAll(products, "discard"))}>
        <${Icon} name="thrown" />${t("lot.thrown")}
      </button>
      ${may(state, "change") &&
      html`
        <button type="button" class="button" aria-haspopup="dialog" onClick=${() => setAsked("move")}>
          <${Icon} name="place" />${t("products.move")}
        </button>
        <button type="button" class="button" aria-haspopup="dialog" onClick=${() => setAsked("delete")}>
          <${Icon} name="close" />${t("products.delete")}
        </button>
      `}
      <button type="button" class="button button--quiet" onClick=${clear}>${t("products.clear")}</button>
    </div>
    ${asked === "move" &&
    html`
      <${Dialog} title=${t("products.move.title")} onClose=${close}>
        <form
          onSubmit=${(/** @type {Event} */ event) => {
            event.preventDefault();
            run(() => stock.actions.moveAll(products, place));
          }}
        >
          <${TextField} label=${t("add.location")} name="place" required value=${place} options=${places} onInput=${setPlace} />
          <div class="row row--end">
            <button type="button" class="button button--quiet" onClick=${close}>${t("products.cancel")}</button>
            <button class="button button--main">${t("products.move")}</button>
          </div>
        </form>
      <//>
    `}
    ${asked === "delete" &&
    html`
      <${Dialog} title=${t("products.delete.title", { n })} onClose=${close}>
        <p>${t("products.delete.text", { n })}</p>
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${close}>${t("products.cancel")}</button>
          <button type="button" class="button button--danger" onClick=${() => run(() => stock.actions.deleteAll(products))}>
            ${t("products.delete.button")}
          </button>
        </div>
      <//>
    `}
  `;
}
