import { Command, CommanderError } from 'commander'
import { isLarderError, LarderError } from '../../core/index.ts'
import { contextOf, type CommandContext } from './command-context.ts'
import { addDiskCommands } from './disk-commands.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addForgeCommands } from './forge-commands.ts'
import { addImageCommands } from './image-commands.ts'
import { addMachineCommands } from './machine-commands.ts'
import { addMirrorCommands } from './mirror-commands.ts'
import { addRegistryCommands } from './registry-commands.ts'
import { addRunCommands } from './run-commands.ts'
import { addSiteCommands } from './site-commands.ts'
import { addServiceCommands } from './service-commands.ts'
import { addSiteServiceCommands } from './site-service-commands.ts'
import { reportFailure } from './report-failure.ts'
import { tolerateUnread } from './unread-output.ts'
import { addUpkeepCommands } from './upkeep-commands.ts'
import { version } from './version.ts'

/** A command's work; what it answers is its exit status, 0 when it answers nothing. */
export type Action = (context: CommandContext, ...operands: never[]) => Promise<number | undefined>

/** Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by a check. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const abort = new AbortController()
  const interrupt = (): void => {
    abort.abort(new LarderError('CANCELLED', { message: 'Interrupted.' }))
  }
  const reader = { hasLeft: false }
  tolerateUnread(process.stdout, () => {
    reader.hasLeft = true
    interrupt()
  })
  tolerateUnread(process.stderr)
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const json = argv.includes('--json')
  const program = createProgram(abort.signal, { json })
  try {
    await program.parseAsync(argv)
    return exitStatus.get(program) ?? 0
  } catch (error) {
    if (reader.hasLeft && isLarderError(error, 'CANCELLED')) return 1
    if (!(error instanceof CommanderError)) return reportFailure(error, json)
    if (error.exitCode === 0) return 0
    return json ? reportFailure(wrongUsage(error), json) : 2
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

const exitStatus = new WeakMap<Command, number>()

function createProgram(signal: AbortSignal, { json }: { json: boolean }): Command {
  const program = new Command('larder')
    .description('Keeps a private network stocked and running from one Git repository.')
    .version(version)
    .option('--json', 'print one JSON document for programs')
    .option('--no-color', 'no colour, even on a terminal')
    .option('--data <folder>', 'data folder (LARDER_DATA; /var/lib/larder for root)')
    .option('--url <url>', 'a controller elsewhere (LARDER_URL; LARDER_TOKEN to change things)')
    .exitOverride()
    .showHelpAfterError('(larder --help shows all commands)')
    .showSuggestionAfterError()
    // Programs get one document, with what would stand here in it.
    .configureOutput(json ? { writeErr: () => undefined } : {})
  const run =
    (action: Action) =>
    async (...parameters: unknown[]): Promise<void> => {
      const command = parameters.at(-1) as Command
      const operands = parameters.slice(0, -1)
      const status = await action(contextOf(command, signal), ...(operands as never[]))
      exitStatus.set(program, status ?? 0)
    }
  addServiceCommands(program, run)
  addSiteCommands(program, run)
  addMirrorCommands(program, run)
  addImageCommands(program, run)
  addMachineCommands(program, run)
  addSiteServiceCommands(program, run)
  addDiskCommands(program, run)
  addRunCommands(program, run)
  addForgeCommands(program, run)
  addRegistryCommands(program, run)
  addUpkeepCommands(program, run)
  addDoctorCommand(program, run)
  tellUsageAfterErrors(program)
  return program
}

/** What commander tells people in lines of its own. */
function wrongUsage({ message, code }: CommanderError): LarderError {
  const hint = 'larder --help shows all commands, larder COMMAND --help how one is written.'
  if (code === 'commander.help') return new LarderError('USAGE', { message: 'A command is missing.', hint })
  const [what = '', suggestion = ''] = message.replace(/^error: /, '').split('\n')
  const meant = suggestion.replace(/^\((.*)\)$/, '$1')
  return new LarderError('USAGE', { message: what, hint: meant === '' ? hint : meant })
}

/** After a mistake: how the command that was meant is written. */
function tellUsageAfterErrors(group: Command): void {
  for (const command of group.commands) {
    const usage = command.createHelp().commandUsage(command)
    const isGroup = command.commands.length > 0
    command.showHelpAfterError(isGroup ? `(larder ${command.name()} --help shows its commands)` : `usage: ${usage}`)
    tellUsageAfterErrors(command)
  }
}

export type Bind = (action: Action) => (...parameters: unknown[]) => Promise<void>
