import { catalogue, isErrorCode } from '../../core/index.ts'
import { localRef, resolveRefs } from '../../forge/index.ts'
import type { KnownPullRequest, PullRequestStore, Run } from '../../pipeline/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import { remoteName, type HostedForge } from './connected-forge.ts'

export interface ReconcileOptions {
  context: Pick<ControllerContext, 'runs' | 'runner' | 'repository'>
  /** Of every branch that is applied, main first. */
  appliedHeads: () => Promise<ReadonlyMap<string, string>>
  /** Undefined: there are none. */
  pulls: { store: PullRequestStore; hosted: HostedForge; planForks: boolean } | undefined
  /** What a new run says that it comes from. */
  origin: string
  /** Runs that failed on what passes are taken up again. */
  again: boolean
  onCreated: (run: Run) => Promise<void>
}

/**
 * Compares what is with what was done, and queues what is missing: an apply of the head of every branch that is
 * applied, a plan of every open pull request upon it. Whatever brought the news, and however often, the answer is the same run.
 */
export async function reconcileRuns(options: ReconcileOptions): Promise<void> {
  // Before the heads are: whatever comes after it knows of them, or of newer ones.
  const [newest] = await options.context.runs.list({ limit: 1 })
  for (const [branch, head] of await options.appliedHeads()) {
    const applied = await reconcileBranch(options, { branch, head, since: newest?.id ?? 0 })
    // What is not applied yet would be shown as what the pull request brings; its end brings us here again.
    if (applied.finishedAt !== undefined) await reconcilePullRequests(options, { branch, base: head })
  }
  options.context.runner.wake()
}

async function reconcileBranch(
  { context, origin, again, onCreated }: ReconcileOptions,
  { branch, head, since }: { branch: string; head: string; since: number },
): Promise<Run> {
  // One that somebody has cancelled is not for us to bring back.
  const isEnough = (run: Run): boolean => run.id > since || (run.commit === head && !(again && mayPassNow(run)))
  const { run, isNew } = await context.runs.createUnless(isEnough, { branch, commit: head, goal: 'apply', origin })
  if (isNew) await onCreated(run)
  return run
}

/** However many are open: one question for their runs, and one for their heads. */
async function reconcilePullRequests(
  options: ReconcileOptions,
  { branch, base }: { branch: string; base: string },
): Promise<void> {
  const { pulls, context } = options
  if (pulls === undefined) return
  const open = (await pulls.store.open()).filter((pull) => pull.base === branch)
  if (open.length === 0) return
  const refOf = ({ number }: KnownPullRequest): string =>
    localRef({ name: remoteName }, pulls.hosted.forge.pullRequestRef(number))
  // What is there, not what was said to be: a branch may have been pushed to since.
  const heads = await resolveRefs(context.repository, open.map(refOf))
  const latest = await context.runs.latestOfPullRequests(open.map(({ number }) => number))
  for (const pull of open) {
    const commit = heads.get(refOf(pull))
    if (commit === undefined) continue
    const trust = pull.fromFork && pull.approvedCommit !== commit ? 'untrusted' : 'trusted'
    if (trust === 'untrusted' && !pulls.planForks) continue
    const run = latest.get(pull.number)
    if (run !== undefined && answers(run, { pull, commit, base, trust }) && !(options.again && mayPassNow(run)))
      continue
    const one = { branch: pull.head, commit, goal: 'plan', origin: options.origin } as const
    await options.onCreated(await context.runs.create({ ...one, pullRequest: pull.number, baseCommit: base, trust }))
  }
}

interface Asked {
  pull: KnownPullRequest
  commit: string
  base: string
  trust: Run['trust']
}

function answers(run: Run, { pull, commit, base, trust }: Asked): boolean {
  // When it was closed, its plan was called off, or its preview removed.
  if (run.id <= pull.closedAfterRun) return false
  return run.commit === commit && run.baseCommit === base && run.trust === trust
}

/** It failed on what passes, an upstream or a disk: the commit is still to be applied, once that is over. */
function mayPassNow({ state, error }: Run): boolean {
  return state === 'failed' && error !== undefined && isErrorCode(error.code) && catalogue[error.code].retryable
}
