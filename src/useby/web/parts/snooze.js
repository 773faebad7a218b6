/** @module The menu that hides a notification until later. */

import { html } from "../html.js";
import { useEffect, useId, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { TextField } from "./field.js";
import { Icon } from "./icon.js";

const EVENING_HOUR = 18;
const MORNING_HOUR = 8;
const HOUR_MS = 3_600_000;

/**
 * Return a moment of a day from now on this device.
 *
 * @param {number} days
 * @param {number} hour
 */
function moment(days, hour) {
  const at = new Date();
  at.setDate(at.getDate() + days);
  at.setHours(hour, 0, 0, 0);
  return at;
}

/** @param {{id: string, today: string}} props */
export function SnoozeMenu({ id, today }) {
  const { app } = useApp();
  const { t } = app;
  const menuId = useId();
  const [isOpen, setOpen] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const [day, setDay] = useState("");
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const menu = useRef(/** @type {HTMLElement | null} */ (null));

  useEffect(() => {
    if (isOpen) menu.current?.querySelector("button")?.focus();
  }, [isOpen]);

  /** @param {Date} until */
  const snooze = (until) => {
    setOpen(false);
    setAsked(false);
    button.current?.focus();
    void app.attempt(() => app.mailbox.snooze(id, { until: until.toISOString() }));
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const items = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = items.findIndex((each) => each === document.activeElement);
    if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items.at(at - 1)?.focus();
    else if (event.key === "Escape") {
      setOpen(false);
      button.current?.focus();
    } else return;
    event.preventDefault();
  };
  /** @param {FocusEvent} event */
  const onFocusOut = ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && menu.current?.contains(relatedTarget))) setOpen(false);
  };
  const evening = moment(0, EVENING_HOUR);
  const isEvening = evening.getTime() < Date.now() + HOUR_MS / 60;
  /** @type {readonly (readonly [string, () => void])[]} */
  const choices = [
    [t("inbox.hour"), () => snooze(new Date(Date.now() + HOUR_MS))],
    [t("inbox.evening"), () => snooze(isEvening ? moment(1, EVENING_HOUR) : evening)],
    [t("inbox.tomorrow"), () => snooze(moment(1, MORNING_HOUR))],
    [
      t("inbox.choose"),
      () => {
        setOpen(false);
        setAsked(true);
      },
    ],
  ];
  return html`
    <div class="snooze">
      <button
        ref=${button}
        type="button"
        class="button button--quiet"
        aria-haspopup="menu"
        aria-expanded=${isOpen ? "true" : "false"}
        aria-controls=${isOpen ? menuId : undefined}
        aria-describedby=${`${id}-text`}
        onClick=${() => setOpen(!isOpen)}
      >
        <${Icon} name="snooze" />${t("inbox.snooze")}
      </button>
      ${isOpen &&
      html`
        <div ref=${menu} id=${menuId} class="menu" role="menu" aria-label=${t("inbox.snooze")} onKeyDown=${onKeyDown} onFocusOut=${onFocusOut}>
          ${choices.map(
            ([name, act]) => html`<button type="button" role="menuitem" tabindex="-1" onClick=${act}>${name}</button>`,
          )}
        </div>
      `}
      ${isAsked &&
      html`
        <${Dialog} title=${t("inbox.choose.title")} onClose=${() => setAsked(false)}>
          <form
            onSubmit=${(/** @type {Event} */ event) => {
              event.preventDefault();
              const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
              snooze(new Date(year, month - 1, date, MORNING_HOUR));
            }}
          >
            <${TextField} label=${t("add.date")} name="day" type="date" required min=${today} value=${day} onInput=${setDay} />
            <div class="row row--end"><button class="button button--main">${t("inbox.snooze")}</button></div>
          </form>
        <//>
      `}
    </div>
  `;
}
