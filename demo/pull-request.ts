// npm run demo:pull-request: a pull request from its opening to what clients install, first by webhooks, then by polling
// alone. The repository is a real one, the forge a stand-in that speaks as GitHub does, the client a real apt.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningController } from '../src/app/controller-process.ts'
import type { RunDetail } from '../src/app/controller.ts'
import { createStopwatch, type Stopwatch } from '../src/app/quickstart/stopwatch.ts'
import { systemClock } from '../src/core/index.ts'
import { startStandIn, type StandInForge } from '../src/forge/testing/stand-in-forge.ts'
import { startUpstream, type Upstream } from '../test/fixtures/upstream/index.ts'
import { createAptClient, fetchSource, type AptClient } from '../test/e2e/support/apt-client.ts'
import { larderYaml, packageList } from '../test/e2e/support/site-text.ts'
import { startDemoController } from './demo-controller.ts'
import { openDemo } from './demo.ts'
import { say } from './pushed-site.ts'

const packages = ['hello-larder', 'tool-one', 'tool-two'].map((name) => ({ name, version: '1.0' }))

interface Stage {
  folder: string
  upstream: Upstream
  forge: StandInForge
  controller: RunningController
  watch: Stopwatch
  /** Name of this part, for messages and folders. */
  part: string
}

await using demo = await openDemo()
const { folder } = demo
const upstream = await demo.use(
  () => startUpstream({ suites: [{ suite: 'stable', packages }] }),
  (begun) => begun.close(),
)
await demonstrate({ part: 'webhooks', pollSeconds: 0, upstream })
await demonstrate({ part: 'polling', pollSeconds: 1, upstream })
say('\nBoth ways led to the same: planned before the merge, applied once after it.')

async function demonstrate(options: { part: string; pollSeconds: number; upstream: Upstream }): Promise<void> {
  const { part, pollSeconds, upstream } = options
  say(`\n── ${part === 'webhooks' ? 'news come by webhook' : 'no webhook reaches us: by polling alone'} ──`)
  const watch = createStopwatch(systemClock, say)
  const forge = await demo.use(
    () => startStandIn('github'),
    (begun) => begun[Symbol.asyncDispose](),
  )
  await forge.push(siteFiles(upstream, ['tool-one']), { message: 'A mirror with tool-one' })
  const controller = await connect({ part, pollSeconds, forge })
  if (part === 'webhooks') forge.hook = { url: `${controller.url}/hooks/github`, secret: 'demo-secret' }
  await play({ folder, upstream, forge, controller, watch, part })
}

/** A controller whose site is in the forge. */
async function connect({
  part,
  pollSeconds,
  forge,
}: {
  part: string
  pollSeconds: number
  forge: StandInForge
}): Promise<RunningController> {
  const configFile = join(folder, `${part}.yaml`)
  const [token, secrets] = [join(folder, 'token'), join(folder, 'secrets')]
  await writeFile(token, forge.token, { mode: 0o600 })
  await writeFile(secrets, 'demo-secret\n', { mode: 0o600 })
  const { config } = forge
  const settings = { ...config, tokenFile: token, secretsFile: secrets, pollSeconds }
  await writeFile(configFile, JSON.stringify({ forge: settings }))
  const environment = { ...process.env, http_proxy: '', https_proxy: '' }
  return startDemoController(demo, { dataFolder: part, configFile, environment })
}

async function play(stage: Stage): Promise<void> {
  const { upstream, forge, controller, watch, part } = stage
  await watch.time('main applied: the mirror has tool-one', () => ended(controller, (run) => run.goal === 'apply'))
  const client = await clientOf(stage, 'mirror', await fetchSource(controller.url, 'base'))

  const mistaken = siteFiles(upstream, ['tool-one', 'helo-larder'])
  const wrong = await forge.push(mistaken, { branch: 'add-hello', message: 'Add helo-larder' })
  const { number } = await forge.openPull({ branch: 'add-hello', title: 'Add hello-larder', author: 'alice' })
  await watch.time(`pull request ${number} opened, with a mistake in it: reported`, () =>
    reported(stage, wrong, 'failure'),
  )
  tell(await commentOf(forge, number, 'did you mean'), 8)

  const right = await forge.push(siteFiles(upstream, ['tool-one', 'hello-larder']), { branch: 'add-hello' })
  await watch.time('mended and pushed: planned, a preview made, reported', () => reported(stage, right, 'success'))
  tell(await commentOf(forge, number, '/setup/base'), 14)
  const [preview] = await controller.larder.controller.previews()
  if (preview === undefined) throw new Error('there is no preview')
  const source = await (await fetch(`${preview.setupUrl}.sources`)).text()
  await watch.time('a real apt downloaded hello-larder from the preview', async () => {
    await expectInstallable(await clientOf(stage, 'preview', source), 'hello-larder')
  })
  if ((await client.candidate('hello-larder')) !== undefined) throw new Error('it is in the mirror before the merge')

  const merged = await forge.merge(number)
  for (const delivery of [...forge.deliveries]) await forge.redeliver(delivery)
  const twice = part === 'webhooks' ? ', every webhook sent twice' : ''
  await watch.time(`merged${twice}: applied`, () => ended(controller, (run) => run.commit === merged))
  await watch.time('and reported', () => reported(stage, merged, 'success', 'larder/apply'))
  await watch.time('the same apt, with the mirror as its only source, downloaded hello-larder', async () => {
    await client.update()
    await expectInstallable(client, 'hello-larder')
  })
  await expectAppliedOnce(stage, merged)
}

async function expectAppliedOnce({ controller }: Stage, merged: string): Promise<void> {
  await controller.larder.news.poll()
  await controller.larder.news.settleDeliveries()
  const applies = (await controller.larder.controller.runs({ limit: 100 })).filter((run) => run.commit === merged)
  if (applies.length !== 1) throw new Error(`the merge was applied ${applies.length} times`)
  const { publication } = await controller.larder.controller.mirror('base')
  if (publication?.generation !== 2) throw new Error(`the mirror is at generation ${publication?.generation ?? 0}`)
  say(`           run ${applies[0]?.id ?? 0} is the only one for the merge; the mirror is at its second generation`)
}

function siteFiles(upstream: Upstream, list: readonly string[]): Record<string, string> {
  return {
    'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }),
    'keys/test.asc': upstream.key,
    'packages.json': packageList(list),
  }
}

async function clientOf({ folder: root, part }: Stage, name: string, source: string): Promise<AptClient> {
  const client = await createAptClient(join(root, `${part}-client-${name}`))
  await client.setSource(source)
  const { exitCode, output } = await client.update()
  if (exitCode !== 0) throw new Error(`apt-get update failed:\n${output}`)
  return client
}

async function expectInstallable(client: AptClient, name: string): Promise<void> {
  const { exitCode, output, debs } = await client.download(name)
  if (exitCode !== 0 || !debs.some((deb) => deb.startsWith(`${name}_`))) throw new Error(`no ${name}:\n${output}`)
}

/** The newest run of this kind, once it has ended well. */
async function ended(
  { larder }: RunningController,
  isMeant: (run: { goal: string; commit: string }) => boolean,
): Promise<RunDetail> {
  return waitFor('the run', async () => {
    const run = (await larder.controller.runs({ limit: 20 })).find(isMeant)
    if (run?.finishedAt === undefined) return undefined
    if (run.state !== 'succeeded') throw new Error(`run ${run.id} ${run.state}: ${run.error?.message ?? ''}`)
    return larder.controller.run(run.id)
  })
}

/** What the forge shows beside a commit. */
async function reported({ forge }: Stage, commit: string, state: string, name = 'larder'): Promise<void> {
  const shown = await waitFor(`the state ${state} of ${commit.slice(0, 12)}`, () => {
    const status = forge.world.statuses.findLast((one) => one.commit === commit && one.name === name)
    return Promise.resolve(status?.state === state ? status : undefined)
  })
  say(`           ${shown.name}: ${shown.state}: ${shown.description}`)
}

/** The one comment, once it says this. */
async function commentOf(forge: StandInForge, number: number, words: string): Promise<string> {
  return waitFor(`a comment that says ${words}`, () => {
    const ours = forge.world.comments.filter((comment) => comment.pull === number)
    if (ours.length > 1) throw new Error(`there are ${ours.length} comments, and one was to be kept up to date`)
    const text = ours[0]?.text
    return Promise.resolve(text?.includes(words) === true ? text : undefined)
  })
}

function tell(text: string, most: number): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('<!--'))
  for (const line of lines.slice(0, most)) say(`           | ${line.slice(0, 140)}`)
}

async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + 60_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`waited a minute in vain for ${what}`)
    await systemClock.sleep(20)
  }
}
