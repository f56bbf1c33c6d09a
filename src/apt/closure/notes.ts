import { noteDisagreements } from '../../mirror/index.ts'
import type { Universe } from '../universe.ts'
import { describeBarred, describeObstacle } from '../explain.ts'
import { heldRows } from './reasons.ts'
import type { Decision } from './selection.ts'
import type { WorldClosure } from './world-closure.ts'

/** What a person should know about a closure, in the order of the architectures. */
export function noteChoices(universe: Universe, worlds: readonly WorldClosure[], rows: Uint32Array): string[] {
  const notes = new Set(noteDisagreements(universe, rows))
  for (const closure of worlds) for (const note of notesOf(closure)) notes.add(note)
  return [...notes]
}

function* notesOf(closure: WorldClosure): Generator<string> {
  const { world, rows, lowered, unmet, conflicting } = closure
  const { universe } = world
  const isHeld = heldRows(closure)
  for (const { root, taken, wanted, obstacle } of lowered) {
    const why =
      obstacle === undefined ? describeBarred(closure, root.profile, wanted) : describeObstacle(world, obstacle)
    const name = root.listed?.name ?? universe.name(taken)
    yield `${name}: ${universe.version(taken)} is taken in place of ${universe.version(wanted)}: ${why}`
  }
  for (const decision of closure.decisions) {
    const note =
      isHeld[decision.row] === 1 && isHeld[decision.chosen] === 1 ? noteDecision(closure, decision) : undefined
    if (note !== undefined) yield note
  }
  for (const { row, clause } of unmet)
    if (isHeld[row] === 1)
      yield `${universe.name(row)} recommends ${universe.clauseText(clause)}: nothing can satisfy it`
  for (const { row, askedBy } of conflicting)
    if (isHeld[askedBy] === 1)
      yield `${universe.name(askedBy)} recommends ${universe.name(row)}, which cannot be installed`
  for (const row of rows)
    if (!world.isNative(row)) yield `${universe.describe(row)} is taken for ${world.native}, which has none of its own`
}

/** Nothing where the first alternative is a package and was taken: that is what the packager meant. */
function noteDecision({ world }: WorldClosure, { row, clause, chosen }: Decision): string | undefined {
  const { universe } = world
  const name = universe.name(chosen)
  if (universe.atomsOf(clause)?.[0]?.name === name) return undefined
  const names = new Set(Array.from(world.satisfiers(clause, row), (other) => universe.name(other)))
  names.delete(name)
  const others = [...names].slice(0, 3).join(', ') + (names.size > 3 ? ` or ${names.size - 3} more` : '')
  return `${universe.name(row)} needs ${universe.clauseText(clause)}: ${name} is taken; ${others} would do if listed`
}
