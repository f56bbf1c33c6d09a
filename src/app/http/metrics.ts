import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../core/index.ts'
import type { Controller, RunState } from '../controller.ts'

export interface HttpMetrics {
  request(route: string, method: string, status: number): void
  served(format: string, status: number, bodyBytes: number): void
  /** The text that a scraper reads. Gauges are asked of the controller now. */
  render(): Promise<string>
}

const runStates: readonly RunState[] = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'superseded']
/** Runs that are counted by state, newest first. */
const countedRuns = 500

/** Source: Prometheus naming conventions: base units, `_total` for what only grows. */
export function createHttpMetrics(
  registry: Registry,
  { controller, clock }: { controller: Controller; clock: Clock },
): HttpMetrics {
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })

  const requests = counter('larder_http_requests_total', 'Requests answered.', ['route', 'method', 'status'])
  const files = counter('larder_published_requests_total', 'Requests for published files.', ['format', 'status'])
  const bytes = counter('larder_published_bytes_total', 'Bytes of published files that were sent.', ['format'])
  const ready = gauge('larder_ready', '1 when Larder can do its work.', [])
  const packages = gauge('larder_mirror_packages', 'Packages in the publication.', ['mirror'])
  const sizes = gauge('larder_mirror_bytes', 'Bytes of the packages in the publication.', ['mirror'])
  const ages = gauge('larder_publication_age_seconds', 'Since clients see the publication.', ['mirror'])
  const expiries = gauge('larder_publication_valid_seconds', 'Until clients refuse the publication.', ['mirror'])
  const runs = gauge('larder_runs', `The latest ${countedRuns} runs by state.`, ['state'])

  const observe = async (): Promise<void> => {
    const nowMs = clock.now().getTime()
    ready.set((await controller.health()).ready ? 1 : 0)
    for (const perMirror of [packages, sizes, ages, expiries]) perMirror.reset()
    for (const { name: mirror, packageCount, sizeBytes, publication } of await controller.mirrors()) {
      packages.set({ mirror }, packageCount)
      sizes.set({ mirror }, sizeBytes)
      if (publication === undefined) continue
      ages.set({ mirror }, (nowMs - Date.parse(publication.sealedAt)) / 1000)
      if (publication.validUntil !== undefined) {
        expiries.set({ mirror }, (Date.parse(publication.validUntil) - nowMs) / 1000)
      }
    }
    const latest = await controller.runs({ limit: countedRuns })
    for (const state of runStates) runs.set({ state }, latest.filter((run) => run.state === state).length)
  }

  return {
    request: (route, method, status) => requests.inc({ route, method, status }),
    served: (format, status, bodyBytes) => {
      files.inc({ format, status })
      bytes.inc({ format }, bodyBytes)
    },
    render: async () => {
      await observe()
      return registry.metrics()
    },
  }
}
