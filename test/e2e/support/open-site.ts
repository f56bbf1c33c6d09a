import { startUpstream, type TestPackage, type Upstream } from '../../fixtures/upstream/index.ts'
import type { RunDetail } from '../../../src/app/controller.ts'
import { createAptClient, fetchSource, type AptClient } from './apt-client.ts'
import { startControllerChild, type ControllerChild } from './controller-child.ts'
import { createSiteClone, type PushResult, type SiteClone } from './site-clone.ts'
import { larderYaml, packageList, type MirrorText } from './site-text.ts'
import { waitForSuccess } from './wait-for-run.ts'
import { openWorkspace, type Workspace } from './workspace.ts'

export interface SiteOptions {
  packages: TestPackage[]
  /** Default: one, `base`. */
  mirrors?: Readonly<Record<string, MirrorText>>
  /** Further words of `larder up`. */
  args?: readonly string[]
}

/** An upstream, a controller and a site of its own. */
export interface TestSite extends AsyncDisposable {
  workspace: Workspace
  upstream: Upstream
  controller: ControllerChild
  clone: SiteClone
  /** Files of the site, with this package list. */
  files(list: readonly string[], mirrors?: Readonly<Record<string, MirrorText>>): Record<string, string>
  /** Commits and pushes; does not wait for the run. */
  push(files: Readonly<Record<string, string | undefined>>, branch?: string): Promise<PushResult>
  /** Pushes this list to main and waits until it is published. */
  publish(list: readonly string[]): Promise<RunDetail>
  /** An apt that has only this mirror and has read it. */
  client(mirror?: string): Promise<AptClient>
}

export async function openSite(options: SiteOptions): Promise<TestSite> {
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const upstream = await startUpstream({ suites: [{ suite: 'stable', packages: options.packages }] })
  ending.defer(() => upstream.close())
  const controller = ending.use(
    await startControllerChild({ dataFolder: workspace.path('data'), args: options.args ?? [] }),
  )
  const clone = await createSiteClone(workspace.path('site'))
  let clients = 0
  const opened = ending.move()
  const site: TestSite = {
    workspace,
    upstream,
    controller,
    clone,
    files: (list, mirrors = options.mirrors ?? { base: {} }) => ({
      'larder.yaml': larderYaml({ test: upstream.url }, mirrors),
      'keys/test.asc': upstream.key,
      'packages.json': packageList(list),
    }),
    async push(files, branch) {
      await clone.commit(files)
      return clone.push(controller, branch)
    },
    async publish(list) {
      const { accepted, output } = await site.push(site.files(list))
      if (!accepted) throw new Error(`the push was refused:\n${output}`)
      return waitForSuccess(controller.client)
    },
    async client(mirror = 'base') {
      const client = await createAptClient(workspace.path(`client${++clients}`))
      await client.setSource(await fetchSource(controller.url, mirror))
      const { exitCode, output } = await client.update()
      if (exitCode !== 0) throw new Error(`apt-get update failed:\n${output}`)
      return client
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
  return site
}
