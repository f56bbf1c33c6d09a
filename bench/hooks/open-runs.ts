import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { reconcileRuns } from '../../src/app/site-source/reconcile-runs.ts'
import { LarderError, silentLog, systemClock } from '../../src/core/index.ts'
import { forgeNamed, localRef, prepareBareRepository } from '../../src/forge/index.ts'
import { createStandInRepository } from '../../src/forge/testing/stand-in-repository.ts'
import {
  createPullRequestStore,
  createRunner,
  createRunStore,
  type Run,
  type RunStore,
} from '../../src/pipeline/index.ts'
import { openDatabase } from '../../src/state/index.ts'
import { median } from '../report.ts'
import type { HooksBenchContext } from './bench.ts'

const open = 1000
const targetMs = 20
const repeats = 20

/** A thousand pull requests, each with a plan that waits: what a look at all of them costs, in this process. */
export async function measureOpenRuns({ folder: parent, report }: HooksBenchContext): Promise<void> {
  const folder = join(parent, 'open-runs')
  await mkdir(folder)
  const repository = join(folder, 'site.git')
  await prepareBareRepository(repository)
  const standIn = await createStandInRepository(join(folder, 'forge.git'))
  const state = await openDatabase({ path: join(folder, 'larder.db'), clock: systemClock })
  try {
    const runs = createRunStore(state, systemClock)
    const github = forgeNamed('github')
    const store = createPullRequestStore(state, { forge: 'github', repository: 'campus/site' })
    const commit = await standIn.commit(undefined, { README: 'x' }, 'x')
    await standIn.update('refs/heads/main', commit)
    const git = (args: readonly string[], input = ''): Buffer =>
      execFileSync('git', [`--git-dir=${repository}`, ...args], { input })
    git(['fetch', '--quiet', standIn.folder, 'refs/heads/main'])
    const refs = Array.from({ length: open }, (_, index) =>
      localRef({ name: 'forge' }, github.pullRequestRef(index + 1)),
    )
    git(['update-ref', '--stdin'], refs.map((ref) => `create ${ref} ${commit}\n`).join(''))
    const main = await runs.create({ branch: 'main', commit, goal: 'apply', origin: 'bench' })
    await runs.start(main.id)
    await runs.finish(main.id, { state: 'succeeded' })
    for (let number = 1; number <= open; number++) {
      const about = { number, title: 'x', author: 'x', head: `topic${number}`, headCommit: commit, base: 'main' }
      await store.put({ ...about, fromFork: false, state: 'open', updatedAt: new Date() })
    }
    const created: Run[] = []
    const idle = { wake: () => undefined }
    const reconcile = (): Promise<void> =>
      reconcileRuns({
        context: { runs, runner: idle, repository } as unknown as Parameters<typeof reconcileRuns>[0]['context'],
        appliedHeads: () => Promise.resolve(new Map([['main', commit]])),
        pulls: {
          store,
          hosted: { forge: github, repository: 'campus/site', api: undefined as never },
          planForks: true,
        },
        origin: 'bench',
        again: false,
        onCreated: (run) => Promise.resolve(void created.push(run)),
      })
    await reconcile()
    if (created.length !== open) throw new Error(`${created.length} runs were made, not ${open}`)
    const add = async (name: string, work: () => Promise<unknown>, target?: number): Promise<void> => {
      const figure = { unit: 'ms', larder: await timed(work), runs: repeats }
      report.add({ case: `${open} open runs: ${name}`, ...figure, ...(target === undefined ? {} : { target }) })
    }
    await add('listing them all', () => runs.list({ limit: open, state: 'waiting' }), targetMs)
    await add('listing a page of 100', () => runs.list({ limit: 100 }), targetMs)
    // Most of it is git listing its refs, which nobody waits for.
    await add('reconciling them, nothing new', reconcile)
    const lane = openLane(runs)
    await add('scheduling: from the end of one to the beginning of the next', () => lane.advance(), targetMs)
    await lane.stop()
  } finally {
    await state.close()
  }
}

interface Lane {
  /** Ends the run that is under way, and waits until the next has begun. */
  advance(): Promise<void>
  stop(): Promise<void>
}

/** A runner whose runs do nothing: what is left is looking for the next one, and writing down ends and beginnings. */
function openLane(runs: RunStore): Lane {
  let end: (() => void) | undefined
  let begun = Promise.withResolvers<undefined>()
  const runner = createRunner({
    runs,
    kinds: [],
    openFiles: () =>
      new Promise((_resolve, reject) => {
        end = () => reject(new LarderError('MERGE_CONFLICT', { message: 'nothing is to be done' }))
        begun.resolve(undefined)
      }),
    clock: systemClock,
    log: silentLog,
  })
  return {
    async advance() {
      if (end === undefined) await runner.start()
      else {
        begun = Promise.withResolvers()
        end()
      }
      await begun.promise
    },
    async stop() {
      const stopped = runner.stop()
      end?.()
      await stopped
    },
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const before = performance.now()
    await work()
    // The first finds nothing compiled by V8.
    if (repeat > 0) times.push(performance.now() - before)
  }
  return median(times)
}
