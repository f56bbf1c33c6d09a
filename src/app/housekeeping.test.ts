import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog, systemClock } from '../core/index.ts'
import { createRunStore, type RunStore } from '../pipeline/index.ts'
import { openDatabase, type State } from '../state/index.ts'
import type { ControllerContext } from './controller/context.ts'
import { createHousekeeping, type HousekeepingOptions } from './housekeeping.ts'

let state: State
let runs: RunStore

beforeEach(async () => {
  state = await openDatabase({ path: ':memory:', clock: systemClock })
  runs = createRunStore(state, systemClock)
})
afterEach(() => state.close())

const housekeeping = (context: object) =>
  createHousekeeping({
    context: { runs, runner: { wake: () => {} }, log: silentLog, ...context } as unknown as ControllerContext,
    cache: { prune: () => Promise.resolve(), roots: async function* () {} } as unknown as HousekeepingOptions['cache'],
    events: { tidy: () => Promise.resolve() },
    announcements: { look: () => Promise.resolve(), tidy: () => Promise.resolve() },
    news: { poll: () => Promise.resolve(), reconcile: () => Promise.resolve() },
    pollEveryMs: 0,
  })

test('nothing is forgotten while the site cannot be read that says how much is to be kept', async () => {
  const pruned: string[] = []
  const publisher = {
    mirrorsWithSnapshots: () => Promise.resolve(['base']),
    prune: ({ mirror }: { mirror: string }) => Promise.resolve(pruned.push(mirror)),
    roots: async function* () {},
  }
  const store = {
    list: async function* () {},
    removeLeftovers: () => Promise.resolve({ removed: 0, freedBytes: 0 }),
  }
  const leases = {
    duringCollection: (work: () => Promise<unknown>) => work(),
    roots: async function* () {},
    live: () => Promise.resolve(new Set()),
  }
  const previews = { expire: () => Promise.resolve(0) }
  const registryCache = { expire: () => Promise.resolve(0) }
  const registry = { tidy: () => Promise.resolve(), roots: async function* () {} }
  const images = {
    forgetVersions: (keep: number) => Promise.resolve(pruned.push(`images but ${keep}`)),
    builds: { prune: () => Promise.resolve() },
    pruneCaches: () => Promise.resolve(),
  }
  const common = {
    publisher,
    store,
    leases,
    previews,
    registry,
    registryCache,
    images,
    fleet: {
      tidy: ({ networks }: { networks: string[] }) => Promise.resolve(pruned.push(`networks but ${networks.join()}`)),
    },
    formats: [],
    clock: systemClock,
  }
  const { signal } = new AbortController()
  const unreadable = { current: () => Promise.resolve(undefined) }
  await housekeeping({ ...common, siteHead: unreadable }).collect(signal)
  expect(pruned).toEqual([])
  const network = { subnet: '10.0.0.0/24', gateway: '10.0.0.1' }
  const sections = { mirrors: {}, images: { keep: { versions: 3 } }, network }
  const readable = {
    current: () => Promise.resolve({ site: { name: 'lab', sections } }),
  }
  await housekeeping({ ...common, siteHead: readable }).collect(signal)
  expect(pruned).toEqual(['base', 'images but 3', 'networks but default'])
})
