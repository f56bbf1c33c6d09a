import type { Expression, RichExpression } from '../relation.ts'
import { isRich, type Capability } from '../relation.ts'

/**
 * One of the conditions that a rich dependency comes down to, all of which must hold. This one holds when one of
 * `rows` is there, or one of `absent` is not, or when all of one of `nested` hold.
 */
export interface Condition {
  /** The preferred first. */
  rows: readonly number[]
  absent: readonly number[]
  nested: readonly (readonly Condition[])[]
}

/** Which rows have a capability, the preferred first. */
export type RowsOf = (capability: Capability) => readonly number[]

/**
 * What a dependency asks of a set of packages, as conditions over rows (a conjunctive normal form; what would have to
 * be multiplied out is nested). `isWanted`: false for what must not hold, as in Conflicts.
 *
 * `A if B` is A or not B; `A if B else C` is that, and C or B. `A unless B` is A and not B; with `else C`, or C and B.
 * `with` and `without` choose among the packages that have their first operand. Source: rpm-dependencies(7).
 */
export function conditionsOf(expression: Expression, isWanted: boolean, rowsOf: RowsOf): Condition[] {
  if (!isRich(expression)) return conditionsOfRows(rowsOf(expression), isWanted)
  const { operator, operands, otherwise } = expression
  if (operator === 'with' || operator === 'without') return conditionsOfRows(rowsOfOne(expression, rowsOf), isWanted)
  const of = (operand: Expression, isAffirmed: boolean): Condition[] =>
    conditionsOf(operand, isAffirmed === isWanted, rowsOf)
  const [all, any] = isWanted ? [allOf, anyOf] : [anyOf, allOf]
  const [first, second] = [operands[0]!, operands[1]!]
  if (operator === 'and') return all(operands.map((operand) => of(operand, true)))
  if (operator === 'or') return any(operands.map((operand) => of(operand, true)))
  const [main, other] = operator === 'if' ? [any, all] : [all, any]
  const chosen = main([of(first, true), of(second, false)])
  if (otherwise === undefined) return chosen
  return other([chosen, main([of(otherwise, true), of(second, true)])])
}

/** Whether the conditions hold of a set. */
export function holds(conditions: readonly Condition[], isThere: (row: number) => boolean): boolean {
  return conditions.every(
    ({ rows, absent, nested }) =>
      rows.some(isThere) || absent.some((row) => !isThere(row)) || nested.some((inner) => holds(inner, isThere)),
  )
}

/** Rows that alone have what `with` and `without` ask for. */
function rowsOfOne(expression: Expression, rowsOf: RowsOf): readonly number[] {
  if (!isRich(expression)) return rowsOf(expression)
  const [first, ...others] = expression.operands.map((operand) => rowsOfOne(operand, rowsOf))
  return combine(expression, first!, others)
}

function combine(
  { operator }: RichExpression,
  first: readonly number[],
  others: readonly (readonly number[])[],
): number[] {
  if (operator === 'or') return [...new Set([first, ...others].flat())]
  const sets = others.map((rows) => new Set(rows))
  if (operator === 'without') return first.filter((row) => !sets.some((set) => set.has(row)))
  return first.filter((row) => sets.every((set) => set.has(row)))
}

function conditionsOfRows(rows: readonly number[], isWanted: boolean): Condition[] {
  if (isWanted) return [{ rows, absent: [], nested: [] }]
  return rows.map((row) => ({ rows: [], absent: [row], nested: [] }))
}

function allOf(parts: readonly Condition[][]): Condition[] {
  return parts.flat()
}

function anyOf(parts: readonly Condition[][]): Condition[] {
  // Of no conditions at all, all hold.
  if (parts.some((part) => part.length === 0)) return []
  const several = parts.filter((part) => part.length > 1)
  const base = parts.flatMap((part) => (part.length === 1 ? part : []))
  const isSpread = several.length === 1 && several[0]!.length * sizeOf(base) <= maxSpread
  const joined = join(isSpread ? base : [...base, { rows: [], absent: [], nested: several }])
  return isSpread ? several[0]!.map((condition) => join([joined, condition])) : [joined]
}

/** Above this many rows, conditions are nested rather than multiplied out. */
const maxSpread = 1000

function sizeOf(conditions: readonly Condition[]): number {
  return conditions.reduce((sum, { rows, absent, nested }) => sum + rows.length + absent.length + nested.length, 0)
}

function join(conditions: readonly Condition[]): Condition {
  return {
    rows: [...new Set(conditions.flatMap(({ rows }) => rows))],
    absent: [...new Set(conditions.flatMap(({ absent }) => absent))],
    nested: conditions.flatMap(({ nested }) => nested),
  }
}
