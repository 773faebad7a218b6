/** @module Used against thrown away, and the coming weeks. */

import { isUnreached } from "../changes.js";
import { html } from "../html.js";
import { ByCategory, ByMonth, MostThrownAway, Summary } from "../parts/used_and_thrown.js";
import { Columns, FoldedTable } from "../parts/charts.js";
import { useApp } from "../parts/context.js";
import { Icon } from "../parts/icon.js";
import { dayOf, isoDay, shortDate } from "../dates.js";
import { closedOf, monthsUntil } from "../numbers.js";
import { fragmentOf } from "../routes.js";
import { useEffect, useRef, useState } from "../vendor/hooks.js";

/** @typedef {import("../types.js").Stats} Stats */
/** @typedef {{months: Stats, categories: Stats, weeks: readonly import("../types.js").Week[], today: number}} Numbers */

/** Milliseconds in which changes are collected before the numbers are fetched again. */
const PAUSE = 300;

/** Show the numbers of the last twelve months, and of the coming weeks. */
export function Insights() {
  const { t } = useApp().app;
  const { numbers, failed } = useNumbers();
  if (!numbers) {
    return html`
      <h1 tabindex="-1">${t("insights.title")}</h1>
      <p class="hint">${t(failed ? "insights.away" : "due.loading")}</p>
    `;
  }
  const { months, categories, weeks, today } = numbers;
  const isEmpty = months.groups.every((each) => closedOf(each) === 0);
  return html`
    <h1 tabindex="-1">${t("insights.title")}</h1>
    <section aria-labelledby="insights-months">
      <h2 id="insights-months">${t("insights.months")}</h2>
      ${isEmpty
        ? html`
            <p>${t("insights.empty", { used: t("lot.used"), thrown: t("lot.thrown") })}</p>
            <p class="row"><a class="button button--main" href=${fragmentOf("due")}><${Icon} name="due" />${t("insights.empty.go")}</a></p>
          `
        : html`<${Summary} groups=${months.groups} currency=${months.currency} /><${ByMonth} stats=${months} today=${today} />`}
    </section>
    ${!isEmpty && html`<${ByCategory} stats=${categories} />`}
    ${months.mostThrownAway.length > 0 && html`<${MostThrownAway} stats=${months} />`}
    <${ComingWeeks} weeks=${weeks} today=${today} />
  `;
}

/**
 * Fetch the numbers, and again after each change of the stock, at midnight and once the node is reached. Those that are
 * shown stay if that fails.
 */
function useNumbers() {
  const { app, state } = useApp();
  const [numbers, setNumbers] = useState(/** @type {Numbers | null} */ (null));
  const [failed, setFailed] = useState(false);
  const waiting = useRef(/** @type {number | undefined} */ (undefined));
  const newest = useRef(0);
  const fetchNumbers = async () => {
    waiting.current = undefined;
    const turn = (newest.current += 1);
    const { today } = app.store.state;
    const from = `${monthsUntil(today)[0]}-01`;
    const { api } = app;
    await app.attempt(async () => {
      try {
        const [months, categories, weeks] = await Promise.all([api.stats("month", from), api.stats("category", from), api.weeks()]);
        if (turn === newest.current) setNumbers({ months, categories, weeks: weeks.items, today });
        setFailed(false);
      } catch (error) {
        setFailed(true);
        if (!isUnreached(error)) throw error;
      }
    });
  };
  const isBack = failed && state.connection.name === "connected";
  useEffect(() => {
    // A timer that runs is kept: changes that go on and on do not put it off.
    waiting.current ??= setTimeout(() => void fetchNumbers(), newest.current ? PAUSE : 0);
  }, [state.products, state.due.counts, state.today, isBack]);
  useEffect(
    () => () => {
      clearTimeout(waiting.current);
      newest.current += 1;
    },
    [],
  );
  return { numbers, failed };
}

/** @param {{weeks: Numbers["weeks"], today: number}} props */
function ComingWeeks({ weeks, today }) {
  const { app, state } = useApp();
  const { t, language } = app;
  /** @param {string} day */
  const short = (day) => shortDate(day, language, state.zone, today);
  const named = weeks.map(({ monday, lots }, index) => ({
    monday,
    lots,
    name: index ? `${short(monday)} – ${short(isoDay(dayOf(monday) + 6))}` : t("insights.week.this"),
  }));
  const month = new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" });
  const total = weeks.reduce((sum, { lots }) => sum + lots, 0);
  return html`
    <section aria-labelledby="insights-weeks">
      <h2 id="insights-weeks">${t("insights.weeks")}</h2>
      <p class="hint">${t("insights.weeks.hint", { n: total })}</p>
      ${total > 0 &&
      html`
        <${Columns}
          label=${t("insights.chart", { title: t("insights.weeks") })}
          language=${language}
          columns=${named.map(({ monday, lots, name }) => {
            const date = new Date(monday);
            return { label: [`${date.getUTCDate()}${language === "de" ? "." : ""}`, month.format(date)], title: `${name}: ${t("insights.lots", { n: lots })}`, up: lots };
          })}
        />
        <${FoldedTable}
          summary=${t("insights.table")}
          caption=${t("insights.weeks")}
          heads=${[t("insights.week"), t("insights.due")]}
          rows=${named.map(({ name, lots }) => [name, lots.toLocaleString(language)])}
        />
      `}
    </section>
  `;
}
