import { Counter, Gauge, Registry } from 'prom-client'
import type { Clock } from '../../core/index.ts'
import type { Controller, RunState } from '../controller.ts'
import type { Measured } from './options.ts'

/** What has been counted since the start, by the values of its labels. */
export interface Counts {
  requests: Counted<'route' | 'method' | 'status'>
  files: Counted<'format' | 'status'>
  bytes: Counted<'format'>
}

type Counted<Label extends string> = Map<string, { labels: Record<Label, string>; value: number }>

const runStates: readonly RunState[] = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'superseded']
/** Runs that are counted by state, newest first. */
const countedRuns = 500

/** Source: Prometheus naming conventions: base units, `_total` for what only grows. */
export async function renderMetrics(
  counts: Counts,
  observed: { controller: Controller; clock: Clock; measure?: () => Promise<Measured[]> },
): Promise<{ contentType: string; text: string }> {
  const registry = new Registry()
  const registers = [registry]
  const add = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    counted: Counted<Label>,
  ) => {
    const counter = new Counter({ name, help, labelNames: [...labelNames], registers })
    for (const { labels, value } of counted.values()) counter.inc(labels, value)
  }
  add('larder_http_requests_total', 'Requests answered.', ['route', 'method', 'status'], counts.requests)
  add('larder_published_requests_total', 'Requests for published files.', ['format', 'status'], counts.files)
  add('larder_published_bytes_total', 'Bytes of published files that were sent.', ['format'], counts.bytes)
  await addGauges(registry, observed)
  addMeasured(registry, (await observed.measure?.()) ?? [])
  return { contentType: registry.contentType, text: await registry.metrics() }
}

async function addGauges(
  registry: Registry,
  { controller, clock }: { controller: Controller; clock: Clock },
): Promise<void> {
  const registers = [registry]
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames: [...labelNames], registers })
  const ready = gauge('larder_ready', '1 when Larder can do its work.', [])
  const packages = gauge('larder_mirror_packages', 'Packages in the publication.', ['mirror'])
  const sizes = gauge('larder_mirror_bytes', 'Bytes of the packages in the publication.', ['mirror'])
  const ages = gauge('larder_publication_age_seconds', 'Since clients see the publication.', ['mirror'])
  const expiries = gauge('larder_publication_valid_seconds', 'Until clients refuse the publication.', ['mirror'])
  const runs = gauge('larder_runs', `The latest ${countedRuns} runs by state.`, ['state'])

  const nowMs = clock.now().getTime()
  ready.set((await controller.health()).ready ? 1 : 0)
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

/** Samples of one name come one after the other with the same names of labels. */
function addMeasured(registry: Registry, measured: readonly Measured[]): void {
  for (const { kind, name, help, labels = {}, value } of measured) {
    const known = registry.getSingleMetric(name) as Gauge | Counter | undefined
    const options = { name, help, labelNames: Object.keys(labels), registers: [registry] }
    const metric = known ?? (kind === 'gauge' ? new Gauge(options) : new Counter(options))
    metric.inc(labels, value)
  }
}
