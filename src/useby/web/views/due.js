/** @module Lots by urgency. */

import { URGENCIES } from "../dates.js";
import { html } from "../html.js";
import { LongList, lotHasChanged } from "../parts/chunk.js";
import { useApp } from "../parts/context.js";
import { Icon } from "../parts/icon.js";
import { lazy } from "../parts/lazy.js";
import { Lists, Pill } from "../parts/lot_list.js";
import { rowOf } from "../parts/lot_row.js";
import { useMore } from "../parts/more.js";
import { SamplesNote } from "../parts/samples.js";
import { Sentinel } from "../parts/sentinel.js";
import { Skeleton } from "../parts/skeleton.js";
import { shownGroups, waiting } from "../state/lots.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Urgency} Urgency */

const FirstMinute = lazy(async () => (await import("../parts/first_minute.js")).FirstMinute, null);

/** Show six groups, each with the node's count. */
export function Due() {
  const { app, state } = useApp();
  const { t } = app;
  const { counts } = state.due;
  const more = useMore();
  const isEmpty = counts && URGENCIES.every((urgency) => !counts[urgency]);
  const hidden = waiting(state);
  return html`
    <h1 tabindex="-1">${t("due.title")}</h1>
    ${hidden > 0 && html`<${Pill} text=${t("due.new", { n: hidden })} />`}
    ${!counts && html`<${Skeleton} withOverview />`}
    ${isEmpty && html`<${FirstMinute} />`}
    ${!isEmpty && html`<${SamplesNote} />`}
    ${counts && !isEmpty && html`<${Overview} counts=${counts} />`}
    <${Lists}>
      ${counts &&
      (!isEmpty || state.due.held) &&
      URGENCIES.map((urgency) => html`<${Group} key=${urgency} urgency=${urgency} onMore=${more.open} />`)}
    <//>
    ${more.dialog}
  `;
}

/** @param {{urgency: Urgency, onMore: (lot: KeptLot) => void}} props */
function Group({ urgency, onMore }) {
  const { app, state } = useApp();
  const { t } = app;
  const { ids } = shownGroups(state)[urgency];
  const { cursor } = state.due.groups[urgency];
  const n = state.due.counts?.[urgency] ?? 0;
  /**
   * @param {string} id
   * @param {import("../state.js").State} shown
   */
  const row = (id, shown) => {
    const lot = shown.lots.get(id);
    return lot && rowOf({ app, state: shown, lot, onMore });
  };
  return html`
    <section class=${`group group--${urgency} ${n || ids.length ? "" : "group--empty"}`} aria-labelledby=${`group-${urgency}`}>
      <h2 id=${`group-${urgency}`} tabindex="-1">
        <${Icon} name=${urgency} />${t("due.group", { group: t(`due.${urgency}`), n })}
      </h2>
      <${LongList} state=${state} ids=${ids} row=${row} hasChanged=${lotHasChanged} />
      ${cursor !== null && html`<${Sentinel} mark=${cursor} onVisible=${() => app.stock.more(urgency)} />`}
    </section>
  `;
}

/** @param {{counts: import("../types.js").Counts}} props */
function Overview({ counts }) {
  const { t } = useApp().app;
  /** @param {Urgency} urgency */
  const goTo = (urgency) => {
    const heading = document.getElementById(`group-${urgency}`);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
  };
  return html`
    <ul class="overview" role="list" aria-label=${t("due.overview")}>
      ${URGENCIES.map(
        (urgency) => html`
          <li class=${`overview__item overview__item--${urgency}`}>
            <button type="button" disabled=${!counts[urgency]} onClick=${() => goTo(urgency)}>
              <span class="overview__count">${counts[urgency]}</span>
              <span class="overview__name">${t(`due.${urgency}`)}</span>
            </button>
          </li>
        `,
      )}
    </ul>
  `;
}
