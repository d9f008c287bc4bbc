/** Names of variables whose values are shown to nobody, whichever key they were given to by mistake, and given to no model. */
export const SECRET_NAME = /secret|passw|passphrase|token|key|credential/i;

const REDACTED = '[redacted]';

/**
 * Shorter ones are found in ordinary words and numbers: hiding `a` everywhere makes `w[redacted]rehouse`, which is useless,
 * and tells that it is `a`. From here on a secret is hidden wherever it stands, also within a word: in an address that is
 * itself a parameter, `%3Dhunter2%26`, its neighbours are letters and digits.
 */
export const MIN_SECRET_LENGTH = 4;

/** What a presigned S3 address is signed with. The names are kept. */
const PRESIGNED = /(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&\s"'<>]+/gi;

/** A private key as OpenSSH, OpenSSL and GPG write it, pasted to where its path belongs; also with its line ends spelled out. */
const PRIVATE_KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----)[\s\S]*?(-----END [A-Z ]*-----|$)/g;

/**
 * Makes the function that every text passes before it is shown, and every message before it is kept in `ops`.
 *
 * @param secrets values that must not be seen; ones of fewer than 4 characters are not looked for
 * @returns hides every occurrence of a secret, as it is and as URLs and JSON spell it, the signatures of presigned S3
 *   addresses, and private keys. Secrets that overlap go as one: nothing of either is left.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const spellings = new Set(
    secrets
      .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
      .flatMap((secret) => {
        const inUrl = urlSpellings(secret);
        return [secret, ...inUrl, JSON.stringify(secret).slice(1, -1)];
      }),
  );
  return (text) =>
    hide(text, occurrences(text, spellings))
      .replace(PRESIGNED, `$1${REDACTED}`)
      .replace(PRIVATE_KEY, `$1${REDACTED}`);
}

function urlSpellings(secret: string): string[] {
  const component = encodeURIComponent(secret.replace(/\p{Surrogate}/gu, '\ufffd'));
  // AWS also encodes what encodeURIComponent leaves; forms write + for a blank.
  const strict = component.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const spellings = [component, strict, new URLSearchParams([['', secret]]).toString().slice(1)];
  const lowercase = spellings.map((text) => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [...spellings, ...lowercase];
}

interface Span {
  start: number;
  end: number;
}

function occurrences(text: string, secrets: Iterable<string>): Span[] {
  const spans: Span[] = [];
  for (const secret of secrets) {
    for (let start = text.indexOf(secret); start !== -1; start = text.indexOf(secret, start + 1)) {
      spans.push({ start, end: start + secret.length });
    }
  }
  return spans.sort((a, b) => a.start - b.start);
}

function hide(text: string, spans: Span[]): string {
  let shown = '';
  let end = 0;
  for (const span of spans) {
    if (span.start >= end) shown += text.slice(end, span.start) + REDACTED;
    end = Math.max(end, span.end);
  }
  return shown + text.slice(end);
}
