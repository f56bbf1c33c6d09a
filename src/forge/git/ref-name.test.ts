import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkBranchName, checkObjectId, checkRefName } from './ref-name.ts'

test.each(['refs/heads/main', 'refs/heads/topic/ü', 'refs/tags/v1.0', 'refs/heads/-x'])('%s is a ref', (ref) => {
  expect(checkRefName(ref)).toBe(ref)
})

test.each([
  'main',
  '-x',
  'refs/heads/a..b',
  'refs/heads/',
  'refs/heads/a b',
  'refs/heads/a\n',
  'refs/heads/.a',
  'refs/heads/a.lock',
  'refs/heads/a.lock/b',
  'refs//a',
  'refs/heads/a~1',
  'refs/heads/@{1}',
  'refs/heads/a.',
  'refs/heads/a:b',
  'refs/heads/*',
  '',
])('%j is no ref', (ref) => {
  expect(() => checkRefName(ref)).toThrow(expect.objectContaining({ code: 'GIT_REF_REFUSED' }))
})

test('what is accepted, git accepts', () => {
  const name = fc.stringMatching(/^[a-z.@{}~^:?*[\\/ -]{1,12}$/)
  fc.assert(
    fc.property(name, (text) => {
      try {
        checkBranchName(text)
      } catch {
        return
      }
      execFileSync('git', ['check-ref-format', `refs/heads/${text}`])
    }),
    { numRuns: 100 },
  )
})

test.each(['', 'main', '1'.repeat(39), '1'.repeat(41), 'A'.repeat(40), '-'.repeat(40)])('%j is no commit', (id) => {
  expect(() => checkObjectId(id)).toThrow(expect.objectContaining({ code: 'GIT_REF_REFUSED' }))
})
