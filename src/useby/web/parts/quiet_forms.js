/** @module Quiet hours, drawn as a week, and the digest. */

import { html } from "../html.js";
import { dayNames, MINUTES, stretches, WEEKDAYS } from "../state/quiet.js";
import { useRef, useState } from "../vendor/hooks.js";
import { useAccountChange } from "./account_change.js";
import { useApp } from "./context.js";
import { Choice, Radios, TextField } from "./field.js";

/** @typedef {import("../types.js").Me} Me */
/** @typedef {import("../types.js").QuietWindow} QuietWindow */
/** @typedef {import("../types.js").Digest} Digest */

/** The window that a person begins with. */
const NIGHT = /** @type {QuietWindow} */ ({ days: [...WEEKDAYS], from: "22:00", until: "07:00" });
const SEVERITIES = /** @type {const} */ (["info", "warning", "error"]);
/** Height of a day in the drawing, and of its bar, in pixels. */
const DAY = 22;
const BAR = 14;
/** Where the hours begin, and how wide they are, in per cent of the drawing. */
const LEFT = 12;
const WIDTH = 86;

/** @param {{me: Me}} props */
export function QuietForm({ me }) {
  const { app } = useApp();
  const { t } = app;
  const [windows, setWindows] = useState(/** @type {readonly QuietWindow[]} */ (me.quietHours));
  const [passes, setPasses] = useState(me.urgentPassesQuietHours);
  const { save, busy, problems, setProblems } = useAccountChange(["quietHours"]);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (windows.some(({ days }) => !days.length)) setProblems({ form: t("quiet.days.bad") });
    else if (!busy) void save({ quietHours: windows, urgentPassesQuietHours: passes });
  };
  const add = useRef(/** @type {HTMLButtonElement | null} */ (null));
  /** @param {number} index */
  const remove = (index) => {
    add.current?.focus(); // the button goes
    setWindows(windows.filter((_, other) => other !== index));
  };
  /**
   * @param {number} index
   * @param {Partial<QuietWindow>} fields
   */
  const change = (index, fields) => setWindows(windows.map((each, other) => (other === index ? { ...each, ...fields } : each)));
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <p class="hint">${t("quiet.hint")}</p>
      <${Week} windows=${windows} language=${app.language} label=${t("quiet.week")} />
      ${windows.map(
        (each, index) => html`
          <${Window}
            key=${index}
            of=${each}
            number=${index + 1}
            onChange=${(/** @type {Partial<QuietWindow>} */ fields) => change(index, fields)}
            onRemove=${() => remove(index)}
          />
        `,
      )}
      <p class="row"><button ref=${add} type="button" class="button" onClick=${() => setWindows([...windows, NIGHT])}>${t("quiet.add")}</button></p>
      <label class="check"><input type="checkbox" name="urgent" checked=${passes} onChange=${() => setPasses(!passes)} /> ${t("quiet.urgent")}</label>
      <p class="error" role="alert">${problems.quietHours ?? problems.form}</p>
      <div class="row"><button class="button">${t("quiet.save")}</button></div>
    </form>
  `;
}

/**
 * @param {{of: QuietWindow, number: number, onChange: (fields: Partial<QuietWindow>) => void,
 *   onRemove: () => void}} props
 */
function Window({ of, number, onChange, onRemove }) {
  const { app } = useApp();
  const { t, language } = app;
  const names = dayNames(language, "short");
  return html`
    <fieldset class="quiet">
      <legend>${t("quiet.window", { n: number })}</legend>
      <div class="quiet__days">
        ${WEEKDAYS.map(
          (day, index) => html`
            <label class="check">
              <input type="checkbox" checked=${of.days.includes(day)} onChange=${() => onChange({ days: toggled(of.days, day, WEEKDAYS) })} />
              ${names[index]}
            </label>
          `,
        )}
      </div>
      <div class="grid">
        <${TextField} label=${t("quiet.from")} name="from" type="time" required value=${of.from} onInput=${(/** @type {string} */ from) => onChange({ from })} />
        <${TextField} label=${t("quiet.until")} name="until" type="time" required value=${of.until} onInput=${(/** @type {string} */ until) => onChange({ until })} />
      </div>
      <p class="row">
        <button type="button" class="button button--quiet" aria-label=${t("quiet.remove.named", { n: number })} onClick=${onRemove}>${t("quiet.remove")}</button>
      </p>
    </fieldset>
  `;
}

/**
 * The quiet hours of a week: a line for each day, from midnight to midnight.
 *
 * @param {{windows: readonly QuietWindow[], language: string, label: string}} props
 */
function Week({ windows, language, label }) {
  const names = dayNames(language, "short");
  /** @param {number} minute */
  const at = (minute) => `${LEFT + (WIDTH * minute) / MINUTES}%`;
  return html`
    <svg class="chart week" role="img" aria-label=${label} height=${WEEKDAYS.length * DAY + 18}>
      ${stretches(windows).map(
        (day, index) => html`
          <g>
            <text class="week__day" x="0" y=${index * DAY + 12}>${names[index]}</text>
            <rect class="week__hours" x=${at(0)} y=${index * DAY} width=${`${WIDTH}%`} height=${BAR} rx="2" />
            ${day.map(
              ([start, end]) => html`
                <rect class="week__quiet" x=${at(start)} y=${index * DAY} width=${`${(WIDTH * (end - start)) / MINUTES}%`} height=${BAR} rx="2" />
              `,
            )}
          </g>
        `,
      )}
      ${[0, 6, 12, 18, 24].map((hour) => html`<text class="chart__label" x=${at(hour * 60)} y=${WEEKDAYS.length * DAY + 10}>${hour}</text>`)}
    </svg>
  `;
}

/** @param {{me: Me}} props */
export function DigestForm({ me }) {
  const { app } = useApp();
  const { t, language } = app;
  const [digest, setDigest] = useState(/** @type {Digest} */ (me.digest));
  const { save, busy, problems, setProblems } = useAccountChange(["digest"]);
  /** @param {Partial<Digest>} fields */
  const change = (fields) => setDigest({ ...digest, ...fields });
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!digest.severities.length) setProblems({ form: t("digest.of.bad") });
    else if (!busy) void save({ digest });
  };
  const names = dayNames(language, "long");
  return html`
    <form aria-busy=${busy ? "true" : "false"} onSubmit=${submit}>
      <h3>${t("digest.title")}</h3>
      <p class="hint">${t("digest.hint")}</p>
      <${Radios}
        label=${t("digest.every")}
        name="every"
        value=${digest.every}
        choices=${/** @type {const} */ (["off", "day", "week"]).map((each) => [each, t(`digest.every.${each}`)])}
        onChange=${(/** @type {Digest["every"]} */ every) => change({ every })}
      />
      ${digest.every !== "off" &&
      html`
        <div class="grid">
          ${digest.every === "week" &&
          html`
            <${Choice}
              label=${t("digest.weekday")}
              value=${digest.weekday}
              choices=${WEEKDAYS.map((day, index) => [day, names[index]])}
              onChange=${(/** @type {Digest["weekday"]} */ weekday) => change({ weekday })}
            />
          `}
          <${TextField} label=${t("digest.at")} name="at" type="time" required value=${digest.at} onInput=${(/** @type {string} */ at) => change({ at })} />
        </div>
        <fieldset class="scopes">
          <legend>${t("digest.of")}</legend>
          ${SEVERITIES.map(
            (each) => html`
              <label class="check">
                <input
                  type="checkbox"
                  checked=${digest.severities.includes(each)}
                  onChange=${() => change({ severities: toggled(digest.severities, each, SEVERITIES) })}
                />
                ${t(`digest.of.${each}`)}
              </label>
            `,
          )}
        </fieldset>
      `}
      <p class="error" role="alert">${problems.digest ?? problems.form}</p>
      <div class="row"><button class="button">${t("digest.save")}</button></div>
    </form>
  `;
}

/**
 * Return some of all values, with one of them added or taken away.
 *
 * @template {string} T
 * @param {readonly T[]} some
 * @param {T} one
 * @param {readonly T[]} all
 */
function toggled(some, one, all) {
  return all.filter((each) => (each === one ? !some.includes(each) : some.includes(each)));
}
