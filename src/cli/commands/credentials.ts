import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse as parseEnvironment } from 'dotenv';
import { requireYaml } from '../../config/edit.ts';
import { UsageError } from '../../errors.ts';
import { type Replacement, replaceFiles } from '../../files.ts';
import { tableOf } from '../../warehouse/values.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { isEncrypted, vendorText } from '../credentials/decrypt-file.ts';
import { type CurrentTexts, type ImportPlan, planImport } from '../credentials/import-plan.ts';
import { parseVendorFile, type S3Credentials } from '../credentials/vendor-file.ts';
import { askSecret, canAsk } from '../prompt.ts';

type CredentialsContext = CommandContext<CommonOptions & { privateKey?: string; source?: string }>;

/** `credentials import`: stores the vendor's credentials where the program reads them. */
export async function importCredentials(context: CredentialsContext, file: string): Promise<number> {
  const { options } = context;
  const envFile = join(dirname(options.config), '.env');
  const before: CurrentTexts = {
    yaml: await textOf(options.config),
    env: await textOf(envFile, true),
  };
  requireYaml(before.yaml, options.config);
  const credentials = await credentialsOf(context, file, before);
  context.keepSecret(credentials.accessKeyId, credentials.secretAccessKey);
  const plan = planImport(before, credentials, options.source);

  await context.print(table(plan, credentials));
  const { mode } = await stat(options.config);
  await write(context, [
    { path: envFile, text: plan.env, before: before.env, mode: 0o600, what: variables(plan) },
    {
      path: options.config,
      text: plan.yaml,
      before: before.yaml,
      mode: mode & 0o777,
      what: `sources.${plan.source}`,
    },
  ]);
  warnOfEnvironment(context, plan, credentials);
  if (!options.dryRun) context.logger.info(`next: asapp-warehouse debug --source ${plan.source}`);
  return 0;
}

async function credentialsOf(
  context: CredentialsContext,
  file: string,
  { env }: CurrentTexts,
): Promise<S3Credentials> {
  const passphrase = { ...parseEnvironment(env), ...process.env }.ASAPP_GPG_PASSPHRASE || undefined;
  if (passphrase) context.keepSecret(passphrase);
  const terminal = { input: process.stdin, output: process.stderr };
  const ask = async () => {
    const typed = await askSecret(`passphrase of ${context.options.privateKey}: `, terminal);
    context.keepSecret(typed);
    return typed;
  };
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new UsageError(`${file} is not there`);
    throw new UsageError(`${file} cannot be read (${cause.code})`, { cause });
  });
  const { privateKey } = context.options;
  if (privateKey !== undefined && !isEncrypted(bytes))
    context.logger.warn(`${file} is not encrypted: --private-key ${privateKey} is not used`);
  const text = await vendorText(bytes, file, {
    privateKey,
    passphrase,
    ask: canAsk(terminal) ? ask : undefined,
  });
  return parseVendorFile(text, file);
}

/** What was found, without the secret, and with only as much of the id as it takes to recognize it. */
function table({ source, isNew, variables }: ImportPlan, { accessKeyId, bucket, prefix }: S3Credentials) {
  const row = {
    source: isNew ? `${source} (new)` : source,
    bucket,
    prefix: prefix === '' ? null : prefix,
    access_key_id: accessKeyId.length < 16 ? '…' : `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`,
    variables: `${variables.id}, ${variables.secret}`,
  };
  return tableOf(['source', 'bucket', 'prefix', 'access_key_id', 'variables'], [row]);
}

interface FileChange extends Replacement {
  before: string;
  /** What is new in it. */
  what: string;
}

/** Writes the files that change: both, or neither. */
async function write({ options, logger }: CredentialsContext, changes: readonly FileChange[]): Promise<void> {
  const due: FileChange[] = [];
  for (const change of changes) {
    const { path, text, before, mode, what } = change;
    if (before === text && ((await stat(path)).mode & 0o777) === mode)
      logger.info(`${path} has ${what} already`);
    else due.push(change);
  }
  if (!options.dryRun) await replaceFiles(due);
  for (const { path, what } of due)
    logger.info(`${options.dryRun ? 'would write' : 'wrote'} ${what} to ${path}`);
}

function variables({ variables: { id, secret } }: ImportPlan): string {
  return `${id} and ${secret}`;
}

/** The real environment wins over `.env`, so what was imported would never be used. */
function warnOfEnvironment(
  { logger }: CredentialsContext,
  { variables }: ImportPlan,
  credentials: S3Credentials,
): void {
  const { id, secret } = variables;
  for (const [name, value] of [
    [id, credentials.accessKeyId],
    [secret, credentials.secretAccessKey],
  ] as const)
    if (process.env[name] && process.env[name] !== value)
      logger.warn(
        `${name} is set in the environment to something else, which wins over .env: unset it there`,
      );
}

/** @param optional whether the file may be missing */
async function textOf(file: string, optional = false): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && optional) return '';
    if (code === 'ENOENT')
      throw new UsageError(`${file} is not there`, { hint: 'asapp-warehouse init writes a starter' });
    throw new UsageError(`${file} cannot be read (${code})`, { cause });
  }
}
