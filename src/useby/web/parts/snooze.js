/** @module The menu that hides a notification until later. */

import { dayOf, isoDay } from "../dates.js";
import { html } from "../html.js";
import { momentOn } from "../moments.js";
import { useEffect, useId, useRef, useState } from "../vendor/hooks.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { TextField } from "./field.js";
import { Icon } from "./icon.js";
import { once } from "./press.js";

const EVENING = "18:00";
const MORNING = "08:00";
const HOUR_MS = 3_600_000;
/** Days for which a notification can be hidden; the node allows 90, to the second. */
const MOST_DAYS = 89;

/**
 * Return the choices of the menu but the last, with the moment until which each hides a notification.
 *
 * @param {number} now milliseconds since 1970
 * @param {number} today the day in the zone
 * @param {string} zone the person's
 * @returns {(readonly ["inbox.hour" | "inbox.evening" | "inbox.tomorrow", number | null])[]} null: it has passed
 */
export function choicesAt(now, today, zone) {
  const evening = momentOn(today, EVENING, zone);
  return [
    ["inbox.hour", now + HOUR_MS],
    ["inbox.evening", evening > now + HOUR_MS / 60 ? evening : null],
    ["inbox.tomorrow", momentOn(today + 1, MORNING, zone)],
  ];
}

/** @param {{id: string, today: number, zone: string}} props `zone` is the person's, and `today` the day there */
export function SnoozeMenu({ id, today, zone }) {
  const { app } = useApp();
  const { t } = app;
  const menuId = useId();
  const [isOpen, setOpen] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const [day, setDay] = useState("");
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const menu = useRef(/** @type {HTMLElement | null} */ (null));

  useEffect(() => {
    if (!isOpen) return;
    menu.current?.querySelector("button")?.focus();
    menu.current?.scrollIntoView({ block: "nearest" }); // and not behind the links at the bottom
  }, [isOpen]);

  /** @param {number} until milliseconds since 1970 */
  const snooze = (until) => {
    setOpen(false);
    setAsked(false);
    button.current?.focus();
    void app.attempt(() => app.mailbox.snooze(id, { until: new Date(until).toISOString() }));
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
  /** @type {readonly (readonly [string, (() => void) | null])[]} */
  const choices = [
    ...choicesAt(Date.now(), today, zone).map(
      ([name, until]) => /** @type {const} */ ([t(name), until === null ? null : () => snooze(until)]),
    ),
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
        onClick=${once(() => setOpen(!isOpen))}
      >
        <${Icon} name="snooze" />${t("inbox.snooze")}
      </button>
      ${isOpen &&
      html`
        <div ref=${menu} id=${menuId} class="menu" role="menu" aria-label=${t("inbox.snooze")} onKeyDown=${onKeyDown} onFocusOut=${onFocusOut}>
          ${choices.map(
            ([name, act]) =>
              html`<button type="button" role="menuitem" tabindex="-1" aria-disabled=${act ? undefined : "true"} onClick=${act}>${name}</button>`,
          )}
        </div>
      `}
      ${isAsked &&
      html`
        <${Dialog} title=${t("inbox.choose.title")} onClose=${() => setAsked(false)}>
          <form
            onSubmit=${(/** @type {Event} */ event) => {
              event.preventDefault();
              snooze(momentOn(dayOf(day), MORNING, zone));
            }}
          >
            <${TextField} label=${t("add.date")} name="day" type="date" required min=${isoDay(today + 1)} max=${isoDay(today + MOST_DAYS)} value=${day} onInput=${setDay} />
            <div class="row row--end"><button class="button button--main">${t("inbox.snooze")}</button></div>
          </form>
        <//>
      `}
    </div>
  `;
}
