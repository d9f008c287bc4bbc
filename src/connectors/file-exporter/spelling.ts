/**
 * The File Exporter answers the same parameter in more than one spelling (`1` or `version=1`), and asks to have it sent
 * back as it was answered. For ourselves every spelling is a folder of the vendor's layout. Pure.
 */

export function versionFolder(version: string): string {
  return keyed('version', version);
}

export function formatFolder(format: string): string {
  return keyed('format', format);
}

export function dateFolder(date: string): string {
  return keyed('dt', date);
}

/** `hr=07`, `hr=07/mi=15`; also for `07` and `07/15`. */
export function intervalFolder(interval: string): string {
  const [hour = '', ...minute] = interval.split('/');
  return [keyed('hr', hour), ...minute.map((part) => keyed('mi', part))].join('/');
}

function keyed(key: string, value: string): string {
  return value.startsWith(`${key}=`) ? value : `${key}=${value}`;
}
