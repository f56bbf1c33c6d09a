import { expect, it } from 'vitest'
import { Settling } from './settling.ts'

/** Works that are received at once, and end when they are told. */
function works(): { begin: (settling: Settling, sizeBytes: number) => Promise<void>; ends: (() => void)[] } {
  const ends: (() => void)[] = []
  const begin = (settling: Settling, sizeBytes: number): Promise<void> =>
    settling.begin(sizeBytes, (onReceived) => {
      onReceived()
      return new Promise((resolve) => ends.push(resolve))
    })
  return { begin, ends }
}

const mebibyte = 1024 * 1024

it.each([
  ['files', 0, 512],
  ['bytes', mebibyte, 16],
])('lets go on until too many %s are settling', async (_, sizeBytes, most) => {
  const settling = new Settling(1)
  const { begin, ends } = works()
  for (let count = 0; count < most; count++) await begin(settling, sizeBytes)
  let isLetIn = false
  const one = begin(settling, sizeBytes).then(() => (isLetIn = true))
  await new Promise(setImmediate)
  expect(isLetIn).toBe(false)
  ends[0]!()
  await one
  for (const end of ends) end()
  await settling.all()
})

it('lets large files in, so many at once as there are transfers', async () => {
  const settling = new Settling(3)
  const { begin, ends } = works()
  for (let count = 0; count < 3; count++) await begin(settling, 100 * mebibyte)
  expect(ends).toHaveLength(3)
  for (const end of ends) end()
})

it('ends with what fails, and waits for all', async () => {
  const settling = new Settling(1)
  await settling.begin(1, () => Promise.reject(new Error('failed')))
  const { begin, ends } = works()
  await begin(settling, 1)
  let isOver = false
  const all = settling.all().then(() => (isOver = true))
  await new Promise(setImmediate)
  expect(isOver).toBe(false)
  ends[0]!()
  await all
})
