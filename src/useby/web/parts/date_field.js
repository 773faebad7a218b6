/**
 * The field that takes a date as people write it, and shows what was understood.
 *
 * @module
 */

import { ApiError } from "../api.js";
import { isUnreached } from "../changes.js";
import { dayIn, dayOf, endOfMonth, isoDay, longDate, relativeDays } from "../dates.js";
import { NO_DATE } from "../draft.js";
import { html } from "../html.js";
import { useEffect, useId, useRef } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { TextField } from "./field.js";

/** @typedef {import("../draft.js").TypedDate} TypedDate */

/** Milliseconds after the last key before a text is sent to be read. */
const PAUSE = 120;

/**
 * Let the node read a text.
 *
 * @param {import("./context.js").App} app
 * @param {string} text
 * @returns {Promise<TypedDate>}
 */
export async function understood(app, text) {
  const typed = { ...NO_DATE, text, readFrom: text };
  if (!text.trim()) return typed;
  const today = dayIn(Date.now(), app.store.state.zone);
  try {
    const { date, readings } = await app.api.readDate(text, isoDay(today));
    return { ...typed, date, readings: readings.length > 1 ? readings : [], never: !readings.length };
  } catch (error) {
    if (error instanceof ApiError && !isUnreached(error)) return { ...typed, problem: error.message };
    const { dayFrom } = await import("../offline/typed_day.js");
    const day = dayFrom(text, today);
    return day === null ? { ...typed, problem: app.t("error.unreachable") } : { ...typed, date: isoDay(day) };
  }
}

/**
 * @param {{label: string, value: TypedDate, onChange: (value: TypedDate) => void, error?: string,
 *   disabled?: boolean, chips?: boolean}} props
 */
export function DateField({ label, value, onChange, error = "", disabled = false, chips = true }) {
  const { app, state } = useApp();
  const { t } = app;
  const id = useId();
  const { text, readFrom } = value;
  const understoodAs = useRef(/** @type {HTMLElement | null} */ (null));

  useEffect(() => {
    if (readFrom === text) return;
    let isLatest = true;
    const timer = setTimeout(async () => {
      const read = await understood(app, text);
      if (isLatest) onChange(read);
    }, PAUSE);
    return () => {
      isLatest = false;
      clearTimeout(timer);
    };
  }, [text, readFrom]);

  const today = dayIn(Date.now(), state.zone);
  /** @param {number} day */
  const choose = (day) => {
    const date = isoDay(day);
    onChange({ ...NO_DATE, text: date, readFrom: date, date });
  };
  /** @param {string} date */
  const inFull = (date) =>
    `${longDate(date, app.language, state.zone)}, ${relativeDays(dayOf(date) - today, app.language)}`;
  const meaning = value.date ? inFull(value.date) : value.never ? t("add.never") : "";
  return html`
    <div class="date-field">
      <${TextField}
        label=${label}
        name="date"
        value=${text}
        hint=${t("add.date.hint")}
        error=${error || value.problem}
        disabled=${disabled}
        onInput=${(/** @type {string} */ next) => onChange({ ...NO_DATE, text: next, readFrom: next ? null : "" })}
      />
      <p ref=${understoodAs} class="date-field__meaning" role="status" tabindex="-1">${meaning}</p>
      ${value.readings.length > 1 &&
      !value.date &&
      html`
        <div class="which" role="group" aria-labelledby=${`${id}-which`}>
          <p id=${`${id}-which`}>${t("add.which")}</p>
          ${value.readings.map(
            (date) => html`
              <button
                type="button"
                class="button"
                onClick=${() => {
                  understoodAs.current?.focus(); // the button goes
                  onChange({ ...value, date });
                }}
              >
                ${longDate(date, app.language, state.zone)}
              </button>
            `,
          )}
        </div>
      `}
      ${chips &&
      html`
        <div class="chips" role="group" aria-label=${t("add.chips")}>
          ${/** @type {const} */ ([
            [t("add.chip.today"), today],
            [t("add.chip.tomorrow"), today + 1],
            ["+3", today + 3],
            ["+7", today + 7],
            [t("add.chip.month"), endOfMonth(today)],
          ]).map(
            ([name, day]) => html`
              <button type="button" class="chip" disabled=${disabled} onClick=${() => choose(day)}>${name}</button>
            `,
          )}
        </div>
      `}
    </div>
  `;
}
