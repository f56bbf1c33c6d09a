import type { PlannedResource } from '../fleet/index.ts'

/** Lines of a file that are shown beside those that change. */
const linesAround = 2
const mostLines = 200

/** What is not as declared on a machine, in lines for people: each resource, and below it what differs. */
export function describeResources(resources: readonly PlannedResource[]): string[] {
  const lines = resources.flatMap(describeResource)
  const more = lines.length - mostLines
  return more > 0 ? [...lines.slice(0, mostLines), `  … and ${more} lines more`] : lines
}

function describeResource({ id, state, differences, why }: PlannedResource): string[] {
  if (state === 'maybe') return [`  ? ${id}${why === undefined ? '' : `: ${why}`}`]
  return [`  ~ ${id}`, ...differences.flatMap(describeDifference)]
}

function describeDifference({ what, from, to }: PlannedResource['differences'][number]): string[] {
  const isText = (from ?? '').includes('\n') || (to ?? '').includes('\n')
  if (!isText) return [`      ${what}: ${from ?? '(none)'} → ${to ?? '(none)'}`]
  return [`      ${what}:`, ...compareTexts(linesOf(from), linesOf(to)).map((line) => `      ${line}`)]
}

function linesOf(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** What is alike at the beginning and at the end is left out; of the rest, what goes and what comes. */
function compareTexts(from: readonly string[], to: readonly string[]): string[] {
  const most = Math.min(from.length, to.length)
  let head = 0
  while (head < most && from[head] === to[head]) head++
  let tail = 0
  while (tail < most - head && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail++
  const context = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
  return [
    ...context(from.slice(Math.max(0, head - linesAround), head)),
    ...from.slice(head, from.length - tail).map((line) => `- ${line}`),
    ...to.slice(head, to.length - tail).map((line) => `+ ${line}`),
    ...context(from.slice(from.length - tail, from.length - tail + linesAround)),
  ]
}
