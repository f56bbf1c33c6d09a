import type { Upstream } from '../../../test/fixtures/upstream/index.ts'
import { silentProgress, systemClock } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { createTestFetcher, type TestFetcher } from '../../fetch/testing/index.ts'
import { aptUpstreamSchema } from '../upstream-config.ts'
import { findSuites } from '../upstream/find-suites.ts'
import type { Host } from '../upstream/host.ts'
import { loadSuite, type SuiteLoader } from '../upstream/load-suite.ts'
import type { Suite } from '../upstream/suite.ts'
import type { SuiteSource } from '../upstream/suite-source.ts'
import type { UpstreamMemory } from '../upstream/upstream-memory.ts'

export interface TestLoader extends TestFetcher {
  memory: UpstreamMemory
  load(source: SuiteSource, options?: Partial<SuiteLoader>): Promise<Suite>
}

/** Loads suites into a store in memory. `now` is that of the machine unless given. */
export async function createTestLoader(): Promise<TestLoader> {
  const testing = await createTestFetcher()
  const values = new Map<string, unknown>()
  const memory: UpstreamMemory = {
    get: async (key) => structuredClone(values.get(key)),
    put: async (key, value) => void values.set(key, JSON.parse(JSON.stringify(value))),
  }
  const { signal } = new AbortController()
  const load = (source: SuiteSource, options: Partial<SuiteLoader> = {}) =>
    loadSuite({ ...testing, memory, progress: silentProgress, signal, now: systemClock.now(), ...options }, source)
  return { ...testing, memory, load }
}

/** The source that larder.yaml would give for one suite of a test upstream. */
export async function sourceOf(
  upstream: Upstream,
  options: { suite?: string; components?: string[]; architectures?: string[]; config?: Record<string, unknown> } = {},
): Promise<SuiteSource> {
  const own = { url: upstream.url, keys: ['key.asc'], ...options.config }
  const sources = await findSuites({
    upstream: { name: 'test', config: aptUpstreamSchema.parse(own) },
    suites: [options.suite ?? 'bookworm'],
    components: options.components ?? ['main'],
    architectures: options.architectures ?? ['amd64'],
    files: memoryFiles({ 'key.asc': upstream.key }),
    host: noHost,
  })
  return sources[0]!
}

/** A host without APT. */
export const noHost: Host = {
  aptConfig: async () => ({
    architectures: [],
    languages: [],
    checkDate: true,
    checkValidUntil: true,
    proxyByHost: {},
  }),
  sources: async () => [],
  readFile: async () => undefined,
}
