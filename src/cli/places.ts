import type stringWidth from 'string-width';

const MAX_COUNTED = 2000;

let widthOf: typeof stringWidth | undefined;

/**
 * Makes {@link places} ready for texts with characters of other widths than one place. To load what knows those takes
 * longer than to print most tables, which hold none.
 * @param texts left out: nobody knows them yet
 */
export async function prepareFor(texts?: Iterable<string>): Promise<void> {
  if (widthOf !== undefined) return;
  if (texts) {
    let plain = true;
    for (const text of texts) plain &&= isPlain(text);
    if (plain) return;
  }
  widthOf = (await import('string-width')).default;
}

/** The width of a text on a terminal, where 中 takes two places. Very long texts are not measured exactly. */
export function places(text: string): number {
  return isPlain(text) || widthOf === undefined ? text.length : widthOf(text);
}

function isPlain(text: string): boolean {
  return text.length > MAX_COUNTED || /^[ -~]*$/.test(text);
}
