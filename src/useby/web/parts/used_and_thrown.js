/** @module What was used and thrown away: sums, by month, by category, and most thrown away. */

import { html } from "../html.js";
import { closedOf, largestFirst, monthsUntil, totalOf } from "../numbers.js";
import { fragmentOf } from "../routes.js";
import { Bar, Columns, FoldedTable, Legend } from "./charts.js";
import { useApp } from "./context.js";

/** @typedef {import("../types.js").Stats} Stats */
/** @typedef {import("../types.js").StatsGroup} StatsGroup */
/** @typedef {import("../text.js").Translate} Translate */

/** Number of categories with a bar; all are in the table. */
const BARS = 8;

/** @param {{groups: readonly StatsGroup[], currency: string | null}} props */
export function Summary({ groups, currency }) {
  const { t, language } = useApp().app;
  const { used, thrown, afterAlert, lost, share } = totalOf(groups);
  const figures = [
    [t("lot.used"), t("insights.lots", { n: used })],
    [t("lot.thrown"), t("insights.lots", { n: thrown })],
    share !== null && [t("insights.share"), percent(share, language)],
    lost !== null && [t("insights.lost"), money(lost, currency, language)],
    afterAlert > 0 && [t("insights.after-alert"), t("insights.lots", { n: afterAlert })],
  ];
  return html`
    <dl class="figures">
      ${figures.map((each) => each && html`<div><dt>${each[0]}</dt><dd>${each[1]}</dd></div>`)}
    </dl>
  `;
}

/** @param {{stats: Stats, today: number}} props */
export function ByMonth({ stats, today }) {
  const { t, language } = useApp().app;
  const short = new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" });
  const long = new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone: "UTC" });
  const groups = new Map(stats.groups.map((each) => [each.key, each]));
  const months = monthsUntil(today).map((key) => {
    const date = new Date(`${key}-01`);
    const year = key.endsWith("-01") ? key.slice(0, 4) : "";
    return { name: long.format(date), label: /** @type {const} */ ([short.format(date).slice(0, 3), year]), group: groups.get(key) };
  });
  return html`
    <${Legend} items=${[{ text: t("insights.above") }, { text: t("insights.below"), isThrown: true }]} />
    <${Columns}
      label=${t("insights.chart", { title: t("insights.months") })}
      language=${language}
      columns=${months.map(({ name, label, group }) => {
        const [up, down] = [group?.taken.lots ?? 0, group?.thrownAway.lots ?? 0];
        return { label, title: `${name}: ${sentence(t, up, down)}`, up, down };
      })}
    />
    <${NumbersTable}
      caption=${t("insights.months")}
      head=${t("insights.month")}
      currency=${stats.currency}
      rows=${months.flatMap(({ name, group }) => (group ? { name, group } : []))}
    />
  `;
}

/** @param {{stats: Stats}} props */
export function ByCategory({ stats }) {
  const { t, language } = useApp().app;
  const rows = largestFirst(stats.groups).map((group) => ({ name: group.name || t("insights.no-category"), group }));
  const longest = rows[0] ? closedOf(rows[0].group) : 0;
  return html`
    <section aria-labelledby="insights-categories">
      <h2 id="insights-categories">${t("insights.categories")}</h2>
      <ul class="bars" role="list">
        ${rows.slice(0, BARS).map(({ name, group: { key, taken, thrownAway, shareThrownAway } }) => {
          const share = shareThrownAway === null ? "" : ` (${percent(shareThrownAway, language)})`;
          return html`
            <li key=${key}>
              <p><strong><bdi>${name}</bdi></strong> <span class="hint">${sentence(t, taken.lots, thrownAway.lots)}${share}</span></p>
              <${Bar} used=${taken.lots} thrown=${thrownAway.lots} longest=${longest} />
            </li>
          `;
        })}
      </ul>
      ${rows.length > BARS && html`<p class="hint">${t("insights.rest", { n: rows.length - BARS })}</p>`}
      <${NumbersTable} caption=${t("insights.categories")} head=${t("insights.category")} currency=${stats.currency} rows=${rows} />
    </section>
  `;
}

/** @param {{stats: Stats}} props */
export function MostThrownAway({ stats: { mostThrownAway, currency } }) {
  const { t, language } = useApp().app;
  return html`
    <section aria-labelledby="insights-most">
      <h2 id="insights-most">${t("insights.most")}</h2>
      <ol class="most">
        ${mostThrownAway.map(({ productId, name, lots, quantities, money: lost }) => {
          const amounts = Object.entries(quantities)
            .filter(([unit, quantity]) => unit || Number(quantity) !== lots)
            .map(([unit, quantity]) => `${decimal(quantity, language)} ${unit || t("insights.pieces")}`);
          const parts = [t("insights.lots", { n: lots }), ...amounts, ...(lost === null ? [] : [money(lost, currency, language)])];
          return html`
            <li key=${productId}>
              <a href=${fragmentOf("product", productId)}><bdi>${name}</bdi></a> <span class="hint">${parts.join(" · ")}</span>
            </li>
          `;
        })}
      </ol>
    </section>
  `;
}

/**
 * @param {{caption: string, head: string, currency: string | null,
 *   rows: readonly {name: string, group: StatsGroup}[]}} props
 */
function NumbersTable({ caption, head, currency, rows }) {
  const { t, language } = useApp().app;
  /** @param {string | null} amount */
  const priced = (amount) => (amount === null ? null : money(amount, currency, language));
  return html`
    <${FoldedTable}
      summary=${t("insights.table")}
      caption=${caption}
      heads=${[head, t("lot.used"), t("lot.thrown"), t("insights.share"), t("insights.days-left"), t("insights.spent"), t("insights.lost")]}
      rows=${rows.map(({ name, group: { taken, thrownAway, shareThrownAway, averageDaysLeft } }) => [
        name,
        taken.lots.toLocaleString(language),
        thrownAway.lots.toLocaleString(language),
        shareThrownAway === null ? null : percent(shareThrownAway, language),
        averageDaysLeft === null ? null : decimal(averageDaysLeft, language),
        priced(taken.money),
        priced(thrownAway.money),
      ])}
    />
  `;
}

/**
 * @param {Translate} t
 * @param {number} used
 * @param {number} thrown
 */
const sentence = (t, used, thrown) => `${t("insights.used", { n: used })}, ${t("insights.thrown", { n: thrown })}`;

/**
 * @param {string | number} share 0 to 1
 * @param {string} language
 */
const percent = (share, language) => Number(share).toLocaleString(language, { style: "percent", maximumFractionDigits: 1 });

/**
 * @param {string} value
 * @param {string} language
 */
const decimal = (value, language) => Number(value).toLocaleString(language, { maximumFractionDigits: 6 });

/**
 * @param {string | number} amount
 * @param {string | null} currency
 * @param {string} language
 */
const money = (amount, currency, language) =>
  Number(amount).toLocaleString(language, currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 });
