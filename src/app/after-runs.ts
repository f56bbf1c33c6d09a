import { rm } from 'node:fs/promises'
import { isLarderError, LarderError } from '../core/index.ts'
import { dropRefs } from '../forge/index.ts'
import type { Run, RunStore } from '../pipeline/index.ts'
import type { ControllerContext } from './controller/context.ts'
import type { DataFolder } from './data-folder.ts'
import type { DriftWatch } from './drift/drift-watch.ts'
import type { Rooms } from './open-rooms.ts'
import { rollPublishedImages } from './roll-published-images.ts'
import type { ConnectedForge } from './site-source/connected-forge.ts'
import type { SiteNews } from './site-source/site-news.ts'

/** What it staged is released; when main has changed, open pull requests are planned upon it; what was healed is looked at. */
export async function afterRun(
  context: ControllerContext,
  run: Run,
  { news, drift }: { news: SiteNews; drift: Pick<DriftWatch, 'wake'> },
): Promise<void> {
  await releaseLease(context, run)
  if (run.sections !== undefined) drift.wake()
  await rollPublishedImages(context, run)
  if (run.goal === 'apply')
    await news.reconcile({ origin: `${run.branch} at ${run.commit.slice(0, 12)}`, again: false })
  else if (run.pullRequest !== undefined) await tidyPreviews(context, run)
}

/** The newest plan of a pull request is the one to try; and there is an end to what all of them may take. */
async function tidyPreviews({ runs, previews, previewQuota }: ControllerContext, run: Run): Promise<void> {
  const earlier = await runs.list({ limit: 1000, before: run.id, pullRequest: run.pullRequest ?? 0 })
  if (run.state === 'succeeded') await previews.remove(earlier.map(({ id }) => id))
  await previews.expire(previewQuota)
}

/** What nobody will merge need be neither planned nor tried. */
export async function dropPullRequest(
  { runs, runner, previews, repository }: ControllerContext,
  { pullRequest, connected }: { pullRequest: number; connected: ConnectedForge | undefined },
): Promise<void> {
  for (const { id } of await runs.unfinishedOfPullRequest(pullRequest)) {
    await runner.cancel(id).catch((error: unknown) => {
      // It has ended meanwhile.
      if (!isLarderError(error, 'RUN_STATE')) throw error
    })
  }
  const all = await runs.list({ limit: 1000, pullRequest })
  await previews.remove(all.map(({ id }) => id))
  if (connected?.hosted === undefined) return
  await dropRefs(repository, connected.remote, [connected.hosted.forge.pullRequestRef(pullRequest)])
}

/** What it staged is referred to by now, or given up. */
async function releaseLease({ leases }: Pick<Rooms, 'leases'>, run: Run): Promise<void> {
  await leases.release(await leases.acquire(leaseHolder(run)))
}

/** Of pushes, exports and runs of a process that was killed; runs and uploads that go on keep what they have. */
export async function releaseOldLeases({ leases, registry }: Rooms, runs: RunStore): Promise<void> {
  const unfinished = [...(await runs.waiting()), ...(await runs.list({ limit: 1000, state: 'running' }))]
  await leases.releaseAllBut([...unfinished.map(leaseHolder), ...(await registry.leaseHolders())])
}

/** Of a process that was killed: what it was building is begun again by its run. */
export async function endBuilds({ images }: ControllerContext, { builds }: DataFolder): Promise<void> {
  await rm(builds, { recursive: true, force: true })
  const message = 'Larder ended while this was built.'
  await images.builds.endUnfinished(new LarderError('CANCELLED', { message }))
}

const leaseHolder = (run: Run): string => `run/${run.id}`
