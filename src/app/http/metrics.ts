import type { Clock } from '../../core/index.ts'
import type { Controller } from '../controller.ts'
import type { Measured } from './options.ts'
import type { Counts } from './render-metrics.ts'

export interface HttpMetrics {
  request(route: string, method: string, status: number): void
  served(format: string, status: number, bodyBytes: number): void
  /** What a scraper reads. Gauges are asked of the controller now. */
  render(): Promise<{ contentType: string; text: string }>
}

interface Observed {
  controller: Controller
  clock: Clock
  measure?: () => Promise<Measured[]>
}

/** Counts from the start; what writes them out is loaded when somebody first asks, which on most sites nobody does. */
export function createHttpMetrics(observed: Observed): HttpMetrics {
  const counts: Counts = { requests: new Map(), files: new Map(), bytes: new Map() }
  return {
    request: (route, method, status) => {
      count(counts.requests, { route, method, status: String(status) }, 1)
    },
    served: (format, status, bodyBytes) => {
      count(counts.files, { format, status: String(status) }, 1)
      count(counts.bytes, { format }, bodyBytes)
    },
    render: async () => {
      const { renderMetrics } = await import('./render-metrics.ts')
      return renderMetrics(counts, observed)
    },
  }
}

function count<Labels extends Record<string, string>>(
  counted: Map<string, { labels: Labels; value: number }>,
  labels: Labels,
  by: number,
): void {
  const key = Object.values(labels).join('\n')
  const known = counted.get(key)
  if (known === undefined) counted.set(key, { labels, value: by })
  else known.value += by
}
