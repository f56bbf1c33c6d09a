import type { Annotation, CommitStatus } from '../../forge/index.ts'
import type { PreviewSummary } from '../controller.ts'
import type { Run } from '../../pipeline/index.ts'

/** All that a report is made of. */
export interface ReportSubject {
  run: Run
  /** What there is to try. */
  previews: readonly PreviewSummary[]
  /** What there is not, and why: `mirror base: it would take …`. */
  leftOut: readonly { subject: string; reason: string }[]
  /** Mirrors that are published and that the plan does not name. */
  unchanged: readonly string[]
  /** Where people see more of the run. */
  url: string
}

/** What a run says where people look. */
export interface Report {
  state: CommitStatus['state']
  /** One line, as it is: it is no Markdown. */
  title: string
  /** Markdown of at most 60 kB. */
  summary: string
  annotations: Annotation[]
}

export const longestReportBytes = 60_000
