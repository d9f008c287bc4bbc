#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { manifest } from '../installation.ts';
import { action, withCommonOptions } from './declare.ts';
import { RESULT_FORMATS } from './formats.ts';
import { day, repeatable, wholeNumber } from './options.ts';

/** The command line: what can be typed, and which module does it. */

// Whoever asks for stack traces gets the lines of the source.
if (process.env.DEBUG?.includes('asapp-warehouse')) process.setSourceMapsEnabled(true);

const program = new Command('asapp-warehouse')
  .description('Loads ASAPP feeds into deduplicated DuckDB tables that analysts can trust.')
  .version(manifest().version)
  .showHelpAfterError('(asapp-warehouse help shows what there is)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();

function command(usage: string, description: string, examples: string[]): Command {
  return program
    .command(usage)
    .description(description)
    .addHelpText(
      'after',
      ['\nExamples:', ...examples.map((example) => `  $ asapp-warehouse ${example}`)].join('\n'),
    );
}

function loadOptions(subcommand: Command): Command {
  return subcommand
    .addOption(repeatable('--source <name>', 'only this source'))
    .addOption(repeatable('--feed <name>', 'only this feed'))
    .option('--since <day>', 'list partitions from this day on, instead of the look-back', day)
    .option('--until <day>', 'list partitions up to and with this day', day);
}

function selectOptions(subcommand: Command): Command {
  return subcommand
    .option(
      '--select <selection...>',
      'only these models: names, tag:x, path:models/marts, source:messaging, state:modified, result:error, +m, m+',
    )
    .option('--exclude <selection...>', 'all but these models');
}

withCommonOptions(
  command('init', 'write a starter warehouse.yaml', ['init', 'init --demo']).option(
    '--demo',
    'also write sample feeds beside it, ready to run',
  ),
).action(action(() => import('./commands/init.ts')));

withCommonOptions(
  loadOptions(
    command('run', 'load, build, test and publish: what a scheduler calls', [
      'run',
      'run --timings',
      'run -q --log-format json',
    ]),
  ).option('--timings', 'say at the end where the time went'),
  { changes: true },
).action(action(() => import('./commands/run.ts')));

withCommonOptions(
  loadOptions(
    command('load', 'discover, fetch and stage what is new', [
      'load',
      'load --source messaging --since 2026-01-01',
    ]),
  ).option('--full-refresh', 'list the whole history and stage every file again'),
  { changes: true },
).action(action(() => import('./commands/load.ts')));

withCommonOptions(
  selectOptions(command('build', 'run the models', ['build', 'build --select convos_metrics+'])).option(
    '--full-refresh',
    'build each model from all of its rows',
  ),
  { changes: true },
).action(action(() => import('./commands/build.ts')));

withCommonOptions(
  command('status', 'what the last run said, what to look at, and how fresh and complete each feed is', [
    'status',
    'status --attention',
    'status --feed convos_metrics --output json',
    'status --acknowledge',
  ])
    .addOption(repeatable('--feed <name>', 'only this feed'))
    .option('--attention', 'only what a person should look at')
    .option('--acknowledge', 'gaps and misplaced files that are there now are known: they are told no more'),
  { prints: true },
).action(action(() => import('./commands/status.ts')));

withCommonOptions(
  command('compile [model]', 'show the SQL that a model runs, or write that of all models to target/', [
    'compile convos_metrics',
    'compile ai_services.utterances',
    'compile',
    'compile messaging.my_feed --starter',
  ]).option('--starter', 'write the file of a model for a feed that has none, to be looked over'),
).action(action(() => import('./commands/compile.ts')));

withCommonOptions(
  selectOptions(
    command('test', 'run the data tests and the unit tests', [
      'test',
      'test --select marts',
      'test --select result:error',
    ]),
  ),
  { prints: true, changes: true },
).action(action(() => import('./commands/test.ts')));

withCommonOptions(
  selectOptions(
    command('ls', 'list the models that a selection means', [
      'ls',
      'ls --select +conversations --output json',
    ]),
  ),
  { prints: true },
).action(action(() => import('./commands/ls.ts')));

withCommonOptions(
  selectOptions(
    command('verify', 'prove from stored data that nothing was lost or counted twice', [
      'verify',
      'verify --sample 5',
      'verify --select convos_metrics --output json',
    ]),
  ).option('--sample <models>', 'prove so many dedup models, drawn by lot, and not all', wholeNumber),
  { prints: true },
).action(action(() => import('./commands/verify.ts')));

withCommonOptions(
  command('why <model> <conditions...>', 'show every version of a record received, and why one won', [
    'why convos_metrics issue_id=12345',
    'why utterances issue_id=12345 utterance_id=67890',
    'why customer_feedback question=          # NULL, or an empty text',
  ]),
  { prints: true },
).action(action(() => import('./commands/why.ts')));

withCommonOptions(
  command('query [sql]', 'ask the published warehouse: one statement that reads', [
    'query "SHOW TABLES"',
    'query "SELECT count(*) FROM messaging.convos_metrics"',
    'query --to reps.xlsx "FROM messaging.reps"',
    'query --file report.sql --output csv',
    'query --staging "SELECT _rescued FROM staging_messaging.reps WHERE _rescued IS NOT NULL"',
  ])
    .option('-f, --file <file>', 'the file with the SQL; - is stdin, as it is without any')
    .addOption(
      new Option(
        '--output <format>',
        'how data is printed or written (default: table, or what FILE ends in)',
      ).choices(RESULT_FORMATS),
    )
    .option('-o, --to <file>', 'write the result to this file')
    .option('--staging', "ask the loader's own file instead, with what is staged and rescued")
    .option('--allow-files', 'let it read files of this machine, such as a CSV beside it'),
).action(action(() => import('./commands/query.ts')));

withCommonOptions(
  command('shell', 'ask the published warehouse, one statement after the other', ['shell', 'shell --staging'])
    .option('--staging', "ask the loader's own file instead, with what is staged and rescued")
    .option('--allow-files', 'let it read files of this machine, such as a CSV beside it'),
  { prints: true },
).action(action(() => import('./commands/shell.ts')));

withCommonOptions(
  command('describe <table>', 'the columns of a table, what they mean, and how fresh it is', [
    'describe convos_metrics',
    'describe messaging.convos_metrics --output json',
  ]),
  { prints: true },
).action(action(() => import('./commands/describe.ts')));

withCommonOptions(
  command('schedule', 'stay up and call run on a cron expression', [
    'schedule --cron "*/15 * * * *"',
  ]).requiredOption('--cron <expression>', 'when to run, in UTC: minute hour day month weekday'),
).action(action(() => import('./commands/schedule.ts')));

const docs = program.command('docs').description('documentation of the models');
withCommonOptions(
  docs
    .command('generate')
    .description("write the documentation as one page, with dbt's manifest.json and run_results.json")
    .option('--output-dir <folder>', 'where to write it; target/ beside the configuration unless given'),
).action(action(async () => ({ default: (await import('./commands/docs.ts')).generate })));

const schema = program.command('schema').description('how the feeds change, and what is done about it');
const schemaModule = () => import('./commands/schema.ts');
withCommonOptions(
  schema
    .command('diff')
    .description('what is published, present and in the data, where they differ; or two days of documents')
    .addOption(repeatable('--feed <name>', 'only this feed'))
    .option('--from <day>', 'what changed in the documents since this day', day)
    .option('--to <day>', 'until this day', day)
    .option('--all', 'also each feed and column that was never seen'),
  { prints: true },
).action(action(async () => ({ default: (await schemaModule()).diff })));
withCommonOptions(
  schema
    .command('apply')
    .description('follow the newest schema documents; with --dry-run, show the exact plan')
    .option('--file <file>', 'a schema document on this machine, instead of those of the sources')
    .addOption(repeatable('--source <name>', 'only this source')),
  { prints: true, changes: true },
).action(action(async () => ({ default: (await schemaModule()).apply })));
withCommonOptions(
  schema
    .command('history')
    .description('every version of the schema documents, or the life of one feed')
    .option('--feed <name>', 'the feed'),
  { prints: true },
).action(action(async () => ({ default: (await schemaModule()).history })));
withCommonOptions(
  schema
    .command('accept <changes...>')
    .description('apply changes that are held, by number')
    .option('--reject', 'leave them alone instead, and undo those that were applied')
    .option('--allow-empty', 'even where a new version has no rows yet, and its table loses all that it has'),
  { prints: true, changes: true },
).action(action(async () => ({ default: (await schemaModule()).accept })));

const rejects = program.command('rejects').description('lines that could not be staged');
const rejectsModule = () => import('./commands/rejects.ts');
withCommonOptions(
  rejects
    .command('list')
    .description('which they are, and why')
    .option('--all', 'also those that were dealt with'),
  { prints: true },
).action(action(async () => ({ default: (await rejectsModule()).list })));
withCommonOptions(rejects.command('show <file> <line>').description('one line, as it was delivered')).action(
  action(async () => ({ default: (await rejectsModule()).show })),
);
withCommonOptions(
  rejects
    .command('replay [file] [line]')
    .description('read them again: all, or those of a file or a feed')
    .addOption(repeatable('--feed <name>', 'only those of this feed')),
  { changes: true },
).action(action(async () => ({ default: (await rejectsModule()).replay })));
withCommonOptions(
  rejects
    .command('discard [file] [line]')
    .description('mark those of a file or a feed as dealt with; they are kept')
    .addOption(repeatable('--feed <name>', 'only those of this feed'))
    .option('--all', 'all that there are'),
  { changes: true },
).action(action(async () => ({ default: (await rejectsModule()).discard })));

withCommonOptions(
  command('debug', 'what of the configuration works, step by step, and what to do about the rest', [
    'debug',
    'debug --source messaging',
  ]).addOption(repeatable('--source <name>', 'only this source')),
  { prints: true },
).action(action(() => import('./commands/debug.ts')));

const credentials = program.command('credentials').description('the keys that ASAPP hands over');
withCommonOptions(
  credentials
    .command('import <file>')
    .description('put them, encrypted with GPG or not, into .env and warehouse.yaml')
    .option('--private-key <file>', 'the private key that they are encrypted for')
    .option('--source <name>', 'the source they are for; one that is not there is added'),
  { prints: true, changes: true },
).action(action(async () => ({ default: (await import('./commands/credentials.ts')).importCredentials })));

// Whoever reads the output may stop at any time (`| head`). A run continues without them.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and --version end with 0; everything else that commander throws is bad usage.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
