/** What commander found wrong with a command line, as every other failure is told. */
import type { Command, CommanderError } from 'commander';
import { CommandError, OptionError, wronglyCalled } from './errors.js';

/**
 * The error to tell; undefined where commander has said all, as with `--help`.
 *
 * @param words the command line behind the command's name
 */
export function wrongCall(program: Command, words: readonly string[], error: CommanderError): CommandError | undefined {
  if (error.exitCode === 0) return undefined;
  const what = error.message.replace(/^error: /, '').replace(/\.$/, '');
  if (error.code !== 'commander.excessArguments') return new OptionError(what);
  // An unknown word goes to the default command, which takes no arguments.
  const { command, word } = furthest(program, words);
  if (command.commands.length === 0 || word === undefined || word.startsWith('-')) return new OptionError(what);
  const names = command.commands.map((each) => each.name()).join(', ');
  const message = `There is no command ${pathOf(command)} ${word}. These are there: ${names}.`;
  return new CommandError(message, { code: 'unknown_command', exitCode: wronglyCalled });
}

/** The command that the first words name, and the word behind them. */
function furthest(command: Command, [word, ...rest]: readonly string[]): { command: Command; word?: string } {
  const next = command.commands.find((each) => each.name() === word);
  if (next !== undefined) return furthest(next, rest);
  return { command, ...(word !== undefined && { word }) };
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
