/** @module The members of a household, each with a role; an owner changes roles and removes members. */

import { html } from "../html.js";
import { withMessage } from "../state.js";
import { may } from "../state/household.js";
import { useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { wordsIn } from "./household_text.js";

/** @typedef {import("../types.js").Member} Member */
/** @typedef {import("../types.js").Role} Role */

export const ROLES = /** @type {const} */ (["owner", "editor", "kiosk", "viewer"]);

/**
 * @param {{api: import("../household_api.js").HouseholdApi, members: readonly Member[], onChange: () => Promise<void>}} props
 */
export function Members({ api, members, onChange }) {
  const { app, state } = useApp();
  const words = wordsIn(app.language);
  const [asked, setAsked] = useState(/** @type {Member | null} */ (null));
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const close = () => setAsked(null);
  /**
   * @param {Member} member
   * @param {Role} role
   */
  const setRole = async (member, role) => {
    await api.setRole(member.userId, role);
    await Promise.all([onChange(), app.households.load()]);
    app.store.update(withMessage, words("role.changed", { name: shownName(words, member), role: words(`role.${role}`) }));
  };
  /** @param {Member} member */
  const remove = async (member) => {
    await api.remove(member.userId);
    await onChange();
    app.store.update(withMessage, words("removed", { name: shownName(words, member) }));
    heading.current?.focus(); // the button that had the focus goes
  };
  return html`
    <h3 ref=${heading} tabindex="-1">${words("members")}</h3>
    <p class="hint">${words("members.hint")}</p>
    <ul class="devices" role="list">
      ${members.map(
        (each) => html`
          <${Row}
            key=${each.userId}
            of=${each}
            isOne=${members.length === 1}
            onRole=${(/** @type {Role} */ role) => void app.attempt(() => setRole(each, role))}
            onRemove=${() => setAsked(each)}
          />
        `,
      )}
    </ul>
    ${asked &&
    may(state, "govern") &&
    html`
      <${Dialog} title=${words("remove.title", { name: shownName(words, asked) })} onClose=${close}>
        <p>${words("remove.text")}</p>
        <div class="row row--end">
          <button type="button" class="button button--quiet" onClick=${close}>${words("cancel")}</button>
          <button
            type="button"
            class="button button--danger"
            onClick=${() => {
              close();
              void app.attempt(() => remove(asked));
            }}
          >
            ${words("remove")}
          </button>
        </div>
      <//>
    `}
  `;
}

/** @param {{of: Member, isOne: boolean, onRole: (role: Role) => void, onRemove: () => void}} props */
function Row({ of, isOne, onRole, onRemove }) {
  const { app, state } = useApp();
  const words = wordsIn(app.language);
  const name = shownName(words, of);
  const isMe = of.userId === state.me?.id;
  const canGovern = may(state, "govern") && !isOne;
  return html`
    <li class="channel">
      <div>
        <p><bdi>${name}</bdi>${isMe && html` <span class="hint">(${words("you")})</span>`}</p>
        <p class="hint">${!canGovern && `${words(`role.${of.role}`)}: `}${words(`may.${of.role}`)}</p>
      </div>
      ${canGovern &&
      html`
        <div class="row">
          <select
            class="role"
            aria-label=${words("role.of", { name })}
            value=${of.role}
            onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => {
              const role = /** @type {Role} */ (currentTarget.value);
              currentTarget.value = of.role; // until the node has changed it
              onRole(role);
            }}
          >
            ${ROLES.map((each) => html`<option value=${each} selected=${each === of.role}>${words(`role.${each}`)}</option>`)}
          </select>
          ${!isMe &&
          html`<button type="button" class="button" aria-label=${words("remove.named", { name })} onClick=${onRemove}>${words("remove")}</button>`}
        </div>
      `}
    </li>
  `;
}

/**
 * Return how a member is called; only owners see the e-mail of one without a name.
 *
 * @param {import("./household_text.js").Words} words
 * @param {Member} member
 */
const shownName = (words, { name, email }) => name || email || words("member");
