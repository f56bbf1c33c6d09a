import { expect, it } from 'vitest'
import { systemClock } from '../core/index.ts'
import { openDatabase } from '../state/index.ts'
import { createRunLimits } from './run-limits.ts'

it('knows the machines of the newest 200 runs that are not about all, also of those that are made at once', async () => {
  const state = await openDatabase({ path: ':memory:', clock: systemClock })
  const limits = createRunLimits(state)
  expect(await limits.of('1')).toBeUndefined()
  await Promise.all(Array.from({ length: 201 }, (_, index) => limits.set(index + 1, [`web-${index + 1}`])))
  expect(await limits.of('1')).toBeUndefined()
  expect(await limits.of('2')).toEqual(['web-2'])
  expect(await createRunLimits(state).of('201')).toEqual(['web-201'])
  await state.close()
})
