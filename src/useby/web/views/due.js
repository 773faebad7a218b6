/** @module Lots by urgency. */

import { URGENCIES } from "../dates.js";
import { html } from "../html.js";
import { useApp } from "../parts/context.js";
import { FirstMinute } from "../parts/first_minute.js";
import { Icon } from "../parts/icon.js";
import { Lists } from "../parts/lot_list.js";
import { chunksOf, LotChunk } from "../parts/lot_chunk.js";
import { useMore } from "../parts/more.js";
import { SamplesNote } from "../parts/samples.js";
import { Sentinel } from "../parts/sentinel.js";
import { released, shownGroups, waiting } from "../state/lots.js";

/** @typedef {import("../types.js").KeptLot} KeptLot */
/** @typedef {import("../types.js").Urgency} Urgency */

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
    ${!counts && html`<${Skeleton} />`}
    ${isEmpty && html`<${FirstMinute} />`}
    ${!isEmpty && html`<${SamplesNote} />`}
    ${counts && !isEmpty && html`<${Overview} counts=${counts} />`}
    ${hidden > 0 &&
    html`<p class="pill"><button type="button" class="button button--main" onClick=${() => app.store.update(released)}>${t("due.new", { n: hidden })}</button></p>`}
    <${Lists}>
      ${counts &&
      (!isEmpty || state.due.held) &&
      URGENCIES.map((urgency) => html`<${Group} key=${urgency} urgency=${urgency} onMore=${more.open} />`)}
    <//>
    ${more.dialog}
  `;
}

/** Show the places of what is being loaded, as the page's HTML does before. */
function Skeleton() {
  const { t } = useApp().app;
  return html`
    <p class="unseen">${t("due.loading")}</p>
    <div class="skeleton" aria-hidden="true"><i class="skeleton__overview" />${[1, 2, 3, 4, 5, 6].map(() => html`<i />`)}</div>
  `;
}

/** @param {{urgency: Urgency, onMore: (lot: KeptLot) => void}} props */
function Group({ urgency, onMore }) {
  const { app, state } = useApp();
  const { t } = app;
  const { ids } = shownGroups(state)[urgency];
  const { cursor } = state.due.groups[urgency];
  const n = state.due.counts?.[urgency] ?? 0;
  return html`
    <section class=${`group group--${urgency} ${n || ids.length ? "" : "group--empty"}`} aria-labelledby=${`group-${urgency}`}>
      <h2 id=${`group-${urgency}`} tabindex="-1">
        <${Icon} name=${urgency} />${t("due.group", { group: t(`due.${urgency}`), n })}
      </h2>
      ${chunksOf(ids).map((chunk, index) => html`<${LotChunk} key=${index} app=${app} state=${state} ids=${chunk} onMore=${onMore} />`)}
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
