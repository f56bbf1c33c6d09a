import { formatBytes } from '../../core/index.ts'
import type { MirrorPackage } from '../../mirror/index.ts'
import { describeResources } from '../describe-machine.ts'
import { describeService } from '../describe-service.ts'
import type { PlannedResource } from '../../fleet/index.ts'
import type { RecordedChange } from '../../pipeline/index.ts'
import { codeBlock, codeCell, folded, table } from './markdown.ts'

/** How many rows of each table are shown at once, and how many more are folded. */
export interface RowBudget {
  open: number
  folded: number
}

/** What comes, changes and goes, as tables; and what a person should know of it. */
export function planTables({ detail }: Pick<RecordedChange, 'detail'>, budget: RowBudget): string[] {
  const { added = [], removed = [], changed = [], notes = [] } = (detail ?? {}) as PackageDetail
  const { resources = [] } = (detail ?? {}) as { resources?: PlannedResource[] }
  const onMachines = describeService(detail ?? {})
  return [
    ...(resources.length === 0 ? [] : [codeBlock(describeResources(resources))]),
    ...(onMachines.length === 0 ? [] : [codeBlock(onMachines)]),
    ...rowsOf('come', ['package', 'version', 'architecture', 'size', 'from', 'because'], added.map(addedRow), budget),
    ...rowsOf('change', ['package', 'before', 'after', 'architecture', 'size'], changed.map(changedRow), budget),
    ...rowsOf('go', ['package', 'version', 'architecture'], removed.map(removedRow), budget),
    ...(notes.length === 0 ? [] : [folded(countOf(notes.length, 'note'), codeBlock(notes.slice(0, budget.open)))]),
  ]
}

/** What a change of a mirror has in its detail. */
interface PackageDetail {
  added?: MirrorPackage[]
  removed?: MirrorPackage[]
  changed?: { before: MirrorPackage; after: MirrorPackage }[]
  notes?: string[]
}

type Row = () => string[]

const addedRow =
  (one: MirrorPackage): Row =>
  () => [
    codeCell(one.name),
    codeCell(one.version),
    codeCell(one.architecture),
    formatBytes(one.sizeBytes),
    codeCell(one.upstream),
    one.reason === 'listed' ? 'listed' : codeCell(one.reason),
  ]

const changedRow =
  ({ before, after }: { before: MirrorPackage; after: MirrorPackage }): Row =>
  () => [
    codeCell(after.name),
    codeCell(before.version),
    codeCell(after.version),
    codeCell(after.architecture),
    formatBytes(after.sizeBytes),
  ]

const removedRow =
  (one: MirrorPackage): Row =>
  () => [codeCell(one.name), codeCell(one.version), codeCell(one.architecture)]

/** Rows are made only where they are shown: there may be tens of thousands. */
function rowsOf(verb: string, head: readonly string[], rows: readonly Row[], budget: RowBudget): string[] {
  if (rows.length === 0) return []
  const make = (from: number, count: number): string[][] => rows.slice(from, from + count).map((row) => row())
  const rest = rows.length - budget.open
  if (rest <= 0) return [table(head, make(0, rows.length))]
  const shown = budget.open === 0 ? [] : [table(head, make(0, budget.open))]
  const more = make(budget.open, budget.folded)
  const beyond = rest - more.length
  const tail = beyond === 0 ? '' : `\n\nand ${beyond} more, which the run shows`
  const named = `${countOf(rest, budget.open === 0 ? 'package' : 'more package')} ${verb}`
  return [...shown, more.length === 0 ? `${named}: the run shows them.` : folded(named, `${table(head, more)}${tail}`)]
}

function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
