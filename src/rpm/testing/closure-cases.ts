import { expect, it } from 'vitest'
import { isLarderError, type Problem } from '../../core/index.ts'
import { type Closure, type ClosureRequest, type ListedForClosure, resolveClosure } from '../closure.ts'
import { proveInstallable } from '../installability.ts'
import type { Universe } from '../universe.ts'
import { type Entry, rpmUniverseOf } from './rows-of.ts'

export const list = (...names: (string | Partial<ListedForClosure>)[]): ListedForClosure[] =>
  names.map((entry) => ({ exclude: [], name: '', ...(typeof entry === 'string' ? { name: entry } : entry) }))

export const namesOf = (universe: Universe, { rows }: Closure): string[] =>
  Array.from(rows, (row) => {
    const architecture = universe.architecture(row)
    return `${universe.name(row)} ${universe.version(row)}${architecture === 'x86_64' ? '' : ` ${architecture}`}`
  })

export interface ClosureCase {
  title: string
  upstreams: readonly (readonly Entry[])[]
  architectures?: readonly string[]
  request: ClosureRequest
  expected: readonly string[]
  notes?: readonly string[]
}

/** A test of each: what is taken can be installed, has a reason, and is the same in whatever order it was listed. */
export function testClosures(cases: readonly ClosureCase[]): void {
  it.each(cases)('$title', ({ upstreams, architectures, request, expected, notes }) => {
    const universe = rpmUniverseOf(upstreams, architectures)
    const closure = resolveClosure(universe, request)
    expect(namesOf(universe, closure)).toEqual(expected)
    if (notes !== undefined) expect(closure.notes).toEqual(notes)
    expect(proveInstallable(universe, closure.rows)).toEqual([])
    const reversed = resolveClosure(universe, { ...request, listed: [...request.listed].reverse() })
    expect(Array.from(reversed.rows)).toEqual(Array.from(closure.rows))
    expect(reversed.notes).toEqual(closure.notes)
    for (const row of closure.rows) expect(closure.reason(row)).toBeTruthy()
  })
}

/** Why a request is refused; none when it is not. */
export function problemsOf(universe: Universe, request: ClosureRequest): string[] {
  try {
    resolveClosure(universe, request)
  } catch (error) {
    if (isLarderError(error)) return (error.context['problems'] as Problem[]).map(({ message }) => message)
    throw error
  }
  return []
}
