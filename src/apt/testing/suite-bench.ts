import { afterEach, beforeEach, expect } from 'vitest'
import { startUpstream, type SuiteOptions, type Upstream } from '../../../test/fixtures/upstream/index.ts'
import { unpackText } from '../compile/packed-text.ts'
import { packedIndex } from '../upstream/packed-index.ts'
import type { Suite } from '../upstream/suite.ts'
import { createTestLoader, type TestLoader } from './test-loader.ts'

export interface SuiteBench {
  loader: TestLoader
  upstream: Upstream
  /** Another upstream, with one suite. */
  start(suite?: Partial<SuiteOptions>): Promise<void>
  /** All indices of a suite, unpacked. */
  textOf(suite: Suite): Promise<string>
}

/** An upstream and what loads it, anew for each test of a file. */
export function useSuiteBench(): SuiteBench {
  const bench = {
    async start(suite: Partial<SuiteOptions> = {}) {
      bench.upstream = await startUpstream({
        suites: [{ suite: 'bookworm', packages: [{ name: 'nmap', version: '7.93' }], ...suite }],
      })
    },
    async textOf({ indices }: Suite) {
      let text = ''
      const { signal } = new AbortController()
      for (const index of indices)
        for await (const chunk of unpackText(packedIndex(bench.loader.store, index), signal)) text += String(chunk)
      return text
    },
  } as SuiteBench
  beforeEach(async () => {
    bench.loader = await createTestLoader()
  })
  afterEach(async () => {
    await bench.loader.fetcher.close()
    await bench.upstream.close()
  })
  return bench
}

export async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it was loaded'),
    (error: unknown) => error,
  )
}
