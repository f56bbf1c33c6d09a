import type { z } from 'zod'
import type { Clock } from './clock.ts'
import type { Problem } from './problem.ts'
import type { Progress } from './progress.ts'

/** The files of the site repository at one commit. Paths are relative, with `/`, and never lead out. */
export interface SiteFiles {
  /** Bytes of a file, or undefined when it is not there. */
  read(path: string): Promise<Buffer | undefined>
  /** Paths of all files below a folder (`''` for all), sorted. */
  list(folder: string): Promise<string[]>
}

/** What a kind is handed to work with. */
export interface KindContext {
  readonly files: SiteFiles
  readonly clock: Clock
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Identity of the run: names its leases and its previews. */
  readonly runId: string
}

/** One thing that a run will do, in the words that a person reads in the plan. */
export interface Change {
  /** `mirror base` */
  subject: string
  action: 'create' | 'update' | 'remove'
  /** `+10 packages, 1 upgraded, 12.3 MB to fetch` */
  summary: string
  /** Everything that programs show: JSON values only, since a run keeps it. */
  detail: unknown
}

/** What verify found wrong. None found is an empty list. */
export interface Finding {
  severity: 'error' | 'warning'
  subject: string
  message: string
  hint?: string
}

/**
 * Everything that Larder manages is a kind of this shape, and a run walks all kinds the same way.
 * Adding a kind is adding a folder and a line in the composition root.
 *
 * `Staged` must be JSON: a run that was killed after `stage` goes on at `switch` from what it recorded.
 */
export interface Kind<Desired, Observed, Planned extends Change, Staged> {
  /** Key in larder.yaml. */
  readonly section: string
  readonly schema: z.ZodType<Desired>
  /** Reads the further files that the section names (package lists …) and checks what the schema cannot. */
  check(desired: Desired, context: { files: SiteFiles; site: Record<string, unknown> }): Promise<Problem[]>
  /** What is true now. */
  observe(context: KindContext, desired: Desired): Promise<Observed>
  /** Pure: the same input, the same plan. Throws a LarderError that exits 3 when no plan is possible. */
  plan(desired: Desired, observed: Observed): Planned[]
  /** Slow work whose result nobody outside sees. Idempotent and resumable. */
  stage(context: KindContext, change: Planned, observed: Observed): Promise<Staged>
  /** One atomic, quick, visible step. Doing it twice is the same as doing it once. */
  switch(context: KindContext, staged: Staged): Promise<void>
  /** Looks at the result as a client would. */
  verify(context: KindContext, staged: Staged): Promise<Finding[]>
}
