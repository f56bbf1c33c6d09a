import { silentProgress, systemClock, type KindContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createNetworkKind, type NetworkKind } from '../network/network-kind.ts'
import { networkSchema } from '../network/network-schema.ts'
import { createNetworkService, type NetworkService } from '../network/network-service.ts'
import { createNetworkLab, type NetworkLab } from './network-lab.ts'

/** The networks of a site that declares the machine `web-1`, in a lab. */
export interface NetworkSite extends AsyncDisposable {
  lab: NetworkLab
  service: NetworkService
  kind: NetworkKind
  context: KindContext
  /** As a run does it; what it planned, in words. Undefined: the site has no such section. Throws where it is not so afterwards. */
  apply(section: unknown): Promise<string[]>
}

/** As root. */
export async function openNetworkSite(): Promise<NetworkSite> {
  const lab = await createNetworkLab()
  const service = await createNetworkService(lab.room)
  const kind = createNetworkKind({ room: lab.room, service })
  const context: KindContext = {
    files: memoryFiles({}),
    clock: systemClock,
    progress: silentProgress,
    signal: new AbortController().signal,
    site: { machines: { 'web-1': { address: '10.77.0.5' } } },
    siteName: 'lab',
    runId: '1',
    freshForMs: 0,
    trust: 'trusted',
  }
  return {
    lab,
    service,
    kind,
    context,
    async apply(section) {
      const desired = section === undefined ? kind.nothing! : networkSchema.parse(section)
      const observed = await kind.observe(context, desired)
      const changes = kind.plan(desired, observed)
      for (const change of changes) {
        const staged = JSON.parse(
          JSON.stringify(await kind.stage(context, change, observed)),
        ) as typeof change.detail.wanted
        await kind.switch(context, staged)
        const problems = await kind.verify(context, staged)
        if (problems.length > 0) throw new Error(JSON.stringify(problems))
      }
      return changes.map(({ action, summary }) => `${action}: ${summary}`)
    },
    async [Symbol.asyncDispose]() {
      try {
        await service.stop()
      } finally {
        await lab.remove()
      }
    },
  }
}
