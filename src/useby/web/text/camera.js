/** Texts of the camera's dialog, loaded with it. */

const EN = {
  wait: "Waiting for the camera …",
  look: "Hold the barcode in front of the camera, a hand’s width away.",
  which: "Which code?",
  type: "Type it",
  torch: "Light",
  insecure:
    "Browsers give the camera only to pages that are opened with https://. Open this page with https://, or type the number below the bars.",
  unsupported: "This browser gives pages no camera. Use another browser, or type the number below the bars.",
  refused:
    "The browser does not allow this page to use the camera. Press the symbol beside the address, allow the camera, and try again.",
  missing: "No camera was found. Connect one and try again, or type the number below the bars.",
  busy: "The camera can’t be used now. Close other programs that use it, and try again.",
  reader: "The barcode reader could not be loaded. Check the connection, and try again.",
};

/** @type {typeof EN} */
const DE = {
  wait: "Warten auf die Kamera …",
  look: "Den Barcode vor die Kamera halten, etwa eine Handbreit entfernt.",
  which: "Welcher Code?",
  type: "Eintippen",
  torch: "Licht",
  insecure:
    "Browser geben die Kamera nur Seiten, die mit https:// geöffnet sind. Bitte diese Seite mit https:// öffnen, oder die Nummer unter den Strichen eintippen.",
  unsupported:
    "Dieser Browser gibt Seiten keine Kamera. Bitte einen anderen Browser nehmen, oder die Nummer unter den Strichen eintippen.",
  refused:
    "Der Browser erlaubt dieser Seite die Kamera nicht. Bitte auf das Symbol neben der Adresse drücken, die Kamera erlauben und es noch einmal versuchen.",
  missing:
    "Keine Kamera gefunden. Bitte eine anschließen und es noch einmal versuchen, oder die Nummer unter den Strichen eintippen.",
  busy:
    "Die Kamera ist gerade nicht zu benutzen. Bitte andere Programme schließen, die sie benutzen, und es noch einmal versuchen.",
  reader:
    "Der Barcode-Leser konnte nicht geladen werden. Bitte die Verbindung prüfen und es noch einmal versuchen.",
};

/** @type {Record<string, typeof EN>} */
const LANGUAGES = { en: EN, de: DE };

/** @param {string} language */
export const cameraTexts = (language) => LANGUAGES[language] ?? EN;
