import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatBytes, LarderError, systemClock } from '../../core/index.ts'
import { hostArchitecture, hostSuite } from '../../apt/index.ts'
import type { CommandContext } from '../cli/command-context.ts'
import { startController, type RunningController } from '../controller-process.ts'
import { dataFolderAt, isThere } from '../data-folder.ts'
import type { RunDetail } from '../controller.ts'
import { tryClient } from './client-trial.ts'
import { findHostAbilities, type HostAbilities } from './host-abilities.ts'
import { createStopwatch, type Stopwatch } from './stopwatch.ts'
import { createTrialSite } from './trial-site.ts'

export interface QuickstartOptions {
  /** Check with a real client, stop everything and remove it. */
  once: boolean
  /** Default 7420; with `once`, any free one. */
  port?: number
}

const trialPackage = 'nmap'

/** The main job from end to end on what this host has: controller, site, two pushes, a signed mirror, a real client. */
export async function quickstart(context: CommandContext, options: QuickstartOptions): Promise<number> {
  const { output, environment } = context
  const abilities = await findHostAbilities(environment)
  for (const line of abilities.leftOut) output.line(`left out: ${line}`)
  if (!abilities.hasAptSources) return 0
  const workspace = options.once
    ? await mkdtemp(join(tmpdir(), 'larder-quickstart-'))
    : join(process.cwd(), 'var/quickstart')
  const watch = createStopwatch(systemClock, (line) => {
    output.line(line)
  })
  let running: RunningController | undefined
  try {
    await mkdir(workspace, { recursive: true })
    const isNew = !(await isThere(join(workspace, 'site', '.git'))) || (await isThere(unfinishedMark(workspace)))
    const controller = (running = await watch.time('controller started', () =>
      startController({
        dataFolder: dataFolderAt(join(workspace, 'data'), environment),
        clock: systemClock,
        logLevel: 'warn',
        environment,
        host: '127.0.0.1',
        port: options.port ?? (options.once ? 0 : 7420),
      }),
    ))
    output.line(`  ${controller.url}`)
    if (isNew) await runTrial({ context, abilities, workspace, controller, watch })
    else output.line(`  the site of an earlier quickstart goes on; without the folder ${workspace} it begins anew`)
    if (!options.once) await stayUp(context, controller, workspace)
    return 0
  } finally {
    await running?.stop()
    if (options.once) await rm(workspace, { recursive: true, force: true })
  }
}

interface Trial {
  context: CommandContext
  abilities: HostAbilities
  workspace: string
  controller: RunningController
  watch: Stopwatch
}

/** Is there while a trial is under way, so that one which was interrupted is made again. */
function unfinishedMark(workspace: string): string {
  return join(workspace, 'unfinished')
}

async function runTrial(trial: Trial): Promise<void> {
  const mark = unfinishedMark(trial.workspace)
  await writeFile(mark, '')
  await publishAndInstall(trial)
  await rm(mark)
}

async function publishAndInstall({ context, abilities, workspace, controller, watch }: Trial): Promise<void> {
  const { output, environment, signal } = context
  const { url, token } = controller
  const site = await createTrialSite({
    folder: join(workspace, 'site'),
    url,
    token,
    suite: await hostSuite(),
    architecture: await hostArchitecture(),
  })
  const pushAndWait = async (packages: string[], message: string): Promise<void> => {
    const said = await watch.time(`pushed "${message}": checked and planned`, () => site.push(packages, message))
    for (const line of said) output.line(`  remote: ${line}`)
    await watch.time('staged, signed and published', () => waitForRun(controller, signal))
  }
  await pushAndWait(['hello'], 'a mirror with hello')
  await pushAndWait(['hello', trialPackage], `add ${trialPackage}`)

  const [mirror] = await controller.larder.controller.mirrors()
  if (mirror === undefined) throw new LarderError('VERIFY_FAILED', { message: 'No mirror was published.' })
  output.line(`  ${mirror.packageCount} packages, ${formatBytes(mirror.sizeBytes)}`)
  await watch.time('every published byte verified', async () => {
    const findings = await controller.larder.controller.verify(mirror.name)
    if (findings.length > 0) throw new LarderError('VERIFY_FAILED', { message: findings[0]?.message ?? '' })
  })
  if (!abilities.hasApt) return
  const setup = await controller.larder.controller.clientSetup(mirror.name, url)
  if (setup.format !== 'apt') throw new Error('the site of the quickstart has an APT mirror')
  const { deb822 } = setup
  const folder = join(workspace, 'client')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const { isRoot } = abilities
  const trial = await watch.time(`a real apt installed ${trialPackage} from this mirror alone`, () =>
    tryClient({ folder, deb822, packageName: trialPackage, isRoot, environment }),
  )
  output.line(`  ${trial.fetched} packages fetched and ${trial.how}: ${trial.proof}`)
  output.data({ ok: true, url, steps: watch.steps(), client: trial, mirror })
  output.line(`done in ${watch.total()}`)
}

async function waitForRun({ larder }: RunningController, signal: AbortSignal): Promise<RunDetail> {
  for (;;) {
    signal.throwIfAborted()
    const [newest] = await larder.controller.runs({ limit: 1 })
    if (newest?.finishedAt !== undefined) {
      const run = await larder.controller.run(newest.id)
      if (run.state === 'succeeded') return run
      throw new LarderError('VERIFY_FAILED', {
        message: `Run ${run.id} ${run.state}: ${run.error?.message ?? ''}`,
        ...(run.error?.hint === undefined ? {} : { hint: run.error.hint }),
        context: run.error?.context ?? {},
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function stayUp(
  { output, signal }: CommandContext,
  { url, token }: RunningController,
  workspace: string,
): Promise<void> {
  output.line()
  output.line(`Larder is running at ${url} (Ctrl-C stops it; all it keeps is in ${workspace}). Try next:`)
  output.line(`  open ${url}/ in a browser`)
  output.line(`  cd ${join(workspace, 'site')}, edit packages.json, commit, and push:`)
  output.line(`    git push http://admin:${token}@${new URL(url).host}/git/site.git HEAD:main`)
  output.line(`  make this machine a client: curl -fsS ${url}/setup/base | sudo sh   (undo: sudo LARDER_UNDO=1 sh)`)
  output.line(`  bin/larder --data ${join(workspace, 'data')} mirror why base libssl3`)
  output.line(`  bin/larder --data ${join(workspace, 'data')} run ls`)
  output.line('  RPM mirrors, for dnf and yum, are written the same way: see examples/rpm-lab')
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
}
