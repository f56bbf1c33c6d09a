import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { formatBytes, isLarderError, LarderError } from '../../core/index.ts'
import type { OwnPackage } from '../../mirror/index.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import { followBegun } from './run-commands.ts'

export function addOwnPackageCommands(mirror: Command, bind: Bind): void {
  mirror
    .command('add')
    .description('add packages of your own to a mirror, and publish them with all they need')
    .argument('<mirror>')
    .argument('<file...>', '.deb or .rpm')
    .action(bind(add))
  mirror
    .command('remove')
    .description('remove packages of your own from a mirror')
    .argument('<mirror>')
    .argument('<name>')
    .argument('[version]', 'default: every version')
    .action(bind(remove))
  mirror.command('own').description('packages of your own that a mirror has').argument('<mirror>').action(bind(list))
}

/** Every file is tried; what is good is published though another is not. */
async function add(context: CommandContext, mirror: string, files: string[]): Promise<number> {
  const { withController, output } = context
  const { added, refused } = await withController(async (client) => {
    const added: OwnPackage[] = []
    const refused: LarderError[] = []
    for (const path of files) {
      try {
        await refuseAbsent(path)
        const label = basename(path)
        const one = await client.addPackage(mirror, { label, content: createReadStream(path) })
        added.push(one)
        output.line(`${label}: ${one.name} ${one.version} for ${one.architecture}, ${formatBytes(one.sizeBytes)}`)
      } catch (error) {
        if (!isLarderError(error)) throw error
        refused.push(error)
        if (files.length > 1) output.note(error.message)
      }
    }
    return { added, refused }
  })
  const [first] = refused
  if (first !== undefined && refused.length === files.length) throw first
  const run = await followBegun(context, (client) => client.sync())
  output.data({ added, refused: refused.map((error) => error.toJSON()), run })
  return run.state === 'succeeded' && first === undefined ? 0 : 1
}

async function refuseAbsent(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true) return
  throw new LarderError('USAGE', { message: `There is no file ${path}.`, hint: 'Give paths of .deb or .rpm files.' })
}

async function remove(context: CommandContext, mirror: string, name: string, version?: string): Promise<number> {
  const { withController, output } = context
  const removed = await withController((client) => client.removePackage(mirror, { name, version }))
  for (const one of removed) output.line(`removed ${one.name} ${one.version} for ${one.architecture}`)
  const run = await followBegun(context, (client) => client.sync())
  output.data({ removed, run })
  return run.state === 'succeeded' ? 0 : 1
}

async function list({ withController, output }: CommandContext, mirror: string): Promise<undefined> {
  const packages = await withController((client) => client.ownPackages(mirror))
  output.data(packages)
  output.table(
    ['PACKAGE', 'VERSION', 'ARCHITECTURE', 'SIZE', 'FILE'],
    packages.map((one) => [one.name, one.version, one.architecture, formatBytes(one.sizeBytes), one.fileName]),
  )
}
