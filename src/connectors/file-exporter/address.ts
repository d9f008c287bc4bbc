/** Whether an address keeps what is sent to it from other people: https, or this very machine. */
export function isPrivate(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
}
