import type { Problem } from '../core/index.ts'

/** `superseded`: a newer commit of the branch made it pointless while it waited. */
export type RunState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'superseded'

/** `plan` reads, validates, resolves and shows; `apply` goes on to stage, switch and verify. */
export type RunGoal = 'plan' | 'apply'

/** Runs that are worked at one after the other. */
export interface RunScope {
  goal: RunGoal
  /** Default: of all branches. */
  branch?: string
}

export interface RunError {
  code: string
  message: string
  hint?: string
  context?: Record<string, unknown>
}

/** A change as a run keeps it: what a person or a program is shown. */
export interface RecordedChange {
  subject: string
  action: 'create' | 'update' | 'remove'
  summary: string
  detail: unknown
}

/** What Larder does about one commit. */
export interface Run {
  id: number
  branch: string
  commit: string
  goal: RunGoal
  state: RunState
  /** What brought it: `push by alice`, `github delivery 72d3…`, `sync`. */
  origin: string
  createdAt: Date
  startedAt: Date | undefined
  finishedAt: Date | undefined
  attempts: number
  error: RunError | undefined
  plan: RecordedChange[] | undefined
  /** Number of the pull request that it plans. Undefined: it is about the branch itself. */
  pullRequest: number | undefined
  /** With a pull request: the head of its base that it is planned upon. */
  baseCommit: string | undefined
  trust: RunTrust
  /** Sections of larder.yaml that it is about, and no other. Undefined: the whole site. */
  sections: readonly string[] | undefined
  only: RunLimit | undefined
}

/** What a run is about, of all that its sections declare: some machines; or a service, to begin it anew. */
export type RunLimit = { readonly machines: readonly string[] } | { readonly restart: string }

/** `untrusted`: a fork's work that no maintainer has given their word for. It is planned within limits. */
export type RunTrust = 'trusted' | 'untrusted'

export interface RunStep {
  number: number
  name: string
  state: 'running' | 'done' | 'failed'
  startedAt: Date
  finishedAt: Date | undefined
  /** JSON that the step left for later steps and for a resumed run. */
  result: unknown
}

export interface RunLogLine {
  number: number
  at: Date
  message: string
}

/** Problems that a run failed with, when it failed by a check. */
export function problemsOf(run: Run): Problem[] {
  const problems = run.error?.context?.['problems']
  return Array.isArray(problems) ? (problems as Problem[]) : []
}
