/** The node's reasons in German, with their figures and dates. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { reasonIn } from "../../../src/useby/web/reasons.js";

const IMPOSSIBLE = "This change is not possible: ";

/** Checks the German text of reasons. */
async function german(texts) {
  for (const [reason, text] of Object.entries(texts)) assert.equal(await reasonIn("de", reason), text);
}

test("figures and dates of a reason are written as in German, and names of fields and states are words", () =>
  german({
    "The at must not be in the future, e.g. 2026-12-01.": "Der Zeitpunkt darf nicht in der Zukunft liegen; heute ist der 1.12.2026.",
    "The account has reached its limit of 10,000 products. Delete some first.":
      "Das Konto hat die Höchstzahl von 10.000 Produkten erreicht. Bitte zuerst einige löschen.",
    [`${IMPOSSIBLE}the lot is frozen; only what is sealed or opened can be thawed.`]:
      "Der Posten ist eingefroren. Nur was verschlossen oder geöffnet ist, kann aufgetaut werden.",
    [`${IMPOSSIBLE}the product would have more than 2,000 open lots; use some of them up or delete them first, e.g. DELETE /api/lots/{id}.`]:
      "Mehr als 2.000 offene Posten eines Produkts gehen nicht. Bitte zuerst einige verbrauchen oder löschen.",
    "The server answered 500.": "Der Server hat mit 500 geantwortet.",
  }));

test("a moment is written in the zone of the device", async (t) => {
  const { TZ } = process.env;
  process.env.TZ = "Europe/Berlin";
  t.after(() => (TZ === undefined ? delete process.env.TZ : (process.env.TZ = TZ)));
  await german({
    [`${IMPOSSIBLE}a later movement of the lot stands on it: undo 01ab first (consumed at 2026-12-01T10:30:00+00:00).`]:
      "Danach ist mit dem Posten noch etwas geschehen (verbraucht, 1.12.2026, 11:30). Bitte zuerst das rückgängig machen.",
  });
});

test("each sentence of several is in German, and one that is not known stays", () =>
  german({
    "Too many attempts. Try again in 2 minutes.": "Das waren zu viele Versuche. Bitte in 2 Minuten noch einmal versuchen.",
    "The name must be a text of 1 to 200 characters, e.g. Organic Milk. The received on must not be after the first movement of the lot, e.g. 2026-11-30.":
      "Bitte einen Namen mit höchstens 200 Zeichen angeben, z. B. Bio-Milch. Der Tag des Empfangs darf nicht nach der ersten Bewegung des Postens liegen (30.11.2026).",
    "The lot glows. The name is missing.": "The lot glows. Der Name fehlt.",
    "The glow must have at most 3 characters.": "The glow must have at most 3 characters.",
  }));

test("a reason in English stays as it is", async () => {
  assert.equal(await reasonIn("en", "The name is missing."), "The name is missing.");
});
