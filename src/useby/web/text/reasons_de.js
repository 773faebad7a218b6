/** Texts in German of reasons for which the node refuses what a person types or does. */

/** @type {Record<string, string>} */
export default {
  "The e-mail or the password is wrong.": "Die E-Mail-Adresse oder das Passwort stimmt nicht.",
  "The password is wrong.": "Das Passwort stimmt nicht.",
  "The password needs at least 8 characters.": "Das Passwort braucht mindestens 8 Zeichen.",
  "The e-mail must be an e-mail address of at most 254 characters, e.g. ada@useby.example.":
    "Bitte eine E-Mail-Adresse mit höchstens 254 Zeichen angeben, z. B. ada@useby.example.",
  "The name must be a text of 1 to 200 characters, e.g. Organic Milk.":
    "Bitte einen Namen mit höchstens 200 Zeichen angeben, z. B. Bio-Milch.",
  "The quantity must be a number greater than 0, of at most 18 digits, 6 of them after the point, e.g. 1.5.":
    "Die Menge muss eine Zahl über 0 sein, mit höchstens 18 Ziffern, davon 6 nach dem Komma, z. B. 1,5.",
  "The unit must be a text of at most 32 characters, e.g. kg.": "Die Einheit darf höchstens 32 Zeichen haben, z. B. kg.",
  "The text must be a day of the calendar, e.g. 2099-03-04.": "Diesen Tag gibt es im Kalender nicht.",
  "The text must be a date, e.g. 2099-03-04, 4 Mar 2099, 03/2099, in 5 days or never.":
    "Das ist kein Datum. Es geht zum Beispiel 4.3.2099, 03/2099, +5 oder morgen.",
  "The text must be a day without a time of day, e.g. 2099-03-04.": "Bitte nur den Tag angeben, ohne Uhrzeit.",
  "This change is not possible: less than this quantity is left.": "So viel ist nicht mehr da.",
  "This change is not possible: nothing is left.": "Es ist nichts mehr da.",
  "This change is not possible: the lot is already consumed.": "Es ist schon verbraucht.",
  "This change is not possible: the lot is already discarded.": "Es ist schon weggeworfen.",
  "This change is not possible: the movement is already undone.": "Das ist schon rückgängig gemacht.",
  "There is no such product.": "Dieses Produkt gibt es nicht mehr.",
  "There is no such lot.": "Diesen Posten gibt es nicht mehr.",
  "There is no such invitation.": "Diese Einladung gibt es nicht, oder sie gilt nicht mehr.",
  "Access revoked": "Die Anmeldung ist beendet",
  "Access token expired": "Die Anmeldung ist abgelaufen",
};
