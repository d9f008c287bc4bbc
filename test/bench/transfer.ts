import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Connector, ListedFile } from '../../src/connectors/connector.ts';
import { FileExporter } from '../../src/connectors/file-exporter/connector.ts';
import { sftp } from '../../src/connectors/sftp.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import type { FileExporterServer } from '../support/file-exporter-state.ts';
import { linkTo } from '../support/file-exporter-storage.ts';
import { optionsFor, type Sshd, startSshd } from '../support/sshd.ts';
import type { BenchContext } from './bench.ts';
import { busySeconds, runScript, sibling } from './child.ts';
import { type CommandTimes, missingPrograms, runCommand } from './command.ts';
import { FEED, hourFolder } from './feed.ts';
import type { Wanted } from './fetch-script.ts';
import { compared, type Sample, summarize } from './measurement.ts';
import { round } from './numbers.ts';
import { inTurn } from './rounds.ts';

const FILES = 10;
/** All of them together, for a `--size` of 1 GB: 20 MB each. */
const SHARE = 0.2;
/** Of the rate of the machine's own programs. A ratio is of times. */
const TARGET_RATE = 0.9;

/** By path, in the vendor's layout and in order. */
type Files = ReadonlyMap<string, Buffer>;

interface Rival {
  /** What is measured, for people. */
  what: string;
  rival: string;
  /** CPU time of the server so far, in seconds. */
  serverCpu(): Promise<number>;
  /** Fetches all files into a folder. */
  ours(folder: string): Promise<CommandTimes>;
  theirs(folder: string): Promise<CommandTimes>;
}

/**
 * Downloads of the same files over loopback by our connectors and by the machine's own programs, from the same servers:
 * SFTP against `sftp`, File Exporter against `curl`, which is given the links at once and asks for nothing else. Logging in
 * and writing the files count for both; the start of Node does not, since a run pays for it once, whatever it does.
 */
export async function transfer(context: BenchContext): Promise<void> {
  const files = makeFiles(context.bytes * SHARE);
  if (isThere(context, 'SFTP', ['sshd', 'ssh-keygen', 'sftp'])) await overSftp(context, files);
  if (isThere(context, 'File Exporter', ['openssl', 'curl'])) await overHttps(context, files);
}

function isThere({ note }: BenchContext, what: string, programs: readonly string[]): boolean {
  const missing = missingPrograms(programs);
  if (missing.length > 0) note(`${what} is not measured: this machine has no ${missing.join(', no ')}`);
  return missing.length === 0;
}

function makeFiles(bytes: number): Files {
  const size = Math.ceil(bytes / FILES);
  const paths = Array.from({ length: FILES }, (_, hour) => `${hourFolder(hour)}/${FEED}.jsonl`);
  return new Map(paths.map((path) => [path, randomBytes(size)]));
}

async function overSftp(context: BenchContext, files: Files): Promise<void> {
  const sshd = await startSshd();
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(sshd.data, path)), { recursive: true });
      await writeFile(join(sshd.data, path), bytes);
    }
    const options = optionsFor(sshd);
    const listed = await list(await sftp.open(options));
    const knownHosts = join(context.folder, 'known_hosts');
    await writeFile(knownHosts, `[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ed25519}\n`);
    await measure(context, files, {
      what: 'fetch over SFTP',
      rival: 'the sftp command',
      serverCpu: () => sshd.cpuSeconds(),
      ours: (folder) => fetched({ sftp: options, files: listed, folder }),
      theirs: (folder) => runCommand(sftpCommand(sshd, knownHosts), gets(listed, sshd.data, folder)),
    });
  } finally {
    await sshd.stop();
  }
}

function sftpCommand({ port, username, keys }: Sshd, knownHosts: string): string[] {
  const options = ['IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${knownHosts}`];
  return [
    'sftp',
    '-q',
    '-b',
    '-',
    '-F',
    '/dev/null',
    '-P',
    String(port),
    '-i',
    keys.ed25519,
    ...options.flatMap((option) => ['-o', option]),
    `${username}@127.0.0.1`,
  ];
}

/** A batch for the `sftp` command. */
function gets(files: readonly ListedFile[], root: string, folder: string): string {
  return files
    .map(({ path }, number) => `get ${join(root, path)} ${join(folder, String(number))}\n`)
    .join('');
}

async function overHttps(context: BenchContext, files: Files): Promise<void> {
  const exporter = await startFileExporter();
  try {
    for (const [path, bytes] of files) exporter.put(path, bytes);
    exporter.linkLifeMs = 3_600_000;
    const { url: baseUrl, apiId, apiSecret, certificate: ca } = exporter;
    // What the vendor allows: here the pace would be all that is measured.
    const options = { baseUrl, apiId, apiSecret, requestsPerSecond: 100 };
    const listed = await list(new FileExporter(options, { ca }));
    const authority = join(context.folder, 'ca.pem');
    await writeFile(authority, ca);
    await measure(context, files, {
      what: 'fetch from File Exporter',
      rival: 'curl',
      // The server is this very process.
      serverCpu: async () => cpuSeconds(),
      ours: (folder) => fetched({ fileExporter: { ...options, ca }, files: listed, folder }),
      theirs: (folder) => runCommand(curl(authority), downloads(listed, exporter, folder)),
    });
  } finally {
    await exporter.stop();
  }
}

function curl(authority: string): string[] {
  return ['curl', '--silent', '--show-error', '--fail', '--cacert', authority, '--config', '-'];
}

/** A configuration for `curl`, with a link for each file. */
function downloads(files: readonly ListedFile[], exporter: FileExporterServer, folder: string): string {
  const each = files.map(
    ({ path }, number) => `url = "${linkTo(path, exporter)}"\noutput = "${join(folder, String(number))}"\n`,
  );
  return each.join('');
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The files that a place lists, by path. */
async function list(opened: Connector): Promise<ListedFile[]> {
  await using connector = opened;
  const files: ListedFile[] = [];
  for await (const file of connector.files(FEED)) files.push(file);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function fetched(wanted: Wanted): Promise<CommandTimes> {
  const run = await runScript(sibling('fetch-script'), [], { input: JSON.stringify(wanted) });
  if (run.exitCode !== 0) throw new Error(`fetching ended with ${run.exitCode}: ${run.stderr}`);
  return { seconds: Number(run.stdout), cpu_seconds: run.cpu_seconds };
}

async function measure({ folder, report, note }: BenchContext, files: Files, rival: Rival): Promise<void> {
  const bytes = [...files.values()].reduce((sum, content) => sum + content.length, 0);
  const target = join(folder, 'fetched');
  const sampled = async (fetch: Rival['ours']): Promise<Sample> => {
    await mkdir(target);
    const [busyBefore, serverBefore] = [busySeconds(), await rival.serverCpu()];
    const start = performance.now();
    const times = await fetch(target);
    const passed = (performance.now() - start) / 1000;
    const own = times.cpu_seconds + (await rival.serverCpu()) - serverBefore;
    const others = Math.max(0, busySeconds() - busyBefore - own) / passed;
    await mustHold(target, files);
    await rm(target, { recursive: true });
    return { ...times, others };
  };
  note(`${rival.what}, and by ${rival.rival}`);
  const [ours = [], theirs = []] = await inTurn(
    () => sampled(rival.ours),
    () => sampled(rival.theirs),
  );
  report({ what: rival.rival, ...summarize(theirs), bytes });
  report({
    what: rival.what,
    ...summarize(ours),
    bytes,
    ...compared(ours, theirs, rival.rival),
    measure: 'ratio',
    target: round(1 / TARGET_RATE, 3),
  });
}

/** A bench that did not bring the files has measured nothing. */
async function mustHold(folder: string, files: Files): Promise<void> {
  for (const [number, [path, bytes]] of [...files].entries()) {
    const found = await readFile(join(folder, String(number)));
    if (!found.equals(bytes)) throw new Error(`${path} did not arrive as it is`);
  }
}
