/** @module Fields of forms, each with its label. */

import { html } from "../html.js";
import { useId } from "../vendor/hooks.js";

/**
 * A line of text; `options` are suggestions.
 *
 * @param {{label: string, name: string, value: string, onInput: (value: string) => void, hint?: string,
 *   error?: string, options?: readonly string[], [attribute: string]: unknown}} props
 */
export function TextField({ label, name, value, onInput, hint, error, options, ...more }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <input
        id=${id}
        name=${name}
        value=${value}
        autocomplete="off"
        aria-describedby=${described || undefined}
        aria-invalid=${error ? "true" : undefined}
        list=${options?.length ? `${id}-list` : undefined}
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => onInput(event.currentTarget.value)}
        ...${more}
      />
      ${options?.length ? html`<datalist id=${`${id}-list`}>${options.map((each) => html`<option value=${each} />`)}</datalist>` : null}
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      ${error && html`<p class="error" id=${`${id}-error`}>${error}</p>`}
    </div>
  `;
}

/**
 * A choice of several values.
 *
 * @param {{label: string, value: string, onChange: (value: string) => void,
 *   choices: readonly (readonly [string, string])[]}} props value and text of each choice
 */
export function Choice({ label, value, onChange, choices }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select
        id=${id}
        value=${value}
        onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => onChange(event.currentTarget.value)}
      >
        ${choices.map(([each, text]) => html`<option value=${each} selected=${each === value}>${text}</option>`)}
      </select>
    </div>
  `;
}

/**
 * Radio buttons in a row.
 *
 * @param {{label: string, name: string, value: string, onChange: (value: string) => void,
 *   choices: readonly (readonly [string, string])[], showLabel?: boolean}} props
 */
export function Radios({ label, name, value, onChange, choices, showLabel = true }) {
  const id = useId();
  return html`
    <div class="radios" role="radiogroup" aria-labelledby=${id}>
      <span id=${id} class=${showLabel ? "radios__label" : "unseen"}>${label}</span>
      <div class="radios__choices">
        ${choices.map(
          ([each, text]) => html`
            <label class="radio">
              <input type="radio" name=${name} value=${each} checked=${each === value} onChange=${() => onChange(each)} />
              <span>${text}</span>
            </label>
          `,
        )}
      </div>
    </div>
  `;
}
