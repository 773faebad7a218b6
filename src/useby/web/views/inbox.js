/** @module Notifications. */

import { dateTime, dayIn } from "../dates.js";
import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { Radios } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { Lists, Pill } from "../parts/lot_list.js";
import { once } from "../parts/press.js";
import { Sentinel } from "../parts/sentinel.js";
import { Skeleton } from "../parts/skeleton.js";
import { SnoozeMenu } from "../parts/snooze.js";
import { Why } from "../parts/why.js";
import { fragmentOf } from "../routes.js";
import { ownZone } from "../state/household.js";
import { inboxWaiting, shownIds } from "../state/inbox.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";

/** @typedef {import("../types.js").Notification} Notification */

const FILTERS = /** @type {const} */ (["all", "unread", "snoozed"]);
/** Rows that are shown at first, and more of them at each end of the list. */
const SHOWN = 60;

export function Inbox() {
  const { app, state } = useApp();
  const { t, mailbox } = app;
  const { inbox, unread } = state;
  const wanted = state.route.id;
  const [count, setCount] = useState(SHOWN);
  const [isMissing, setMissing] = useState(false);
  useEffect(() => {
    if (wanted) void app.load(async () => setMissing(!(await mailbox.find(wanted))));
    else if (!inbox.loaded) void app.load(() => mailbox.load());
  }, []);
  const ids = shownIds(state);
  const hidden = inboxWaiting(state);
  const shown = Math.max(count, ids.indexOf(wanted) + 1);
  const items = ids.slice(0, shown).flatMap((id) => inbox.items.get(id) ?? []);
  const isMore = shown < ids.length || inbox.cursor !== null;
  const showMore = async () => {
    if (shown + SHOWN >= ids.length) await mailbox.more();
    setCount(shown + SHOWN);
  };
  const markAll = () => {
    document.querySelector("h1")?.focus({ preventScroll: true }); // the button is disabled then
    void app.attempt(() => mailbox.markAllRead());
  };
  return html`
    <h1 tabindex="-1">${t("inbox.title")}</h1>
    ${hidden > 0 && html`<${Pill} text=${t("inbox.arrived", { n: hidden })} />`}
    <div class="row row--spread">
      <${Radios}
        label=${t("inbox.filter")}
        name="filter"
        showLabel=${false}
        value=${inbox.filter}
        onChange=${(/** @type {"all" | "unread" | "snoozed"} */ filter) => {
          setCount(SHOWN);
          void app.attempt(() => mailbox.choose(filter));
        }}
        choices=${FILTERS.map((each) => [each, t(`inbox.${each}`)])}
      />
      <p class="inbox__count">${t("inbox.count", { n: unread })}</p>
      <button type="button" class="button" disabled=${!unread} onClick=${markAll}>
        <${Icon} name="check" />${t("inbox.mark-all")}
      </button>
    </div>
    ${isMissing && html`<p class="hint" role="status">${t("inbox.missing")}</p>`}
    ${!inbox.loaded && !items.length && state.asOf === null && html`<${Skeleton} />`}
    ${inbox.loaded && !items.length && html`<p class="hint">${t(`inbox.none.${inbox.filter}`)}</p>`}
    <${Lists}>
      <ul class="notifications" role="list" aria-label=${t("inbox.list")}>
        ${items.map((each) => html`<${Item} key=${each.id} notification=${each} isWanted=${each.id === wanted} />`)}
      </ul>
    <//>
    ${isMore && inbox.loaded && html`<${Sentinel} mark=${`${shown} ${inbox.cursor}`} onVisible=${showMore} />`}
  `;
}

/** @param {{notification: Notification, isWanted: boolean}} props `isWanted` for the one that a link leads to */
function Item({ notification, isWanted }) {
  const { app, state } = useApp();
  const { t, mailbox } = app;
  const { id, message, type, read, productId, event, created_at: at, snoozedUntil } = notification;
  const text = html`<bdi>${message}</bdi>`;
  const zone = ownZone(state); // a notification is the member's own
  const place = placeOf(state, notification);
  const row = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (isWanted) row.current?.focus();
  }, [isWanted]);
  const markRead = () => {
    const next = row.current?.nextElementSibling?.querySelector("button");
    if (next instanceof HTMLElement) next.focus();
    else document.querySelector("h1")?.focus();
    void app.attempt(() => mailbox.markRead(id));
  };
  return html`
    <li
      ref=${row}
      class=${`notification notification--${type} ${read ? "notification--read" : ""}`}
      tabindex=${isWanted ? -1 : undefined}
      aria-current=${isWanted || undefined}
      aria-labelledby=${`${id}-text`}
    >
      <${Icon} name=${{ info: "inbox", warning: "next3Days", error: "expired" }[type]} />
      <div class="notification__text">
        <p id=${`${id}-text`}>
          ${productId ? html`<a href=${fragmentOf("product", productId, place?.id)}>${text}</a>` : text}
        </p>
        <p class="hint">
          ${type !== "info" && html`<span class="notification__type">${t(`inbox.${type}`)}</span>${" · "}`}
          ${place && html`<bdi>${place.name}</bdi>${" · "}`}
          <time datetime=${at}>${dateTime(at, app.language, zone)}</time>
          ${snoozedUntil && html`${" · "}${t("inbox.snoozed-until", { when: dateTime(snoozedUntil, app.language, zone) })}`}
        </p>
        ${(event === "summary" || event === "digest") && html`<${Items} id=${id} place=${place} />`}
        <${Why} of=${notification} />
      </div>
      <div class="notification__actions">
        ${!read && html`<button type="button" class="button" aria-describedby=${`${id}-text`} onClick=${once(markRead)}>${t("inbox.mark")}</button>`}
        <${SnoozeMenu} id=${id} today=${dayIn(Date.now(), zone)} zone=${zone} />
      </div>
    </li>
  `;
}

/**
 * Return the household that a notification is about, if the person has several.
 *
 * @param {import("../state.js").State} state
 * @param {Notification} notification
 */
const placeOf = ({ households, me }, { productId, event, householdId }) =>
  households.length > 1 && (productId || event === "summary" || event === "digest")
    ? households.find(({ id }) => id === (householdId ?? me?.id))
    : undefined;

/**
 * The items of a summary, which are loaded when they are wanted.
 *
 * @param {{id: string, place: import("../types.js").Household | undefined}} props
 */
function Items({ id, place }) {
  const { app } = useApp();
  const [items, setItems] = useState(/** @type {readonly import("../types.js").SummaryItem[]} */ ([]));
  const load = () => void app.attempt(async () => setItems((await app.api.itemsOf(id)).items));
  return html`
    <details class="notification__items" onToggle=${load}>
      <summary>${app.t("inbox.items")}</summary>
      <ul role="list">
        ${items.map(
          ({ productId, message }) => html`
            <li>${productId ? html`<a href=${fragmentOf("product", productId, place?.id)}><bdi>${message}</bdi></a>` : html`<bdi>${message}</bdi>`}</li>
          `,
        )}
      </ul>
    </details>
  `;
}
