import { noteDisagreements } from '../../mirror/index.ts'
import { describeObstacle, obstaclesOf } from '../explain.ts'
import { isRich } from '../relation.ts'
import type { Universe } from '../universe.ts'
import { heldRows } from './reasons.ts'
import type { Decision } from './solver.ts'
import type { WorldClosure } from './world-closure.ts'

/** What a person should know about a closure, in the order of the machines. */
export function noteChoices(universe: Universe, worlds: readonly WorldClosure[], rows: Uint32Array): string[] {
  const notes = new Set(noteDisagreements(universe, rows))
  for (const closure of worlds) for (const note of notesOf(closure)) notes.add(note)
  return [...notes]
}

function* notesOf(closure: WorldClosure): Generator<string> {
  const { universe } = closure.world
  const isHeld = heldRows(closure)
  yield* noteLowered(closure)
  yield* noteCapabilities(closure)
  for (const decision of closure.decisions) {
    const note =
      isHeld[decision.row] === 1 && isHeld[decision.chosen] === 1 ? noteDecision(closure, decision) : undefined
    if (note !== undefined) yield note
  }
  for (const { row, clause } of closure.unmet)
    yield `${universe.name(row)} recommends ${universe.clauseText(clause)}: nothing can satisfy it`
  for (const root of closure.leftOut) {
    if (isHeld[root.row] === 1) continue
    if ('because' in root) yield `${universe.describe(root.row)} (${root.because}) cannot be installed, and is left out`
    else {
      const verb = root.field === 'Recommends' ? 'recommends' : 'is supplemented by'
      yield `${universe.name(root.askedBy)} ${verb} ${universe.name(root.row)}, which cannot be installed`
    }
  }
  yield* noteModules(closure, isHeld)
}

function* noteLowered(closure: WorldClosure): Generator<string> {
  const { world, lowered } = closure
  const { universe } = world
  const obstacles = obstaclesOf(closure, lowered)
  for (const { root, profile, taken, wanted } of lowered) {
    const why = describeObstacle(world, {
      row: wanted,
      obstacle: obstacles.get(profile.key)!.of(wanted),
      filter: closure.filter,
    })
    const isSame =
      universe.nameOf[taken] === universe.nameOf[wanted] && universe.version(taken) !== universe.version(wanted)
    const [got, asked] = isSame
      ? [universe.version(taken), universe.version(wanted)]
      : [universe.describe(taken), universe.describe(wanted)]
    yield `${root.listed.name}: ${got} is taken in place of ${asked}: ${why}`
  }
}

/** Where the list names what several packages provide. */
function* noteCapabilities({ world, roots }: WorldClosure): Generator<string> {
  const { universe } = world
  for (const { row, root } of roots) {
    const name = universe.name(row)
    if (name === root.listed.name) continue
    const others = others3(
      root.candidates.map((other) => universe.name(other)),
      name,
    )
    const rest = others === '' ? '' : `; ${others} would do if listed`
    yield `${root.listed.name} is no package: ${name} is taken, which provides it${rest}`
  }
}

/** Nothing where a package has the name of the dependency and was taken: that is what the packager meant. */
function noteDecision({ world }: WorldClosure, { row, clause, chosen }: Decision): string | undefined {
  const { universe } = world
  const name = universe.name(chosen)
  const expression = universe.expressionOf(clause)
  if (expression !== undefined && !isRich(expression) && expression.name === name) return undefined
  const others = others3(
    world.satisfiers(clause).map((other) => universe.name(other)),
    name,
  )
  if (others === '') return undefined
  return `${universe.name(row)} needs ${universe.clauseText(clause)}: ${name} is taken; ${others} would do if listed`
}

function others3(names: readonly string[], taken: string): string {
  const others = new Set(names)
  others.delete(taken)
  return [...others].slice(0, 3).join(', ') + (others.size > 3 ? ` or ${others.size - 3} more` : '')
}

function* noteModules({ filter }: WorldClosure, isHeld: Uint8Array): Generator<string> {
  for (const { stream, rows, missing } of filter.active) {
    if (missing.length === 0 || !rows.some((row) => isHeld[row] === 1)) continue
    const shown = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '')
    yield `of the module ${stream}, no upstream has ${shown}`
  }
}
