import { expect, it } from 'vitest'
import { refuseUninstallable } from './refuse-uninstallable.ts'

const broken = (count: number): { message: string }[] =>
  Array.from({ length: count }, (_, index) => ({ message: `p${index} cannot be installed because p${index} → q` }))

it('says nothing when all can be installed', () => {
  expect(() => refuseUninstallable([])).not.toThrow()
})

it.each([
  [1, /alone: p0 cannot be installed because p0 → q\.$/],
  [7, /p4 cannot be installed because p4 → q; and 2 more\.$/],
])('names the chains of %i packages, all of them in its context', (count, message) => {
  expect(() => refuseUninstallable(broken(count))).toThrow(
    expect.objectContaining({
      code: 'CLOSURE_UNSATISFIABLE',
      message: expect.stringMatching(message) as string,
      context: {
        problems: broken(count).map(({ message }) => ({
          severity: 'error',
          file: 'larder.yaml',
          line: 1,
          column: 1,
          message,
        })),
      },
    }) as Error,
  )
})
