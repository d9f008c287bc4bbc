/**
 * Names of variables that suggest secrets. Their values are never shown, even if they were given to the wrong key, and
 * are not available to models.
 */
export const SECRET_NAME = /secret|passw|passphrase|token|key|credential/i;

const REDACTED = '[redacted]';

/**
 * Shorter secrets are not redacted, since they occur in ordinary words: hiding `a` would give `w[redacted]rehouse`,
 * which is useless and also reveals that it is `a`. Longer ones are hidden even inside a word: in an encoded URL such
 * as `%3Dhunter2%26` their neighbours are letters and digits.
 */
export const MIN_SECRET_LENGTH = 4;

/** The signature parameters of presigned S3 URLs. Their names are kept. */
const PRESIGNED = /(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&\s"'<>]+/gi;

/**
 * A private key as OpenSSH, OpenSSL and GPG write it, for when somebody pasted it in place of its path; also with
 * escaped line ends.
 */
const PRIVATE_KEY = /(-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----)[\s\S]*?(-----END [A-Z ]*-----|$)/g;

/**
 * Makes the function that redacts every text before it is shown, and every message before it is stored in `ops`.
 *
 * @param secrets values that must not be seen; those of fewer than 4 characters are not looked for
 * @returns a function that hides every occurrence of a secret, also as URLs and JSON spell it, the signatures of
 *   presigned S3 URLs, and private keys. Overlapping secrets are hidden as one, so that nothing of either is left.
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
  // AWS also encodes characters that encodeURIComponent leaves; forms write + for a blank.
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
