import { expect, it } from 'vitest'
import { type Entry, namesOf, universeOf, type UpstreamOf } from '../../../test/fixtures/universe-of.ts'
import { type ClosureRequest, type ListedForClosure, resolveClosure } from '../closure.ts'
import { proveInstallable } from '../installability.ts'

export const list = (...names: (string | Partial<ListedForClosure>)[]): ListedForClosure[] =>
  names.map((entry) => ({ exclude: [], name: '', ...(typeof entry === 'string' ? { name: entry } : entry) }))

export interface ClosureCase {
  title: string
  upstreams: readonly (UpstreamOf | readonly Entry[])[]
  architectures?: readonly string[]
  request: ClosureRequest
  expected: readonly string[]
}

/** A test of each: what is taken can be installed, and is the same in whatever order it was listed. */
export function testClosures(cases: readonly ClosureCase[]): void {
  it.each(cases)('$title', async ({ upstreams, architectures, request, expected }) => {
    const universe = await universeOf(upstreams, architectures)
    const closure = resolveClosure(universe, request)
    expect(namesOf(universe, closure.rows)).toEqual(expected)
    expect(proveInstallable(universe, closure.worlds)).toEqual([])
    const listed = [...request.listed].reverse()
    expect(Array.from(resolveClosure(universe, { ...request, listed }).rows)).toEqual(Array.from(closure.rows))
  })
}
