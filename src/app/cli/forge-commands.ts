import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { formatBytes, LarderError, shortTime, systemClock } from '../../core/index.ts'
import type { ForgeName } from '../../forge/index.ts'
import { readAddress } from '../read-address.ts'
import { askHttp } from './ask-http.ts'
import type { CommandContext } from './command-context.ts'
import { requireHttpUrl } from './parse-address.ts'
import type { Bind } from './program.ts'
import { parseId } from './run-commands.ts'

export function addForgeCommands(program: Command, bind: Bind): void {
  const hook = program.command('hook').description('webhooks of the forge')
  hook
    .command('ls')
    .description('what came, and what became of it')
    .option('--limit <n>', 'how many', parseId, 20)
    .action(bind(listDeliveries))
  hook
    .command('send')
    .description('sign a payload as a forge does and deliver it, for trying things out')
    .argument('<file>', 'JSON; - for standard input')
    .addOption(
      new Option('--forge <forge>', 'whose').choices(['github', 'gitlab', 'gitea', 'forgejo']).makeOptionMandatory(),
    )
    .requiredOption(
      '--event <event>',
      'push, pull_request (GitLab: merge_request), …; pull_request.closed puts that action into the payload',
    )
    .option('--to <url>', 'address of the hook (that of the running controller)')
    .option('--secret-file <file>', 'its first line signs (<forge>-secrets in the data folder)')
    .option('--delivery <id>', 'number of the delivery (a new one)')
    .action(bind(sendDelivery))
  const pulls = program.command('pr').description('pull requests of the site')
  pulls
    .command('ls')
    .description('those that are known, the newest first')
    .option('--limit <n>', 'how many', parseId, 20)
    .addOption(new Option('--state <state>', 'only those').choices(['open', 'closed', 'merged']))
    .action(bind(listPullRequests))
  const preview = program.command('preview').description('what pull requests would publish, for clients to try')
  preview.command('ls').description('those that there are').action(bind(listPreviews))
  preview
    .command('rm')
    .description('remove those of a run')
    .argument('<run>', 'number', parseId)
    .action(bind(removePreviews))
}

async function listDeliveries(
  { withController, output }: CommandContext,
  options: { limit: number },
): Promise<undefined> {
  const list = await withController((client) => client.deliveries(options))
  output.data(list)
  output.table(
    ['DELIVERY', 'FORGE', 'EVENT', 'RECEIVED', 'STATE', 'RUN', 'REASON'],
    list.map((one) => [
      one.deliveryId,
      one.forge,
      one.event,
      one.receivedAt.slice(0, 19),
      one.state,
      one.runId ?? '',
      one.reason?.slice(0, 80) ?? '',
    ]),
  )
  if (list.length === 0) output.line('no webhook has come')
}

async function listPullRequests(
  { withController, output }: CommandContext,
  options: { limit: number; state?: 'open' | 'closed' | 'merged' },
): Promise<undefined> {
  const list = await withController((client) => client.pullRequests(options))
  output.data(list)
  output.table(
    ['NUMBER', 'STATE', 'BRANCH', 'COMMIT', 'AUTHOR', 'TITLE', ''],
    list.map((one) => [
      one.number,
      one.state,
      one.head,
      one.headCommit.slice(0, 8),
      one.author,
      one.title.slice(0, 60),
      one.fromFork ? (one.approvedBy === undefined ? 'fork' : `fork, approved by ${one.approvedBy}`) : '',
    ]),
  )
  if (list.length === 0) output.line('no pull request is known')
}

async function listPreviews({ withController, output }: CommandContext): Promise<undefined> {
  const list = await withController((client) => client.previews())
  output.data(list)
  output.table(
    ['RUN', 'PULL REQUEST', 'MIRROR', 'FETCHED', 'UNTIL', 'SETUP'],
    list.map((one) => [
      one.run,
      one.pullRequest ?? '',
      one.mirror,
      formatBytes(one.sizeBytes),
      shortTime(one.expiresAt),
      one.setupUrl,
    ]),
  )
  if (list.length === 0) output.line('there is no preview')
}

async function removePreviews({ withController, output }: CommandContext, run: number): Promise<undefined> {
  const removed = await withController((client) => client.removePreviews(run))
  output.data({ removed })
  output.line(removed === 0 ? `run ${run} has no preview` : `the previews of run ${run} are removed`)
}

interface SendOptions {
  forge: ForgeName | 'forgejo'
  event: string
  to?: string
  secretFile?: string
  delivery?: string
}

async function sendDelivery(
  { dataFolder, output, signal }: CommandContext,
  file: string,
  options: SendOptions,
): Promise<number> {
  const { forgeNamed } = await import('../../forge/index.ts')
  const forge = forgeNamed(options.forge === 'forgejo' ? 'gitea' : options.forge)
  const [event = '', action] = options.event.split('.')
  const given = await readText(file)
  const text =
    action === undefined
      ? given
      : JSON.stringify(forge.withAction(JSON.parse(given) as Record<string, unknown>, action))
  if (options.to !== undefined) requireHttpUrl(options.to, '--to names a hook as in http://127.0.0.1:7420/hooks/github')
  const url = options.to ?? `${await runningUrl(dataFolder)}/hooks/${forge.name}`
  const secret = await readSecret(options.secretFile ?? `${dataFolder.root}/${options.forge}-secrets`)
  const deliveryId = options.delivery ?? randomUUID()
  const headers = forge.sign({ event, text, deliveryId, secret, now: systemClock.now() })
  const { status, text: said } = await askHttp(url, { method: 'POST', headers, body: text, signal }).catch(
    (cause: unknown) => {
      throw new LarderError('CONTROLLER_UNREACHABLE', {
        message: `Nobody answers at ${url}: ${(cause as Error).message}.`,
        hint: 'Is `larder up` running there? --to names another address.',
        cause,
      })
    },
  )
  output.data({ status, deliveryId, answer: said })
  output.line(`${status} ${said}`)
  return status < 300 ? 0 : 1
}

async function readText(file: string): Promise<string> {
  try {
    const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8')
    JSON.parse(text)
    return text
  } catch (cause) {
    throw new LarderError('USAGE', {
      message: `${file} holds no JSON that can be read: ${(cause as Error).message}`,
      hint: 'Give a file with the payload of a webhook, or - for standard input.',
      cause,
    })
  }
}

async function runningUrl(dataFolder: CommandContext['dataFolder']): Promise<string> {
  const address = await readAddress(dataFolder)
  if (address !== undefined) return address.url
  throw new LarderError('CONTROLLER_UNREACHABLE', {
    message: `No controller runs on ${dataFolder.root}.`,
    hint: 'Start one with `larder up`, or name the address of a hook with --to.',
  })
}

async function readSecret(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new LarderError('USAGE', {
      message: `The secret cannot be read from ${file}: ${(cause as Error).message}`,
      hint: '--secret-file names the file whose first line signs.',
      cause,
    })
  })
  return text.split('\n')[0]?.trim() ?? ''
}
