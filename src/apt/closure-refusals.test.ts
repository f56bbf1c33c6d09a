import { describe, expect, it } from 'vitest'
import { type Entry, universeOf } from '../../test/fixtures/universe-of.ts'
import { isLarderError, type Problem } from '../core/index.ts'
import { type Closure, resolveClosure } from './closure.ts'
import { list } from './testing/closure-cases.ts'

describe('what cannot be satisfied', () => {
  const entries: Entry[] = [
    ['nginx 1.22', { Depends: 'nginx-core (= 1.22)' }],
    ['nginx-core 1.22', { Depends: 'libc6, libssl3 (>= 3.0.9)' }],
    ['libssl3 3.0.8'],
    ['libc6 1'],
    ['exim 1', { Provides: 'mta', Conflicts: 'mta' }],
    ['postfix 1', { Provides: 'mta', Conflicts: 'mta' }],
    ['both 1', { Depends: 'exim, chain' }],
    ['chain 1', { Depends: 'postfix (>= 1)' }],
    ['twice 1', { Depends: 'libc6 (= 1), libc6 (= 2)' }],
    ['libc6 2'],
    ['alt 1', { Depends: 'gone1 | gone2 (>= 2)' }],
    ['gone2 1'],
    ['loop1 1', { Depends: 'loop2' }],
    ['loop2 1', { Depends: 'loop1, gone' }],
    ['needs-mta 1', { Depends: 'mta (>= 2)' }],
    ['malformed 1', { Depends: 'libc6 (>= )' }],
    ['evil 1', { Filename: '../../evil.deb' }],
    ['needs-evil 1', { Depends: 'evil' }],
    ['any 1', { Depends: 'libc6:any' }],
  ]
  const problemsOf = (run: () => Closure): Problem[] => {
    try {
      run()
    } catch (error) {
      if (isLarderError(error, 'PACKAGE_UNKNOWN', 'CLOSURE_UNSATISFIABLE'))
        return error.context['problems'] as Problem[]
      throw error
    }
    return []
  }
  const refused = 'its entry in upstream up0 (line 175) is refused: its Filename leads out of the repository'

  it.each([
    ['nginx', 'listed nginx → nginx-core (= 1.22) → libssl3 (>= 3.0.9): only 3.0.8 in upstream up0'],
    ['both', 'listed both → chain → postfix (>= 1), but both → exim: postfix Conflicts mta, and exim 1 is that'],
    ['twice', 'listed twice → libc6 (= 1) and twice → libc6 (= 2): two versions of one package'],
    ['alt', 'listed alt → gone1 | gone2 (>= 2): gone1: no upstream has it; gone2 (>= 2): only 1 in upstream up0'],
    ['loop1', 'listed loop1 → loop2 → gone: no upstream has it'],
    ['needs-mta', 'listed needs-mta → mta (>= 2): only provided without a fitting version, by exim, postfix'],
    ['malformed', 'listed malformed → libc6 (>= ): malformed, so nothing satisfies it'],
    ['needs-evil', `listed needs-evil → evil: ${refused}`],
    ['any', 'listed any → libc6:any: only 2 in upstream up0, 1 in upstream up0, not Multi-Arch: allowed'],
    ['evil', `evil cannot be used: ${refused}`],
    ['mta', 'mta is virtual, provided by exim, postfix: list one of them'],
    ['ngnix', 'no upstream has a package ngnix'],
  ])('%s: %s', async (name, message) => {
    const universe = await universeOf([entries])
    expect(
      problemsOf(() => resolveClosure(universe, { listed: list(name) })).map((problem) => problem.message),
    ).toEqual([message])
  })

  it('names what a constraint leaves', async () => {
    const universe = await universeOf([entries])
    const listed = list({ name: 'nginx', constraint: { operator: '>>', version: '2' } })
    const [problem] = problemsOf(() => resolveClosure(universe, { listed }))
    expect(problem?.message).toBe('no upstream has nginx (>> 2): only 1.22 in upstream up0')
  })

  it.each(['viewer', 'doc'])('refuses %s for an architecture that the mirror does not carry', async (name) => {
    const universe = await universeOf([[['viewer 1'], ['doc 1', { Architecture: 'all' }]]])
    const [problem] = problemsOf(() => resolveClosure(universe, { listed: list({ name, architecture: 'arm64' }) }))
    expect(problem?.message).toBe(`${name} is listed for arm64, but the mirror is for amd64`)
  })

  it('tells what an exclusion takes away', async () => {
    const universe = await universeOf([entries])
    const listed = list({ name: 'chain', exclude: ['postfix'] })
    expect(problemsOf(() => resolveClosure(universe, { listed })).map(({ message }) => message)).toEqual([
      'listed chain → postfix (>= 1): excluded',
    ])
  })

  it('reports everything at once, in the order of the list, with a suggestion', async () => {
    const universe = await universeOf([entries])
    const at = (line: number): { file: string; line: number; column: number } => ({
      file: 'packages.json',
      line,
      column: 3,
    })
    const listed = list(
      { name: 'twice', position: at(4) },
      { name: 'ngnix', position: at(2) },
      { name: 'libc6', position: at(3) },
    )
    const run = (): Closure => resolveClosure(universe, { listed })
    expect(problemsOf(run)).toEqual([
      { severity: 'error', ...at(2), message: 'no upstream has a package ngnix', suggestion: 'nginx' },
      { severity: 'error', ...at(4), message: expect.stringContaining('two versions') },
    ])
    expect(run).toThrow(expect.objectContaining({ code: 'PACKAGE_UNKNOWN', exitCode: 3 }))
    expect(() => resolveClosure(universe, { listed: list('twice') })).toThrow(
      expect.objectContaining({ code: 'CLOSURE_UNSATISFIABLE' }),
    )
  })

  it('finds a missing end after a long chain, quickly', async () => {
    const long: Entry[] = Array.from({ length: 3000 }, (_, i) => [`c${i} 1`, { Depends: `c${i + 1}` }])
    const universe = await universeOf([long])
    const [problem] = problemsOf(() => resolveClosure(universe, { listed: list('c0') }))
    expect(problem?.message).toBe(
      'listed c0 → c1 → c2 → c3 → … 2994 more … → c2998 → c2999 → c3000: no upstream has it',
    )
  })
})
