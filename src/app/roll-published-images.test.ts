import { expect, it, vi } from 'vitest'
import type { Run } from '../pipeline/index.ts'
import { rollPublishedImages } from './roll-published-images.ts'

type Context = Parameters<typeof rollPublishedImages>[0]

const run = (more: Partial<Run> = {}): Run => {
  const plan = [{ subject: 'image counter', action: 'update', summary: '', detail: null }]
  return { id: 8, goal: 'apply', branch: 'develop', plan, ...more } as Run
}

/** A site whose counter runs from this digest on web-1, and which has published that one. */
async function made(about: Run, { runs, published }: { runs: string | undefined; published: string | undefined }) {
  const create = vi.fn().mockResolvedValue({ id: 9 })
  const known = { name: 'counter', machine: 'web-1', reference: runs && `registry.example.org/counter@${runs}` }
  const services = {
    counter: { image: 'counter', machines: ['web-1'] },
    other: { image: 'other', machines: ['web-1'] },
  }
  const context = {
    siteHead: { current: async () => ({ commit: 'c1', site: { name: 'lab', sections: { services } } }) },
    images: { published: async () => published && { digest: published, version: '2' } },
    fleet: { services: { memory: { list: async () => (runs === undefined ? [] : [known]) } } },
    runs: { create },
    runner: { wake: () => {} },
  } as unknown as Context
  await rollPublishedImages(context, about)
  return create.mock.calls.map(([one]) => one as object)
}

it('brings what another branch has published to the services of main', async () => {
  const about = {
    branch: 'main',
    commit: 'c1',
    goal: 'apply',
    sections: ['services'],
    origin: 'counter, built of develop',
  }
  expect(await made(run(), { runs: 'sha256:1', published: 'sha256:2' })).toEqual([about])
  expect(await made(run(), { runs: undefined, published: 'sha256:2' })).toEqual([about])
})

it.each([
  ['of what runs already', run(), { runs: 'sha256:1', published: 'sha256:1' }],
  ['of what was not published', run(), { runs: 'sha256:1', published: undefined }],
  ['of a run of main, which rolls by itself', run({ branch: 'main' }), { runs: 'sha256:1', published: 'sha256:2' }],
  ['of a plan', run({ goal: 'plan' }), { runs: 'sha256:1', published: 'sha256:2' }],
  ['of other images', run({ plan: [] }), { runs: 'sha256:1', published: 'sha256:2' }],
])('makes no run %s', async (_, about, found) => {
  expect(await made(about, found)).toEqual([])
})
