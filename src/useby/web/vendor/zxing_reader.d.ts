/** What the page uses of zxing-wasm. */

export interface ReadResult {
  isValid: boolean;
  symbologyIdentifier: string;
  text: string;
}

export interface ReaderOptions {
  formats: readonly string[];
  textMode: "Plain";
  maxNumberOfSymbols: number;
}

export function prepareZXingModule(options: {
  overrides: { locateFile: () => string };
  fireImmediately: true;
}): Promise<unknown>;

export function readBarcodes(picture: ImageData, options: ReaderOptions): Promise<ReadResult[]>;
