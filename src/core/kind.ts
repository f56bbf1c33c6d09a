import type { z } from 'zod'
import type { Clock } from './clock.ts'
import type { SourceDocument } from './document/index.ts'
import type { Postponed } from './postponed.ts'
import type { Problem } from './problem.ts'
import type { Progress } from './progress.ts'

/** The files of the site repository at one commit. Paths are relative, with `/`, and never lead out. */
export interface SiteFiles {
  /** Bytes of a file, or undefined when it is not there. `once`: nobody will ask for it again soon. */
  read(path: string, options?: { once?: boolean }): Promise<Buffer | undefined>
  /** Paths of all files below a folder (`''` for all), sorted. */
  list(folder: string): Promise<string[]>
  /** All that is below a folder, links included, for those who copy it; sorted by path. */
  entries(folder: string): Promise<SiteEntry[]>
}

/** A file of the site as a copy of it has to be. */
export interface SiteEntry {
  path: string
  kind: 'file' | 'executable' | 'link'
  /** Of its content: equal where that is. Git's own name of it. */
  identity: string
  /** Of a link: where it leads, as it is written. */
  target?: string
}

/** What a kind is handed to work with. */
export interface KindContext {
  readonly files: SiteFiles
  readonly clock: Clock
  readonly progress: Progress
  readonly signal: AbortSignal
  /** All validated sections of larder.yaml, shared ones (`upstreams`) included. */
  readonly site: Readonly<Record<string, unknown>>
  /** What larder.yaml calls the site. */
  readonly siteName: string
  /** The commit that the files are of; undefined where they are of none: a merge that nobody has made yet, a folder. */
  readonly commit?: { readonly id: string; committedAt(): Promise<Date> } | undefined
  /** Identity of the run: names its leases and its previews. */
  readonly runId: string
  /** Upstream metadata that was brought up to date less than this long ago is good enough. 0: ask again. */
  readonly freshForMs: number
  /** What the kinds before this one are to change in the same run. Default: nothing. */
  readonly planned?: readonly Change[]
  /** `untrusted`: asked for by somebody whom nobody here has vouched for. */
  readonly trust: 'trusted' | 'untrusted'
  /** Sections and files of main, which bound what the untrusted may change. Undefined: not asked for, or no main yet. */
  readonly baseline?: { readonly site: Readonly<Record<string, unknown>>; readonly files: SiteFiles } | undefined
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

/** What there is to try of a change, or why there is nothing. */
export type PreviewedChange = { subject: string; format: string; path: string } | { subject: string; leftOut: string }

/** What verify found wrong. None found is an empty list. */
export interface Finding {
  severity: 'error' | 'warning'
  subject: string
  message: string
  hint?: string
}

/** What a kind checks its section with. */
export interface CheckContext {
  readonly files: SiteFiles
  /** Sections of larder.yaml, without the entries that are wrong in themselves. */
  readonly site: Readonly<Record<string, unknown>>
  /** Names of all entries of every section, right or wrong: what is named here is there. */
  readonly declared: Readonly<Record<string, readonly string[]>>
  /** Entries of every section that are wrong in themselves, as written: what is right in them is checked all the same. */
  readonly wrong: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** A part of larder.yaml, with misspelt names as they were meant: `['mirrors', 'base', 'packages']`. */
  documentAt(path: readonly (string | number)[]): SourceDocument
  /** Where in larder.yaml a value (default) or its name is written: `['mirrors', 'base', 'upstreams', 0]`. */
  positionOf(path: readonly (string | number)[], part?: 'key' | 'value'): Pick<Problem, 'file' | 'line' | 'column'>
}

/** What the files of a site may say of a kind: enough to check them, with nothing opened. */
export interface KindGrammar<Desired = unknown> {
  /** Key in larder.yaml. */
  readonly section: string
  readonly schema: z.ZodType<Desired>
  /** Further sections that this kind reads, by key: `upstreams`. Several kinds may declare the same one. */
  readonly sharedSections?: Readonly<Record<string, z.ZodType>>
  /** Further files that people write for this kind, by their usual name, for `larder schema FILE`. */
  readonly fileSchemas?: Readonly<Record<string, z.ZodType>>
  /**
   * Reads the further files that the section names (package lists …) and checks what the schema cannot. Is also
   * called when some entries of the section are wrong: `desired` holds those that are right, so that everything is
   * reported at once.
   */
  check(desired: Desired, context: CheckContext): Promise<Problem[]>
}

/**
 * Everything that Larder manages is a kind of this shape, and a run walks all kinds the same way.
 * Adding a kind is adding a folder and a line in the composition root.
 *
 * `Staged` must be JSON: a run that was killed after `stage` goes on at `switch` from what it recorded.
 */
export interface Kind<Desired, Observed, Planned extends Change, Staged> extends KindGrammar<Desired> {
  /** What a site without the section asks for: what was made for an earlier commit goes. Undefined: it is left alone. */
  readonly nothing?: Desired
  /** Branch whose commits make this kind so. Default: main, for all others. */
  branchOf?(desired: Desired): string
  /** What is true now. */
  observe(context: KindContext, desired: Desired): Promise<Observed>
  /**
   * Whether what is right of a site with errors is observed and planned all the same, so that what that finds wrong is
   * told with them. Default: no.
   */
  readonly plansInPart?: boolean
  /** What could not be looked at now, and is not in what was observed. An apply does the rest, and is tried again for it. */
  postponed?(observed: Observed): readonly Postponed[]
  /** Pure: the same input, the same plan. Throws a LarderError that exits 3 when no plan is possible. */
  plan(desired: Desired, observed: Observed): Planned[]
  /**
   * Told of a change that is about to be staged: a push that asks for it was found valid. What can be begun is; what
   * fails is met again by `stage`. Answers at once.
   */
  anticipate?(context: KindContext, change: Planned): void
  /** Slow work whose result nobody outside sees. Idempotent and resumable. */
  stage(context: KindContext, change: Planned, observed: Observed): Promise<Staged>
  /**
   * What the change would make, for people to try before it is merged: as `stage`, but nothing that is published, or
   * known of it, changes. Answers what a person is told: undefined where there is nothing to try.
   */
  preview?(context: KindContext, change: Planned, observed: Observed): Promise<PreviewedChange | undefined>
  /** One atomic, quick, visible step. Doing it twice is the same as doing it once. */
  switch(context: KindContext, staged: Staged): Promise<void>
  /** Looks at the result as a client would. */
  verify(context: KindContext, staged: Staged): Promise<Finding[]>
}
