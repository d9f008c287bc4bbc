import { BlockList, isIPv6 } from 'node:net';

/** Whether an address keeps what is sent to it from other people: https, or this very machine. */
export function isPrivate(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopback(url);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Addresses that only this machine or its own link answers, beside {@link LOOPBACK}: 0.0.0.0 leads to this machine, too. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16);
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addSubnet('0.0.0.0', 8);
LINK_LOCAL.addAddress('::', 'ipv6');

export function isLoopback({ hostname }: URL): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname) || isIn(LOOPBACK, hostname);
}

/**
 * Whether a link that a server hands out leads to what only this machine can reach: itself, and the link-local addresses
 * at which clouds hand out credentials. Whoever answers for ASAPP must not have this machine ask there. Private networks
 * are let through: a company's own gateway may stand in one, and over https it must show a certificate for its name.
 * @param from the server that hands it out: one on this machine may send to this machine
 */
export function leadsInside(link: URL, from: URL): boolean {
  return isIn(LINK_LOCAL, link.hostname) || (isLoopback(link) && !isLoopback(from));
}

/** The addresses of URLs are written one way, IPv6 in brackets. */
function isIn(list: BlockList, hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIPv6(host) ? list.check(host, 'ipv6') : /^[\d.]+$/.test(host) && list.check(host);
}
