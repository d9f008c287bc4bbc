/** A piece of HTML. Only {@link html} and {@link raw} make one, so that no text becomes markup by accident. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | null | false | readonly Part[];

/** HTML from a template: what is put in is text, unless it is {@link Html} itself. Lists are joined; false is nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.map((text, index) => text + render(parts[index])).join(''));
}

/** Text that is HTML already: of the program's own making only. */
export function raw(text: string): Html {
  return new Html(text);
}

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (part === undefined || part === null || part === false) return '';
  if (typeof part === 'object') return part.map(render).join('');
  return escapeText(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that a page may not hold, and those that turn the direction of the text around them. */
const UNSAFE = /[^\P{Cc}\t\n\r]|\p{Bidi_Control}/gu;

function escapeText(text: string): string {
  return text
    .replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
