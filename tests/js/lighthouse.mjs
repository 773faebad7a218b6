// Audit a page in a Chromium that is open, with its sign-in, and print the result as JSON:
//   node lighthouse.mjs PORT URL CATEGORIES
// The browser keeps what it has stored; so its first load is the one after the page was first opened.

import lighthouse from "lighthouse";

const [port, url, categories] = process.argv.slice(2);
const { lhr } = await lighthouse(url, {
  port: Number(port),
  output: "json",
  logLevel: "silent",
  disableStorageReset: true, // the page is signed in
  onlyCategories: categories.split(","),
});
if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
const audits = Object.values(lhr.audits);
const figures = audits.filter(({ numericValue }) => numericValue !== undefined);
// Scores of speed are those of the figures; what is left states what to mend.
const failed = audits.filter(({ score, scoreDisplayMode }) => scoreDisplayMode === "binary" && score === 0);
const scores = Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(100 * (score ?? 0))]);
/** @param {string} id of an audit that lists things */
const itemsOf = (id) => lhr.audits[id]?.details?.items ?? [];
const groups = itemsOf("mainthread-work-breakdown").map(({ groupLabel, duration }) => [groupLabel, duration]);
process.stdout.write(
  JSON.stringify({
    scores: Object.fromEntries(scores),
    figures: Object.fromEntries(figures.map(({ id, numericValue }) => [id, numericValue])),
    requests: itemsOf("network-requests").length,
    work: Object.fromEntries(groups),
    failed: Object.fromEntries(failed.map(({ id, title, details }) => [id, { title, items: details?.items ?? [] }])),
  }),
);
process.exit(); // its connection would keep the process alive
