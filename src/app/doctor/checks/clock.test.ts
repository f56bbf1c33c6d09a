import { describe, expect, it } from 'vitest'
import { found, hourMs, useTestLarder } from '../../testing/doctored-larder.ts'
import { judgeOffset } from './clock.ts'

const start = useTestLarder()

describe('the clock', () => {
  it('was set back', async () => {
    const larder = await start()
    larder.clockOffsetMs = -hourMs
    expect((await found(larder, 'clock'))[0]).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('it was set back'),
    })
  })

  it('is ahead of the upstream', async () => {
    const larder = await start()
    larder.clockOffsetMs = 120_000
    const [finding] = await found(larder, 'clock')
    expect(finding).toMatchObject({
      severity: 'error',
      message: expect.stringMatching(/1(19|2[0-9]) s ahead of that of an upstream/),
    })
  })

  it.each<[number[], string | undefined]>([
    [[], undefined],
    [[0, 500, -900], undefined],
    [[-15_000], 'warning'],
    [[-70_000, -80_000], 'error'],
    [[59_000], undefined],
    [[61_000], 'warning'],
    [[90_000_000, 100, -200], undefined],
  ])('offsets of upstreams %j: %s', (offsets, severity) => {
    expect(judgeOffset(offsets).at(0)?.severity).toBe(severity)
  })
})
