import type { Command } from 'commander';
import type { CommandContext, CommonOptions } from './command.ts';
import { prepareEngine } from './engine.ts';
import { LOG_FORMATS, OUTPUT_FORMATS } from './formats.ts';
import { refuseSecondValues } from './options.ts';

/** What all commands have in common where they are declared. It loads nothing that only a command which runs needs. */

type Handler<Options extends CommonOptions> = (
  context: CommandContext<Options>,
  ...args: string[]
) => Promise<number>;

/** Adds the common options to a command, and those that fit what it does. */
export function withCommonOptions(
  command: Command,
  { prints = false, changes = false }: { prints?: boolean; changes?: boolean } = {},
): Command {
  command.option('--config <file>', 'the configuration', 'warehouse.yaml');
  if (changes) command.option('--dry-run', 'say what would be done, and do nothing');
  if (prints) {
    command.addOption(
      command
        .createOption('--output <format>', 'how data is printed')
        .choices(OUTPUT_FORMATS)
        .default('table'),
    );
  }
  command.addOption(
    command
      .createOption('--log-format <format>', 'how progress is reported on stderr')
      .choices(LOG_FORMATS)
      .default('text'),
  );
  command.option('-q, --quiet', 'report only warnings and errors');
  refuseSecondValues(command);
  return command;
}

/**
 * Wraps a handler for commander. What runs commands and the handler's module are imported only when the command is
 * called, so that no command pays for what another needs, and `help` for nothing.
 */
export function action<Options extends CommonOptions>(
  load: () => Promise<{ default: Handler<Options> }>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    // commander passes the arguments, then the options, then the command.
    const options = args.at(-2) as Options;
    const positional = args.slice(0, -2).flat() as string[];
    prepareEngine();
    const { runCommand } = await import('./command.ts');
    process.exitCode = await runCommand(options, async (context) =>
      (await load()).default(context, ...positional),
    );
  };
}
