import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { isLarderError, LarderError, redactText, systemClock } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'
import { hookSecretsOf } from '../data-folder.ts'
import type { Bind } from './program.ts'
import { parseListen, parsePort } from './parse-address.ts'
import { parseId } from './run-commands.ts'

interface UpOptions {
  listen: { host: string; port: number }
  tlsListen?: { host: string; port: number }
  publicUrl?: string
  repository?: string
  config?: string
  syncEvery?: number
  bandwidth?: number
  connections?: number
  passphraseFile?: string
}

export function addServiceCommands(program: Command, bind: Bind): void {
  program
    .command('quickstart')
    .description('the main job from end to end, on what this host has')
    .option('--once', 'check with a real client, then stop and remove everything')
    .option('--port <port>', 'to listen on (7420; with --once, any free one)', parsePort)
    .action(bind(quickstartCommand))
  program
    .command('up')
    .description('run the controller')
    .addOption(
      new Option('--listen <host:port>', 'address to serve on')
        .argParser(parseListen)
        .default({ host: '0.0.0.0', port: 7420 }, '0.0.0.0:7420'),
    )
    .addOption(
      new Option('--tls-listen <host:port>', 'address to serve on over TLS, besides (controller.yaml: tls)').argParser(
        parseListen,
      ),
    )
    .option('--public-url <url>', 'address that clients are told, when it is another')
    .option('--repository <url>', 'Git repository that holds the site, instead of the built-in one; see docs/forges.md')
    .option('--config <file>', 'says where the site is and whom to tell (controller.yaml in the data folder)')
    .option('--sync-every <hours>', 'ask upstreams for news this often', parseHours)
    .option('--bandwidth <kB/s>', 'most kilobytes a second to fetch from upstreams', parsePositive)
    .option('--connections <n>', 'transfers at once from one host (4)', parseId)
    .option('--passphrase-file <file>', 'encrypts the signing keys on the disk (LARDER_PASSPHRASE_FILE)', parseFileName)
    .action(bind(up))
}

async function quickstartCommand(context: CommandContext, options: { once?: boolean; port?: number }): Promise<number> {
  const { quickstart } = await import('../quickstart/quickstart.ts')
  return quickstart(context, {
    once: options.once ?? false,
    ...(options.port === undefined ? {} : { port: options.port }),
  })
}

async function up({ output, dataFolder, environment, signal }: CommandContext, options: UpOptions): Promise<number> {
  await requirePassphrase(options.passphraseFile ?? environment['LARDER_PASSPHRASE_FILE'])
  const { startController } = await import('../controller-process.ts')
  const running = await startController({
    dataFolder,
    clock: systemClock,
    logLevel: 'info',
    environment,
    ...options.listen,
    ...(options.tlsListen === undefined ? {} : { tls: options.tlsListen }),
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl.replace(/\/+$/, '') }),
    ...(options.repository === undefined ? {} : { repositoryUrl: options.repository }),
    ...(options.config === undefined ? {} : { configFile: options.config }),
    ...(options.syncEvery === undefined ? {} : { syncEveryMs: options.syncEvery * 3600_000 }),
    ...(options.bandwidth === undefined ? {} : { bandwidthBytesPerSecond: options.bandwidth * 1000 }),
    ...(options.connections === undefined ? {} : { connectionsPerHost: options.connections }),
    ...(options.passphraseFile === undefined ? {} : { passphraseFile: options.passphraseFile }),
  })
  output.data({ url: running.url, tlsUrl: running.tlsUrl })
  output.line(`Larder is running at ${running.url}${running.tlsUrl === undefined ? '' : ` and ${running.tlsUrl}`}`)
  const { connected } = running.larder
  if (connected === undefined) {
    output.line(`push the site to ${running.url}/git/site.git, user admin, password in ${dataFolder.adminToken}`)
  } else output.line(`the site is in ${redactText(connected.config.url)}`)
  if (connected?.hosted !== undefined) {
    const { name } = connected.hosted.forge
    const secrets = hookSecretsOf(dataFolder, connected.config)
    output.line(`secret for webhooks at ${running.url}/hooks/${name}: in ${secrets}`)
  }
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await running.stop()
  return 0
}

/** It would be missed when something is signed. USAGE. */
async function requirePassphrase(path: string | undefined): Promise<void> {
  const { readPassphrase } = await import('../../publish/index.ts')
  try {
    await readPassphrase(path)
  } catch (cause) {
    if (!isLarderError(cause, 'KEY_LOCKED')) throw cause
    throw new LarderError('USAGE', { message: cause.message, hint: cause.hint ?? '', cause })
  }
}

function parseFileName(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be the name of a file.')
  return text
}

function parseHours(text: string): number {
  const hours = parsePositive(text)
  if (hours > 24 * 20) throw new InvalidArgumentError('At most 480 hours.')
  return hours
}

function parsePositive(text: string): number {
  const value = Number(text)
  if (!/^[0-9]+(?:\.[0-9]+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}
