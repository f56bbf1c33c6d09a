import { mkdir, writeFile } from 'node:fs/promises'
import { systemClock } from '../../../src/core/index.ts'
import type { PreviewSummary, RunDetail } from '../../../src/app/controller.ts'
import { startStandIn, type StandInForge } from '../../../src/forge/testing/stand-in-forge.ts'
import { startInnerController, type InnerController } from './inner-controller.ts'
import type { ForgeName } from '../../../src/forge/index.ts'
import type { FileChanges } from '../../../src/forge/testing/stand-in-repository.ts'
import { waitFor } from './wait-for-run.ts'
import { openWorkspace, type Workspace } from './workspace.ts'

export interface ForgeSiteOptions {
  /** Default: GitHub. */
  forge?: ForgeName
  /** Of main at the start. */
  files: Readonly<Record<string, string>>
  /** Settings of controller.yaml besides `forge`. */
  previews?: Readonly<Record<string, number>>
  forks?: Readonly<Record<string, boolean | number>>
  /** Further settings of the section `forge`: `fetch`, another `url`. */
  settings?: Readonly<Record<string, unknown>>
}

/** A controller whose site is at a stand-in forge, which tells it of everything by webhook. */
export interface ForgeSite extends AsyncDisposable {
  workspace: Workspace
  forge: StandInForge
  controller: InnerController
  /** How far the controller's clock is from the real one. */
  clockOffsetMs: number
  /** Opens a pull request with these changes; answers its run when it has ended. */
  propose(files: FileChanges, options?: { fork?: string }): Promise<RunDetail & { pull: number }>
  /** The run of this commit, when it has ended. */
  runOf(commit: string, isMeant?: (run: RunDetail) => boolean): Promise<RunDetail>
  previewOf(run: number): Promise<PreviewSummary | undefined>
}

export async function openForgeSite(options: ForgeSiteOptions): Promise<ForgeSite> {
  const { forge: name = 'github', files, previews = {}, forks = {} } = options
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const forge = ending.use(await startStandIn(name))
  const main = await forge.push({ ...files })
  const data = workspace.path('data')
  await mkdir(data)
  await writeFile(workspace.path('token'), forge.token)
  await writeFile(workspace.path('secrets'), 'a-secret\n', { mode: 0o600 })
  const secretFiles = { tokenFile: workspace.path('token'), secretsFile: workspace.path('secrets') }
  const common = { ...forge.config, ...secretFiles, pollSeconds: 0, forks }
  const settings = { forge: { ...common, ...options.settings }, previews }
  const configFile = workspace.path('controller.yaml')
  await writeFile(configFile, JSON.stringify(settings))
  const clock = { ...systemClock, now: () => new Date(Date.now() + site.clockOffsetMs) }
  const environment = { PATH: process.env['PATH'] }
  let branches = 0
  const site: ForgeSite = {
    workspace,
    forge,
    controller: undefined as unknown as InnerController,
    clockOffsetMs: 0,
    async propose(changes, { fork } = {}) {
      const where = { branch: `topic${++branches}`, ...(fork === undefined ? {} : { fork }) }
      const commit = await forge.push({ ...changes }, where)
      const { number } = await forge.openPull({ ...where, author: 'alice' })
      return { ...(await site.runOf(commit)), pull: number }
    },
    runOf: (commit, isMeant = () => true) =>
      waitFor(`a run of ${commit.slice(0, 12)}`, async () => {
        const runs = await site.controller.larder.controller.runs({ limit: 50 })
        for (const { id } of runs.filter((run) => run.commit === commit && run.finishedAt !== undefined)) {
          const detail = await site.controller.larder.controller.run(id)
          if (!isMeant(detail)) continue
          // What follows upon a run belongs to it.
          await site.controller.larder.context.runner.idle()
          return detail
        }
        return undefined
      }),
    previewOf: async (run) => (await site.controller.client.previews(run))[0],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
  site.controller = ending.use(await startInnerController(data, { configFile, clock, environment }))
  forge.hook = { url: `${site.controller.url}/hooks/${name}`, secret: 'a-secret' }
  const { state, error } = await site.runOf(main)
  if (state !== 'succeeded') throw new Error(`the first run ${state}: ${JSON.stringify(error)}`)
  const opened = ending.move()
  return site
}
