import { plainText } from '../../core/index.ts'
import type { AppliedEntry } from './host-plan.ts'

const mostOfChanged = 20
const mostOfOthers = 200
const longestLine = 1000

/** What a resource has printed, and then what became of it, for the log of a run; nothing for what was as declared. */
export function entryLines({ id, outcome, why, log }: AppliedEntry): string[] {
  if (outcome === 'ok') return []
  const lines = saidOnce(log)
  const shown = lines.slice(outcome === 'changed' ? -mostOfChanged : -mostOfOthers)
  const left = lines.length - shown.length
  const said = [...(left > 0 ? [`… ${left} lines before`] : []), ...shown]
  const end = `${id}: ${outcome}${why === undefined ? '' : `, ${why}`}`
  return [...said.map((line) => `${id} | ${line}`), end]
}

/** Who is asked again and again, until something is ready, says the same line, or the same two, again and again. */
function saidOnce(log: string): string[] {
  const lines = log.split('\n').map((line) => plainText(line).trimEnd().slice(0, longestLine))
  const said = lines.filter((line) => line !== '')
  return said.filter((line, at) => line !== said[at - 1] && line !== said[at - 2])
}
