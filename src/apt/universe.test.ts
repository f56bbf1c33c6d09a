import { expect, it } from 'vitest'
import { universeOf } from '../../test/fixtures/universe-of.ts'
import { RelationField } from './table/table-layout.ts'
import type { Universe } from './universe.ts'

function clausesOf(universe: Universe, row: number, field: number): string[] {
  const first = universe.relationsAt(row)
  const { relation, relationBounds } = universe
  const found = relation.subarray(relationBounds[first + field], relationBounds[first + field + 1])
  return Array.from(found, (clause) => universe.clauseText(clause))
}

it('reads relations when they are asked for, of several indices alike', async () => {
  const universe = await universeOf([
    [['a 1', { 'Pre-Depends': 'p', Depends: 'b (>= 1) ,\n c | d,', Conflicts: 'x', Breaks: 'y (<< 2)' }], ['b 1']],
    [['a 2', { Depends: 'b (>= 1)', Recommends: 'e, , f' }]],
  ])
  expect(universe.clauseCount).toBe(0)
  const [newer, older] = Array.from(universe.rowsNamed('a')) as [number, number]
  expect(clausesOf(universe, newer, RelationField.depends)).toEqual(['b (>= 1)'])
  expect(clausesOf(universe, newer, RelationField.recommends)).toEqual(['e', 'f'])
  const known = universe.clauseCount
  expect(known).toBe(3)
  const fields = [0, 1, 2, 3, 4].map((field) => clausesOf(universe, older, field))
  expect(fields).toEqual([['p'], ['b (>= 1)', 'c | d'], [], ['x'], ['y (<< 2)']])
  // What both need is one clause.
  expect(universe.clauseCount).toBe(known + 4)
  expect(clausesOf(universe, universe.rowsNamed('b')[0]!, RelationField.depends)).toEqual([])
})

it('reads thousands of relations', async () => {
  const names = Array.from({ length: 5000 }, (_, at) => `p${at}`)
  const universe = await universeOf([
    names.map((name, at) => [`${name} 1`, { Depends: `${names[at - 1] ?? 'p'}, q${at}` }]),
  ])
  for (const [at, name] of names.entries()) {
    const [row] = universe.rowsNamed(name)
    expect(clausesOf(universe, row!, RelationField.depends)).toEqual([names[at - 1] ?? 'p', `q${at}`])
  }
})

it.each(['nginy', 'ngin', 'Ċginx', '', 'n'.repeat(600)])('has no package %j', async (name) => {
  const universe = await universeOf([[['nginx 1', { Provides: 'httpd (= 2), web' }]]])
  expect([universe.rowsNamed(name).length, universe.providersOf(name).length]).toEqual([0, 0])
  expect([universe.rowsNamed('nginx').length, universe.providersOf('httpd').length]).toEqual([1, 2])
  expect(universe.providedBy(universe.providersOf('httpd')[1]!)).toEqual({ name: 'httpd', version: '2' })
  expect(universe.providedBy(universe.providersOf('web')[1]!)).toEqual({ name: 'web' })
})
