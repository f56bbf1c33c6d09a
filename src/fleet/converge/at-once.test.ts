import { expect, it } from 'vitest'
import { atOnce } from './at-once.ts'

it('never runs more at once than are allowed, in their order, and goes on after one that fails', async () => {
  const inTurn = atOnce(2)
  let running = 0
  let most = 0
  const begun: number[] = []
  const work = Array.from({ length: 7 }, (_, index) =>
    inTurn(async () => {
      begun.push(index)
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, index % 3))
      running--
      if (index === 2) throw new Error('no luck')
      return index
    }),
  )
  const results = await Promise.allSettled(work)
  expect(most).toBe(2)
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(results.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1)
})
