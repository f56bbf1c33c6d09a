import type { Command } from 'commander'
import { formatBytes, LarderError } from '../../core/index.ts'
import type { PublicationSummary } from '../controller.ts'
import type { CommandContext } from './command-context.ts'
import { addOwnPackageCommands } from './own-package-commands.ts'
import { exportMirror } from './upkeep-commands.ts'
import type { Bind } from './program.ts'
import { applyHead, parseId } from './run-commands.ts'

export function addMirrorCommands(program: Command, bind: Bind): void {
  const mirror = program.command('mirror').description('the package repositories of the site')
  mirror.command('ls').description('all mirrors').action(bind(list))
  mirror
    .command('show')
    .description('one mirror: its publication, snapshots and packages')
    .argument('<mirror>')
    .action(bind(show))
  mirror
    .command('why')
    .description('the chains that bring a package into a mirror')
    .argument('<mirror>')
    .argument('<package>')
    .action(bind(why))
  mirror
    .command('diff')
    .description('two snapshots side by side; by default the publication and the one before')
    .argument('<mirror>')
    .argument('[from]', 'number of a snapshot', parseId)
    .argument('[to]', 'number of a snapshot', parseId)
    .action(bind(diff))
  mirror
    .command('sync')
    .description('plan and apply the head of main again, with what is new upstream')
    .action(bind(applyHead))
  mirror
    .command('promote')
    .description('make a snapshot the publication')
    .argument('<mirror>')
    .argument('<number>', 'of the snapshot', parseId)
    .action(bind(promote))
  mirror
    .command('rollback')
    .description('back to the snapshot published before this one')
    .argument('<mirror>')
    .action(bind(rollback))
  mirror
    .command('verify')
    .description('read and hash every byte that is published')
    .argument('<mirror>')
    .action(bind(verify))
  mirror
    .command('export')
    .description('write what is published into a folder: for a web server or a USB stick')
    .argument('<mirror>')
    .argument('<folder>')
    .action(bind(exportMirror))
  addOwnPackageCommands(mirror, bind)
}

async function list({ withController, output, where }: CommandContext): Promise<undefined> {
  const mirrors = await withController((client) => client.mirrors())
  output.data(mirrors)
  output.table(
    ['MIRROR', 'FORMAT', 'SNAPSHOT', 'PACKAGES', 'SIZE', 'PUBLISHED'],
    mirrors.map(({ name, format, publication, packageCount, sizeBytes }) => [
      name,
      format,
      publication === undefined ? '-' : `${name}@${publication.snapshotNumber}`,
      packageCount,
      formatBytes(sizeBytes),
      publication?.sealedAt ?? 'not yet',
    ]),
  )
  if (mirrors.length === 0) output.line(`no mirror in ${where}`)
}

async function show({ withController, output }: CommandContext, name: string): Promise<undefined> {
  const { mirror, snapshots, packages } = await withController(async (client) => {
    const mirror = await client.mirror(name)
    const packages = mirror.publication === undefined ? [] : await client.packages(name)
    return { mirror, snapshots: await client.snapshots(name), packages }
  })
  output.data({ ...mirror, snapshots, packages })
  output.line(
    `${mirror.name}: ${mirror.format} from ${mirror.upstreams.join(', ')} for ${mirror.architectures.join(', ')}`,
  )
  output.line(mirror.url)
  output.line(`clients: curl -fsS ${mirror.url.replace(/\/(apt|rpm)\/.*$/, '')}/setup/${mirror.name} | sudo sh`)
  output.line()
  output.table(
    ['SNAPSHOT', 'CREATED', 'ORIGIN', 'PACKAGES', 'SIZE', ''],
    snapshots.map((one) => [
      `${name}@${one.number}`,
      one.createdAt,
      one.origin,
      one.packageCount,
      formatBytes(one.sizeBytes),
      one.published ? 'published' : '',
    ]),
  )
  output.line()
  output.table(
    ['PACKAGE', 'VERSION', 'ARCHITECTURE', 'SIZE', 'UPSTREAM', 'BECAUSE'],
    packages.map((one) => [
      one.name,
      one.version,
      one.architecture,
      formatBytes(one.sizeBytes),
      one.upstream,
      one.reason,
    ]),
  )
}

async function why({ withController, output }: CommandContext, mirror: string, packageName: string): Promise<number> {
  const chains = await withController((client) => client.why(mirror, packageName))
  output.data(chains)
  if (chains.length === 0) output.line(`nothing that mirror ${mirror} lists needs ${packageName}`)
  for (const { steps } of chains) {
    for (const [depth, step] of steps.entries())
      output.line(`${'  '.repeat(depth)}${step.package} ${step.version} (${step.because})`)
  }
  return chains.length === 0 ? 1 : 0
}

async function diff(
  { withController, output }: CommandContext,
  mirror: string,
  from?: number,
  to?: number,
): Promise<undefined> {
  const result = await withController(async (client) => {
    const snapshots = await client.snapshots(mirror)
    const newest = to ?? snapshots.find((one) => one.published)?.number ?? snapshots[0]?.number
    const oldest = from ?? snapshots.find((one) => newest !== undefined && one.number < newest)?.number
    if (newest === undefined || oldest === undefined) {
      throw new LarderError('SNAPSHOT_UNKNOWN', { message: `Mirror ${mirror} has no two snapshots to compare.` })
    }
    return { from: oldest, to: newest, ...(await client.diff(mirror, oldest, newest)) }
  })
  output.data(result)
  output.table(
    ['', 'PACKAGE', `${mirror}@${result.from}`, `${mirror}@${result.to}`],
    [
      ...result.added.map((one) => ['+', `${one.name}:${one.architecture}`, '', one.version]),
      ...result.changed.map(({ before, after }) => [
        '~',
        `${after.name}:${after.architecture}`,
        before.version,
        after.version,
      ]),
      ...result.removed.map((one) => ['-', `${one.name}:${one.architecture}`, one.version, '']),
    ],
  )
}

async function promote({ withController, output }: CommandContext, mirror: string, number: number): Promise<undefined> {
  tellPublication(output, await withController((client) => client.promote(mirror, number)))
}

async function rollback({ withController, output }: CommandContext, mirror: string): Promise<undefined> {
  tellPublication(output, await withController((client) => client.rollback(mirror)))
}

function tellPublication(output: CommandContext['output'], publication: PublicationSummary): void {
  output.data(publication)
  output.line(`${publication.mirror}@${publication.snapshotNumber} is published (generation ${publication.generation})`)
}

async function verify({ withController, output }: CommandContext, mirror: string): Promise<number> {
  const findings = await withController((client) => client.verify(mirror))
  output.data(findings)
  for (const finding of findings)
    output.line(`${finding.severity}: ${finding.message}${finding.hint === undefined ? '' : ` (${finding.hint})`}`)
  if (findings.length === 0) output.line(`mirror ${mirror}: every byte is what it should be`)
  return findings.some((finding) => finding.severity === 'error') ? 1 : 0
}
