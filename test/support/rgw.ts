import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuSecondsOf } from './cpu.ts';
import { freePort } from './ports.ts';

const run = promisify(execFile);

export const RGW_ACCESS_KEY_ID = 'AKTEST';
export const RGW_SECRET_ACCESS_KEY = 'SKTEST';

interface Rgw {
  endpoint: string;
  /** CPU time of all its processes so far, in seconds; 0 where there is no /proc. */
  cpuSeconds(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Ceph's RADOS Gateway over one monitor and one in-memory store, on loopback, from the Debian packages
 * `radosgw ceph-mon ceph-osd`. Up in about a second; gone at `stop`, or when this process ends.
 */
export async function startRgw(): Promise<Rgw> {
  const directory = await mkdtemp(join(tmpdir(), 'rgw-'));
  const [port, monitorPort] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  const osd = randomUUID();
  const config = join(directory, 'ceph.conf');
  const daemons: ChildProcess[] = [];

  /** Runs one of Ceph's tools to its end. */
  const tool = (command: string, ...args: string[]) => run(command, ['-c', config, ...args]);

  const daemon = async (command: string, ...args: string[]) => {
    const log = await open(join(directory, 'log', `${command}.out`), 'w');
    // The kernel ends the daemon with us, even when a killed test run cannot.
    const wrapped = ['--pdeathsig', 'KILL', command, '-c', config, ...args, '-f'];
    daemons.push(spawn('setpriv', wrapped, { stdio: ['ignore', log.fd, log.fd] }));
    await log.close();
  };

  const stop = async () => {
    await Promise.all(
      daemons.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        // SIGKILL: the store does not stop for less, and nothing here is worth a clean end.
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
    await rm(directory, { recursive: true, force: true });
  };

  try {
    for (const folder of ['mon', 'osd', 'log', 'run']) await mkdir(join(directory, folder));
    await writeFile(config, cephConf(directory, fsid, port, monitorPort));
    const map = join(directory, 'monmap');
    await run('monmaptool', [
      '--create',
      '--fsid',
      fsid,
      '--addv',
      'a',
      `v2:127.0.0.1:${monitorPort}/0`,
      '--set-min-mon-release',
      'pacific',
      map,
    ]);
    await tool('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map);
    await daemon('ceph-mon', '-i', 'a');
    await writeFile(join(directory, 'osd', 'type'), 'memstore\n');
    await Promise.all([
      tool('ceph', '--connect-timeout', '20', 'osd', 'new', osd),
      tool('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd),
    ]);
    await daemon('ceph-osd', '-i', '0');
    await daemon('radosgw', '-n', 'client.rgw.a');
    await listening(port, daemons);
    const keys = [`--access-key=${RGW_ACCESS_KEY_ID}`, `--secret-key=${RGW_SECRET_ACCESS_KEY}`];
    await tool('radosgw-admin', 'user', 'create', '--uid=test', '--display-name=test', ...keys);
    const cpuSeconds = async () => {
      const times = await Promise.all(daemons.map(({ pid }) => cpuSecondsOf(pid as number)));
      return times.reduce((sum, seconds) => sum + seconds, 0);
    };
    return { endpoint: `http://127.0.0.1:${port}`, cpuSeconds, stop };
  } catch (cause) {
    const log = await readFile(join(directory, 'log', 'radosgw.out'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`radosgw did not start: ${cause}\n${log.slice(-2000)}`, { cause });
  }
}

async function listening(port: number, daemons: ChildProcess[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const socket = createConnection({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (Date.now() > deadline || daemons.some(({ exitCode }) => exitCode !== null)) throw error;
      await sleep(25);
    } finally {
      socket.destroy();
    }
  }
}

/** Settings that make a cluster of one, without authentication inside it, quick to start and quiet. */
function cephConf(directory: string, fsid: string, port: number, monitorPort: number): string {
  return `[global]
fsid = ${fsid}
mon_host = v2:127.0.0.1:${monitorPort}/0
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_ipv6 = false
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 0
mon_data_avail_warn = 0
mon_tick_interval = 1
# Each pool waits for these: a second apiece at the defaults.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_heartbeat_interval = 1
osd_crush_chooseleaf_type = 0
log_file = ${directory}/log/$name.log
admin_socket = ${directory}/run/$name.asok
pid_file = ${directory}/run/$name.pid
run_dir = ${directory}/run
crash_dir = ${directory}/crash
[mon]
mon_data = ${directory}/mon
[osd]
osd_data = ${directory}/osd
osd_objectstore = memstore
memstore_device_bytes = 4G
osd_class_load_list = *
osd_class_default_list = *
[client.rgw.a]
# Without authentication there is no key to encrypt with.
ms_mon_client_mode = crc
# Without tcp_nodelay each small answer waits 40 ms for an acknowledgement.
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_enable_usage_log = false
rgw_gc_max_objs = 8
rgw_lc_max_objs = 1
rgw_num_rados_handles = 1
rgw_thread_pool_size = 32
rgw_run_sync_thread = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_override_bucket_index_max_shards = 1
`;
}
