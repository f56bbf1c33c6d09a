import { describe, expect, it } from 'vitest'
import { makeSigner } from '../../../../test/fixtures/upstream/index.ts'
import { found, hourMs, useTestLarder } from '../../testing/doctored-larder.ts'
import { judgeUpstream } from './upstreams.ts'

const start = useTestLarder()

describe('upstreams', () => {
  it('one that is gone, with the age of what was good', async () => {
    const larder = await start()
    larder.upstream.fault(/InRelease|Release/, { kind: 'vanish' })
    const [finding] = await found(larder, 'upstreams')
    expect(finding).toMatchObject({ severity: 'error', subject: 'upstream test' })
    expect(finding?.message).toMatch(/\[APT_RELEASE_MISSING\] It was good \d+ minutes ago/)
  })

  it('one that a stranger has signed', async () => {
    const larder = await start()
    Object.assign(larder.upstream.suite('stable'), { signers: [await makeSigner()] })
    await larder.upstream.publish()
    expect((await found(larder, 'upstreams'))[0]?.message).toContain('SIGNATURE_UNTRUSTED')
  })

  it('one that expires soon, then has expired', async () => {
    const larder = await start({ suite: { validUntil: new Date(Date.now() + 5 * hourMs) } })
    expect((await found(larder, 'upstreams'))[0]).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(/expires at/),
    })
    larder.clockOffsetMs = 6 * hourMs
    expect((await found(larder, 'upstreams'))[0]?.message).toContain('APT_RELEASE_EXPIRED')
  })

  it('one that is not verified', () => {
    const upstream = {
      upstream: 'test',
      part: 'suite stable',
      addresses: [],
      madeAt: new Date(),
      validUntil: undefined,
    }
    expect(judgeUpstream({ ...upstream, notes: ['upstream test: NOT VERIFIED, since …'] }, new Date())).toHaveLength(1)
    expect(judgeUpstream({ ...upstream, notes: ['upstream test: has no main'] }, new Date())).toEqual([])
  })
})
