import { catalogue, isErrorCode } from '../../core/index.ts'
import { localRef, resolveRef } from '../../forge/index.ts'
import type { KnownPullRequest, NewRun, PullRequestStore, Run } from '../../pipeline/index.ts'
import type { ControllerContext } from '../controller/context.ts'
import { remoteName, type HostedForge } from './connected-forge.ts'

export interface ReconcileOptions {
  context: Pick<ControllerContext, 'runs' | 'runner' | 'repository'>
  mainCommit: () => Promise<string | undefined>
  /** Undefined: there are none. */
  pulls: { store: PullRequestStore; hosted: HostedForge; planForks: boolean } | undefined
  /** Pull requests that were opened again: they are planned anew. */
  reopened: ReadonlySet<number>
  /** What a new run says that it comes from. */
  origin: string
  /** Runs that failed on what passes are taken up again. */
  again: boolean
  onCreated: (run: Run) => Promise<void>
}

/**
 * Compares what is with what was done, and queues what is missing: an apply of the head of main, a plan of every open
 * pull request upon it. Whatever brought the news, and however often, the answer is the same run.
 */
export async function reconcileRuns(options: ReconcileOptions): Promise<void> {
  const head = await options.mainCommit()
  if (head === undefined) return
  const applied = await reconcileMain(options, head)
  // What is not applied yet would be shown as what the pull request brings; its end brings us here again.
  if (applied.finishedAt !== undefined) await reconcilePullRequests(options, head)
  options.context.runner.wake()
}

async function reconcileMain(options: ReconcileOptions, head: string): Promise<Run> {
  // One that somebody has cancelled is not for us to bring back.
  const latest = await options.context.runs.latest('main', 'apply', { withCancelled: true })
  if (latest?.commit === head && !(options.again && mayPassNow(latest))) return latest
  return create(options, { branch: 'main', commit: head, goal: 'apply', origin: options.origin })
}

async function reconcilePullRequests(options: ReconcileOptions, base: string): Promise<void> {
  const { pulls } = options
  for (const pull of (await pulls?.store.open()) ?? []) {
    if (pull.base === 'main') await reconcilePullRequest(options, pull, base)
  }
}

async function reconcilePullRequest(options: ReconcileOptions, pull: KnownPullRequest, base: string): Promise<void> {
  const { pulls, context } = options
  if (pulls === undefined) return
  const ref = localRef({ name: remoteName }, pulls.hosted.forge.pullRequestRef(pull.number))
  // What is there, not what was said to be: a branch may have been pushed to since.
  const commit = await resolveRef(context.repository, ref)
  if (commit === undefined) return
  const trust = pull.fromFork && pull.approvedCommit !== commit ? 'untrusted' : 'trusted'
  if (trust === 'untrusted' && !pulls.planForks) return
  const latest = await context.runs.latestOfPullRequest(pull.number)
  if (latest !== undefined && answers(latest, { commit, base, trust }) && !isWantedAgain(options, latest)) return
  const about = { pullRequest: pull.number, baseCommit: base, trust } as const
  await create(options, { branch: pull.head, commit, goal: 'plan', origin: options.origin, ...about })
}

function answers(run: Run, { commit, base, trust }: { commit: string; base: string; trust: Run['trust'] }): boolean {
  return run.commit === commit && run.baseCommit === base && run.trust === trust
}

function isWantedAgain({ reopened, again }: ReconcileOptions, run: Run): boolean {
  // When it was closed, its plan was called off, or its preview removed.
  const isReopened = run.pullRequest !== undefined && reopened.has(run.pullRequest)
  return (isReopened && run.finishedAt !== undefined) || (again && mayPassNow(run))
}

async function create({ context, onCreated }: ReconcileOptions, run: NewRun): Promise<Run> {
  const created = await context.runs.create(run)
  await onCreated(created)
  return created
}

/** It failed on what passes, an upstream or a disk: the commit is still to be applied, once that is over. */
function mayPassNow({ state, error }: Run): boolean {
  return state === 'failed' && error !== undefined && isErrorCode(error.code) && catalogue[error.code].retryable
}
