import { createInterface } from 'node:readline';
import type { QuestionOptions } from '../../audit/query/questions.ts';
import { UsageError } from '../../errors.ts';
import { didYouMean } from '../../text.ts';
import { splitStatements } from '../../warehouse/lexer.ts';
import { isInterrupted } from '../../warehouse/session.ts';
import { printAnswer } from '../answer.ts';
import { ANY_SOURCES, type CommandContext, type CommonOptions } from '../command.ts';
import { describeError } from '../describe-error.ts';
import { Desk } from '../shell/desk.ts';
import { HISTORY_SIZE, historyFile, readHistory, writeHistory } from '../shell/history.ts';
import { printDescription } from './describe.ts';

const PROMPT = 'asapp> ';
const GOES_ON = '  ...> ';

const HELP = `Statements end in a semicolon and may take several lines. They can only read.
  .tables          what there is
  .schema TABLE    the columns of a table, and what they mean
  .help            this
  .quit            leave; so does Ctrl-D
Ctrl-C ends the statement that is running, or drops the one that is being typed.
`;

const COMMANDS = ['.tables', '.schema', '.help', '.quit', '.exit'];

type ShellOptions = CommonOptions & QuestionOptions;

/** `shell`: statements typed one after the other, or read from a pipe. An error ends none but its own. */
export default async function shell(context: CommandContext<ShellOptions>): Promise<number> {
  const { staging, allowFiles } = context.options;
  const config = await context.readConfig(ANY_SOURCES);
  await using desk = new Desk(config, { staging, allowFiles });
  // What is wrong with the file itself is better said before anything is typed.
  await desk.with(async () => {});
  return new Conversation(context, desk).hold();
}

class Conversation {
  readonly #context: CommandContext<ShellOptions>;
  readonly #desk: Desk;
  readonly #isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  /** What was typed and is not yet a statement. */
  #typed = '';
  #busy = false;
  #failed = false;

  constructor(context: CommandContext<ShellOptions>, desk: Desk) {
    this.#context = context;
    this.#desk = desk;
  }

  /** @returns 1 when what came through a pipe had a mistake in it: nobody saw it */
  async hold(): Promise<number> {
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
    // Through a pipe no keys come; the signal itself ends the statement, and the shell.
    this.#context.signal.addEventListener('abort', () => {
      this.#desk.interrupt();
      lines.close();
    });
    if (this.#isTerminal) this.#context.write('.help says what there is\n');
    this.#prompt(lines);
    for await (const line of lines) {
      if (!(await this.#take(line))) break;
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
    lines.setPrompt(this.#typed === '' ? PROMPT : GOES_ON);
    lines.prompt();
  }

  /** What was typed goes, whether it waits for the statement that is running or not. */
  #stop(lines: ReturnType<typeof createInterface>): void {
    this.#typed = '';
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    if (this.#busy) this.#desk.interrupt();
    else {
      this.#context.write('\n');
      this.#prompt(lines);
    }
  }

  /** @returns false when it was the last */
  async #take(line: string): Promise<boolean> {
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
      await this.#attempt(() =>
        this.#desk.with((questions) => printDescription(this.#context, questions, words.join(' '))),
      );
    else
      await this.#attempt(async () => {
        throw new UsageError(`there is no command ${name}${didYouMean(name, COMMANDS)}`, {
          hint: '.help says what there is',
        });
      });
    return true;
  }

  async #run(statement: string): Promise<void> {
    if (statement.trim() === '') return;
    await this.#attempt(() =>
      this.#desk.with(async (questions) => printAnswer(this.#context, await questions.ask(statement))),
    );
  }

  /** Does something of which an error is told, and ends nothing. */
  async #attempt(work: () => Promise<void>): Promise<void> {
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
