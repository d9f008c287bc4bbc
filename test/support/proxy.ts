import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';

/** What the proxy does to the bytes that come back from the server, on one connection. */
interface Fault {
  /** Closes both sides hard after this many bytes. */
  cutAfter?: number;
  /** Passes this many bytes, then nothing more, with the connection left open. */
  stallAfter?: number;
  /** Flips the bits of the byte at this place (0-based). */
  corruptAt?: number;
  /** Bytes a second. */
  rate?: number;
  /** Resets the connection before it reaches the server. */
  refuse?: boolean;
  /** Answers the first request with this, in the server's place, and closes the connection. */
  reply?: string;
}

export interface FaultProxy {
  readonly port: number;
  /** Of each connection so far, in order: the bytes that passed back to the client. */
  readonly received: readonly number[];
  /** What happens to connections that open from now on: the first gets the first fault, and so on; then none. */
  fail(...faults: Fault[]): void;
  /** Closes the proxy and every connection through it. */
  close(): Promise<void>;
}

/**
 * A TCP proxy on a loopback port that does to connections what bad networks do.
 *
 *     const proxy = await startProxy(server.port);
 *     proxy.fail({ cutAfter: 100_000 }, { stallAfter: 0 });
 *
 * Faults go to new connections only: a client that keeps its connections open (HTTP) is best made after `fail`.
 *
 * @param target the port of the real server, on 127.0.0.1
 */
export async function startProxy(target: number): Promise<FaultProxy> {
  const planned: Fault[] = [];
  const received: number[] = [];
  const open = new Set<Socket>();

  const server = createServer((client) => {
    const fault: Fault = planned.shift() ?? {};
    const index = received.push(0) - 1;
    open.add(client);
    client.on('error', () => {});
    client.on('close', () => open.delete(client));
    if (fault.refuse) {
      client.resetAndDestroy();
      return;
    }
    const { reply } = fault;
    if (reply !== undefined) {
      client.once('data', () => client.end(reply));
      return;
    }
    const upstream = createConnection({ host: '127.0.0.1', port: target, noDelay: true });
    client.setNoDelay(true);
    open.add(upstream);
    upstream.on('error', () => client.resetAndDestroy());
    upstream.on('close', () => {
      open.delete(upstream);
      if (fault.stallAfter === undefined) client.end();
    });
    client.on('close', () => upstream.destroy());
    client.pipe(upstream);
    upstream.on('data', (data) => {
      const seen = received[index] as number;
      const end = Math.min(fault.cutAfter ?? Infinity, fault.stallAfter ?? Infinity);
      const chunk = data.subarray(0, Math.max(0, end - seen));
      const at = (fault.corruptAt ?? Infinity) - seen;
      if (at >= 0 && at < chunk.length) chunk[at] = ~(chunk[at] as number);
      received[index] = seen + chunk.length;
      if (fault.rate) {
        upstream.pause();
        setTimeout(() => upstream.resume(), (chunk.length / fault.rate) * 1000);
      }
      const full = !client.write(chunk);
      if (seen + data.length >= end && fault.cutAfter === end) {
        // Half-closing first lets the bytes before the cut reach the client; a reset would overtake them.
        client.end(() => client.destroy());
        upstream.destroy();
      } else if (full) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    port,
    received,
    fail: (...faults) => {
      planned.splice(0, planned.length, ...faults);
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
