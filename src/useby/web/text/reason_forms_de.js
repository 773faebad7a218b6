/**
 * Texts in German of reasons that contain figures, dates or the name of a field.
 *
 * In the node's sentence `{}` is any value. In the German one, `{0}` is the first of them.
 */

/** @typedef {Readonly<Record<string, string>>} Forms */

/**
 * Whole sentences.
 *
 * @type {Forms}
 */
export const SENTENCES = {
  "Too many attempts.": "Das waren zu viele Versuche.",
  "Too many sign-ins at once.": "Gerade melden sich zu viele gleichzeitig an.",
  "The database can't be used now.": "Die Datenbank ist gerade nicht erreichbar.",
  "The database is busy.": "Die Datenbank ist gerade überlastet.",
  "Try again in {} {}.": "Bitte in {0} {1} noch einmal versuchen.",
  "The account has reached its limit of {} products. Delete some first.":
    "Das Konto hat die Höchstzahl von {0} Produkten erreicht. Bitte zuerst einige löschen.",
  "The account has reached its limit of {} unread notifications. Mark some read first.":
    "Das Konto hat die Höchstzahl von {0} ungelesenen Meldungen erreicht. Bitte zuerst einige als gelesen markieren.",
  "The account has reached its limit of {} bytes. Delete products or notifications first.":
    "Das Konto hat seinen Platz von {0} Bytes verbraucht. Bitte zuerst Produkte oder Meldungen löschen.",
  "The account has {} channels, and there cannot be more. Delete one first.":
    "Mehr als {0} Kanäle gehen nicht. Bitte zuerst einen löschen.",
  "The account has {} keys, and there cannot be more. Delete one first.":
    "Mehr als {0} Schlüssel gehen nicht. Bitte zuerst einen löschen.",
  "The account has policies for {} names of this scope, and there cannot be more. Delete one first.":
    "Mehr als {0} Regeln dieser Art gehen nicht. Bitte zuerst eine löschen.",
  "The household has {} unused invitations, and there cannot be more. Revoke one first.":
    "Mehr als {0} offene Einladungen gehen nicht. Bitte zuerst eine zurückziehen.",
  "The household has {} members, and there cannot be more.": "Mehr als {0} Mitglieder gehen nicht.",
  "You are a member of {} households, and there cannot be more. Leave one first.":
    "Mehr als {0} Haushalte gehen nicht. Bitte zuerst einen verlassen.",
  "Your role in this household is {}, which may not {}. An owner of the household can give you another role.":
    "Das ist mit der Rolle {0} in diesem Haushalt nicht erlaubt. Ein Inhaber kann eine andere Rolle geben.",
  "The {} has changed: its ETag is not among those of If-Match. Read it again, and repeat the change with the new ETag.":
    "Inzwischen hat sich etwas geändert.",
  "A request's body has at most {} bytes.": "Das ist zu groß: Höchstens {0} Bytes gehen.",
  "The server answered {}.": "Der Server hat mit {0} geantwortet.",
};

/**
 * What follows "This change is not possible: ".
 *
 * @type {Forms}
 */
export const REFUSALS = {
  "the product would have more than {} open lots; use some of them up or delete them first, e.g. {}":
    "Mehr als {0} offene Posten eines Produkts gehen nicht. Bitte zuerst einige verbrauchen oder löschen.",
  "the product would have more than {} movements; delete lots of it first, whose movements go with them, e.g. {}":
    "Mehr als {0} Bewegungen eines Produkts gehen nicht. Bitte zuerst Posten löschen, deren Bewegungen mit ihnen gehen.",
  "the product would have more than {}": "Mehr als {0} gehen bei einem Produkt nicht.",
  "the product has several lots; change one of them, e.g. {}": "Das Produkt hat mehrere Posten: Bitte einen davon ändern.",
  "the product is already {}": "Das Produkt ist schon {0}.",
  "nothing is left of the product; add a lot": "Von diesem Produkt ist nichts mehr da.",
  "the lot is {}; only what is {} can be {}": "Der Posten ist {0}. Nur was {1} ist, kann {2} werden.",
  "the use-by date {} is over; food must be frozen before its use-by date ends":
    "Das Verbrauchsdatum {0} ist vorbei. Eingefroren werden darf nur bis zum Ende dieses Tages.",
  "an undo cannot be undone; repeat the action instead": "Was rückgängig gemacht ist, lässt sich nur noch einmal tun.",
  "a later movement of the lot stands on it: undo {} first ({} at {})":
    "Danach ist mit dem Posten noch etwas geschehen ({1}, {2}). Bitte zuerst das rückgängig machen.",
};

/**
 * What follows the name of a field.
 *
 * @type {Forms}
 */
export const DEMANDS = {
  "is missing": "fehlt",
  "must not be in the future, e.g. {}": "darf nicht in der Zukunft liegen; heute ist der {0}",
  "must not be before the last opening, freezing or thawing of the lot, {}":
    "darf nicht vor dem letzten Öffnen, Einfrieren oder Auftauen liegen ({0})",
  "must not be before the lot was received, e.g. {}": "darf nicht vor dem Tag liegen, an dem der Posten kam ({0})",
  "must not be after the first movement of the lot, e.g. {}": "darf nicht nach der ersten Bewegung des Postens liegen ({0})",
  "must have a year from {} to {}, e.g. {}": "muss ein Jahr von {0} bis {1} haben",
  "must be a day, e.g. {}": "muss ein Tag sein",
  "must be a date of at most {} characters, e.g. {}": "darf höchstens {0} Zeichen haben",
  "must be a day of a month, not of an ISO week or counted within its year, e.g. {}":
    "muss ein Tag eines Monats sein, z. B. {0}",
  "must fall on the day of the week that it names, e.g. {}": "passt nicht zum genannten Wochentag",
  "must be a text of {} to {} characters, e.g. {}": "muss {0} bis {1} Zeichen haben",
  "must be a text of at most {} characters, e.g. {}": "darf höchstens {0} Zeichen haben",
  "must have a visible character, e.g. {}": "braucht ein sichtbares Zeichen",
  "must have at most {} characters": "darf höchstens {0} Zeichen haben",
  "needs at least {} characters": "braucht mindestens {0} Zeichen",
  "must be a number of at least 0, of at most {} digits, {} of them after the point, e.g. {}":
    "muss eine Zahl ab 0 sein, mit höchstens {0} Ziffern, davon {1} nach dem Komma",
  "must be a number greater than 0, of at most {} digits, {} of them after the point, e.g. {}":
    "muss eine Zahl über 0 sein, mit höchstens {0} Ziffern, davon {1} nach dem Komma",
  "must be a whole number, e.g. {}": "muss eine ganze Zahl sein",
  "must be a whole number from {} to {}, e.g. {}": "muss eine ganze Zahl von {0} bis {1} sein",
  "must be at least {}, e.g. {}": "muss mindestens {0} sein",
  "must be at most {}, e.g. {}": "darf höchstens {0} sein",
  "must be greater than {}": "muss über {0} liegen",
  "must be a list of at most {} whole numbers from {} to {}, e.g. {}":
    "darf höchstens {0} ganze Zahlen von {1} bis {2} haben",
  "must be a time of day as HH:MM, e.g. {}": "muss eine Uhrzeit sein, z. B. {0}",
  "must be the ISO 4217 code of a currency, e.g. {}": "muss das Kürzel einer Währung sein, z. B. {0}",
};

/**
 * Fields, by the node's words for them.
 *
 * @type {Forms}
 */
export const FIELDS = {
  "alert time": "Die Uhrzeit",
  "at": "Der Zeitpunkt",
  "barcode": "Der Barcode",
  "category": "Die Kategorie",
  "currency": "Die Währung",
  "expiry date": "Das Datum",
  "flood cap": "Die Zahl der Meldungen auf einmal",
  "lead days": "Die Liste der Tage vorher",
  "location": "Der Ort",
  "lot number": "Die Chargennummer",
  "minimum stock": "Der Mindestbestand",
  "name": "Der Name",
  "notes": "Der Text der Notizen",
  "password": "Das Passwort",
  "price": "Der Preis",
  "quantity": "Die Menge",
  "reason": "Der Grund",
  "received on": "Der Tag des Empfangs",
  "serial": "Die Seriennummer",
  "text": "Das Datum",
  "unit": "Die Einheit",
};

/**
 * Words of the node that stand as a value.
 *
 * @type {Forms}
 */
export const WORDS = {
  ...{ sealed: "verschlossen", opened: "geöffnet", frozen: "eingefroren", thawed: "aufgetaut", or: "oder" },
  ...{ consumed: "verbraucht", discarded: "weggeworfen", moved: "umgestellt", split: "geteilt", corrected: "berichtigt" },
  ...{ owner: "Inhaber", editor: "Bearbeiter", kiosk: "Kiosk", viewer: "Betrachter" },
  ...{ second: "Sekunde", seconds: "Sekunden", minute: "Minute", minutes: "Minuten", hour: "Stunde", hours: "Stunden" },
};
