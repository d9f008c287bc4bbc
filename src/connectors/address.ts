import { BlockList, isIPv6 } from 'node:net';

/** Whether others on the network cannot read what is sent to an address: https, or this machine itself. */
export function isProtected(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopback(url);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Addresses that only this machine or its local link answers, besides {@link LOOPBACK}. 0.0.0.0 leads to this machine,
 * too.
 */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16);
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
LINK_LOCAL.addSubnet('0.0.0.0', 8);
LINK_LOCAL.addAddress('::', 'ipv6');

export function isLoopback({ hostname }: URL): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname) || isIn(LOOPBACK, hostname);
}

/**
 * Whether a link that a server hands out leads to something only this machine can reach: itself, and the link-local
 * addresses at which clouds hand out credentials. A server must not be able to make this machine send requests there.
 * Private networks are allowed: a company's own gateway may be in one, and over https it must show a certificate for
 * its name.
 * @param from the server that hands out the link; one on this machine may lead to this machine
 */
export function leadsToThisMachine(link: URL, from: URL): boolean {
  return isIn(LINK_LOCAL, link.hostname) || (isLoopback(link) && !isLoopback(from));
}

/** URLs write an address in only one way, and IPv6 in brackets. */
function isIn(list: BlockList, hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIPv6(host) ? list.check(host, 'ipv6') : /^[\d.]+$/.test(host) && list.check(host);
}
