import { createInterface } from 'node:readline';
import type { ReadOnlyOptions } from '../../audit/query/read-only-warehouse.ts';
import { UsageError } from '../../errors.ts';
import { didYouMean } from '../../text.ts';
import { splitStatements } from '../../warehouse/lexer.ts';
import { isInterrupted } from '../../warehouse/session.ts';
import { type CommandContext, type CommonOptions, IGNORE_SOURCE_PROBLEMS } from '../command.ts';
import { describeError } from '../describe-error.ts';
import { printAnswer } from '../print-result.ts';
import { HISTORY_SIZE, historyFile, readHistory, writeHistory } from '../shell/history.ts';
import { NewestWarehouse } from '../shell/newest-warehouse.ts';
import { printDescription } from './describe.ts';

const PROMPT = 'asapp> ';
const CONTINUATION_PROMPT = '  ...> ';

const HELP = `Statements end in a semicolon and may take several lines. They can only read.
  .tables          what there is
  .schema TABLE    the columns of a table, and what they mean
  .help            this
  .quit            leave; so does Ctrl-D
Ctrl-C ends the statement that is running, or drops the one that is being typed.
`;

const COMMANDS = ['.tables', '.schema', '.help', '.quit', '.exit'];

type ShellOptions = CommonOptions & ReadOnlyOptions;

/**
 * `shell`: runs statements that are typed one after the other, or read from a pipe. An error ends only its own
 * statement.
 */
export default async function shell(context: CommandContext<ShellOptions>): Promise<number> {
  const { staging, allowFiles } = context.options;
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using newest = new NewestWarehouse(config, { staging, allowFiles });
  // Problems with the file itself are reported before anything is typed.
  await newest.with(async () => {});
  return new ShellLoop(context, newest).run();
}

class ShellLoop {
  readonly #context: CommandContext<ShellOptions>;
  readonly #newest: NewestWarehouse;
  readonly #isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  /** The beginning of a statement that is not complete yet. */
  #typed = '';
  #busy = false;
  #failed = false;

  constructor(context: CommandContext<ShellOptions>, newest: NewestWarehouse) {
    this.#context = context;
    this.#newest = newest;
  }

  /**
   * Reads and runs statements until the input ends.
   * @returns 1 when a statement from a pipe failed, since nobody saw its error
   */
  async run(): Promise<number> {
    const file = historyFile(process.env);
    const lines = createInterface({
      input: process.stdin,
      output: this.#isTerminal ? process.stdout : undefined,
      terminal: this.#isTerminal,
      prompt: PROMPT,
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
      history: this.#isTerminal ? await readHistory(file) : [],
    });
    let kept: string[] = [];
    lines.on('history', (history: string[]) => {
      kept = [...history];
    });
    lines.on('SIGINT', () => this.#stop(lines));
    // Input from a pipe has no Ctrl+C key, so the signal ends the statement and the shell.
    this.#context.signal.addEventListener('abort', () => {
      this.#newest.interrupt();
      lines.close();
    });
    if (this.#isTerminal) this.#context.write('.help says what there is\n');
    this.#prompt(lines);
    for await (const line of lines) {
      if (!(await this.#readLine(line))) break;
      this.#prompt(lines);
    }
    if (!this.#isTerminal) await this.#run(this.#typed);
    lines.close();
    if (this.#isTerminal && kept.length > 0) await writeHistory(file, kept);
    this.#context.signal.throwIfAborted();
    return this.#failed && !this.#isTerminal ? 1 : 0;
  }

  #prompt(lines: ReturnType<typeof createInterface>): void {
    if (!this.#isTerminal) return;
    lines.setPrompt(this.#typed === '' ? PROMPT : CONTINUATION_PROMPT);
    lines.prompt();
  }

  /** Drops what was typed, also while another statement is running. */
  #stop(lines: ReturnType<typeof createInterface>): void {
    this.#typed = '';
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    if (this.#busy) this.#newest.interrupt();
    else {
      this.#context.write('\n');
      this.#prompt(lines);
    }
  }

  /**
   * Takes one line of input.
   * @returns false when it ends the shell
   */
  async #readLine(line: string): Promise<boolean> {
    const command =
      this.#typed === '' && line.trim().startsWith('.') ? line.trim().replace(/;$/, '') : undefined;
    if (command !== undefined) return this.#command(command);
    const { statements, rest } = splitStatements(`${this.#typed}${line}\n`);
    this.#typed = rest;
    for (const statement of statements) await this.#run(statement);
    return true;
  }

  async #command(line: string): Promise<boolean> {
    const [name = '', ...words] = line.split(/\s+/);
    if (name === '.quit' || name === '.exit') return false;
    if (name === '.help') this.#context.write(HELP);
    else if (name === '.tables') await this.#run('SHOW TABLES');
    else if (name === '.schema')
      await this.#reportingErrors(() =>
        this.#newest.with((readOnly) => printDescription(this.#context, readOnly, words.join(' '))),
      );
    else
      await this.#reportingErrors(async () => {
        throw new UsageError(`there is no command ${name}${didYouMean(name, COMMANDS)}`, {
          hint: '.help says what there is',
        });
      });
    return true;
  }

  async #run(statement: string): Promise<void> {
    if (statement.trim() === '') return;
    await this.#reportingErrors(() =>
      this.#newest.with(async (readOnly) => printAnswer(this.#context, await readOnly.ask(statement))),
    );
  }

  /** Does something whose errors are reported without ending the shell. */
  async #reportingErrors(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work();
    } catch (error) {
      this.#context.signal.throwIfAborted();
      this.#failed = true;
      this.#context.logger.error(isInterrupted(error) ? 'stopped' : describeError(error, { debug: false }));
    } finally {
      this.#busy = false;
    }
  }
}
