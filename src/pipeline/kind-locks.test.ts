import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KindLocks } from './kind-locks.ts'

const signal = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what shares no kind goes on side by side; what does waits, in the order of asking, and is told for whom', async () => {
  const locks = new KindLocks()
  const granted: number[] = []
  const told: (readonly number[])[] = []
  const ask = async (run: number, ...sections: string[]): Promise<() => void> => {
    const release = await locks.hold(run, sections, { signal, onWait: (runs) => told.push(runs) })
    granted.push(run)
    return release
  }
  const first = await ask(1, 'mirrors', 'machines')
  const second = await ask(2, 'images')
  const third = ask(3, 'machines', 'images')
  const fourth = ask(4, 'mirrors')
  await ask(5, 'network')
  expect([granted, told]).toEqual([
    [1, 2, 5],
    [[1, 2], [1]],
  ])
  first()
  await turn()
  expect(granted).toEqual([1, 2, 5, 4])
  first()
  second()
  ;(await third)()
  ;(await fourth)()
  expect(granted).toEqual([1, 2, 5, 4, 3])
})

test('who gives up neither waits nor keeps anybody waiting', async () => {
  const locks = new KindLocks()
  const release = await locks.hold(1, ['images'], { signal })
  const impatient = new AbortController()
  const second = locks.hold(2, ['images', 'mirrors'], { signal: impatient.signal })
  const third = locks.hold(3, ['mirrors'], { signal })
  impatient.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  ;(await third)()
  release()
  await expect(locks.hold(4, ['images'], { signal: impatient.signal })).rejects.toThrow('enough')
  ;(await locks.hold(5, ['images', 'mirrors'], { signal }))()
})

const sections = fc.subarray(['mirrors', 'images', 'machines', 'network'])
const step = fc.oneof(
  fc.record({ do: fc.constant('hold' as const), sections }),
  fc.record({ do: fc.constant('release' as const), which: fc.nat() }),
  fc.record({ do: fc.constant('giveUp' as const), which: fc.nat() }),
)

test('never two runs on one kind, and none is forgotten, whatever is asked for, given back and given up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const locks = new KindLocks()
      const waiting = new Map<number, { sections: readonly string[]; abort: AbortController }>()
      const working = new Map<number, { sections: readonly string[]; release: () => void }>()
      const begin = (run: number, wanted: readonly string[]): void => {
        const abort = new AbortController()
        waiting.set(run, { sections: wanted, abort })
        const taken = locks.hold(run, wanted, { signal: abort.signal })
        taken.then(
          (release) => {
            waiting.delete(run)
            working.set(run, { sections: wanted, release })
          },
          () => waiting.delete(run),
        )
      }
      const end = (which: number): void => {
        const [run, { release }] = [...working][which % working.size] as [number, { release: () => void }]
        working.delete(run)
        release()
      }
      for (const [run, one] of steps.entries()) {
        if (one.do === 'hold') begin(run, one.sections)
        else if (one.do === 'release' && working.size > 0) end(one.which)
        else if (one.do === 'giveUp' && waiting.size > 0) [...waiting.values()][one.which % waiting.size]?.abort.abort()
        await turn()
        const held = [...working.values()].flatMap((hold) => hold.sections)
        expect(new Set(held).size).toBe(held.length)
      }
      for (let left = working.size + waiting.size; left > 0; left--) {
        expect(working.size).toBeGreaterThan(0)
        end(0)
        await turn()
      }
      expect([waiting.size, working.size]).toEqual([0, 0])
    }),
    { numRuns: 200 },
  )
})
