import { startRpmUpstream, type RpmUpstream, type RpmUpstreamOptions } from '../../fixtures/rpm-upstream/index.ts'
import type { RunDetail } from '../../../src/app/controller.ts'
import { createDnfClient, fetchRepo, type DnfClient } from './dnf-client.ts'
import { startInnerController, type InnerController } from './inner-controller.ts'
import { createSiteClone, type PushResult, type SiteClone } from './site-clone.ts'
import { waitForSuccess } from './wait-for-run.ts'
import { openWorkspace, type Workspace } from './workspace.ts'

export interface RpmSiteOptions extends RpmUpstreamOptions {
  /** Further keys of the upstream, as YAML: `gpgcheck: false`. */
  upstream?: readonly string[]
  /** Further keys of the mirror, as YAML: `compatibility: yum3`. */
  mirror?: readonly string[]
}

/** An RPM upstream, a controller and a site with one mirror, `el9`. */
export interface RpmSite extends AsyncDisposable {
  workspace: Workspace
  upstream: RpmUpstream
  controller: InnerController
  clone: SiteClone
  /** Files of the site; the list as its text. */
  files(list: string): Record<string, string>
  /** Commits and pushes; does not wait for the run. */
  push(list: string, branch?: string): Promise<PushResult>
  /** Pushes a list to main and waits until it is published. */
  publish(list: readonly unknown[]): Promise<RunDetail>
  /** A dnf that has only this mirror; nothing is read yet. */
  client(): Promise<DnfClient>
}

export async function openRpmSite(options: RpmSiteOptions): Promise<RpmSite> {
  await using ending = new AsyncDisposableStack()
  const workspace = ending.use(await openWorkspace())
  const upstream = await startRpmUpstream(options)
  ending.defer(() => upstream.close())
  const controller = ending.use(await startInnerController(workspace.path('data')))
  const clone = await createSiteClone(workspace.path('site'))
  let clients = 0
  const opened = ending.move()
  const site: RpmSite = {
    workspace,
    upstream,
    controller,
    clone,
    files: (list) => ({
      'larder.yaml': rpmSiteText(upstream.url, options),
      'keys/vendor.asc': upstream.key,
      'packages.json': list,
    }),
    async push(list, branch) {
      await clone.commit(site.files(list))
      return clone.push(controller, branch)
    },
    async publish(list) {
      const { accepted, output } = await site.push(`${JSON.stringify(list)}\n`)
      if (!accepted) throw new Error(`the push was refused:\n${output}`)
      return waitForSuccess(controller.client)
    },
    async client() {
      const client = await createDnfClient(workspace.path(`client${++clients}`))
      await client.setRepo(await fetchRepo(controller.url, 'el9'))
      return client
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
  return site
}

export function rpmSiteText(url: string, options: Pick<RpmSiteOptions, 'upstream' | 'mirror'>): string {
  const lines = (more: readonly string[] = []): string => more.map((line) => `\n    ${line}`).join('')
  return `site: test
upstreams:
  vendor:
    format: rpm
    url: "${url}"
    keys: [keys/vendor.asc]${lines(options.upstream)}
mirrors:
  el9:
    format: rpm
    upstreams: [vendor]
    architectures: [x86_64]
    packages: packages.json${lines(options.mirror)}
`
}
