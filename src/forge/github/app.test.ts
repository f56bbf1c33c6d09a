import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ForgeApi } from '../forge.ts'
import { marker, statusOf, useStandIn } from '../testing/opened-forge.ts'

const { signal } = new AbortController()
const forge = useStandIn()

describe('an App of GitHub', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateKey = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const credentials = { kind: 'app', appId: '77', installationId: '9', privateKey } as const
  const openApp = (key = privateKey): Promise<ForgeApi> =>
    forge.open('github', {
      credentials: { ...credentials, privateKey: key },
      app: { id: '77', installation: '9', publicKey },
    })

  it('makes one check run with all annotations, in batches, and ends it with the last', async () => {
    const api = await openApp()
    const commit = await forge.withPull()
    await api.setStatus(statusOf(commit, { state: 'pending', title: 'is planned' }), signal)
    const annotations = Array.from({ length: 120 }, (_, index) => ({
      path: 'packages.json',
      line: index + 1,
      column: 2,
      severity: 'error' as const,
      message: `no package ${index}`,
    }))
    const end = statusOf(commit, { state: 'failure', annotations, summary: '€'.repeat(40_000) })
    await api.setStatus(end, signal)
    expect(forge.world().server.faults).toEqual([])
    expect(forge.world().world.checkRuns).toHaveLength(1)
    expect(forge.world().world.checkRuns[0]).toMatchObject({ status: 'completed', conclusion: 'failure', commit })
    expect(forge.world().world.checkRuns[0]?.annotations).toHaveLength(120)
    const sent = forge.world().server.requests.filter(({ path }) => path.includes('/check-runs') && !path.includes('?'))
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
  })

  it('tells what is planned again anew', async () => {
    const api = await openApp()
    const commit = await forge.withPull()
    await api.setStatus(statusOf(commit), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'failure' }), signal)
    expect(forge.world().world.checkRuns.map(({ conclusion }) => conclusion)).toEqual(['success', 'failure'])
  })

  it('signs in once for many requests', async () => {
    const api = await openApp()
    await forge.withPull()
    await api.openPullRequests(signal)
    await api.setComment({ pullRequest: 1, marker, text: marker }, signal)
    await api.setComment({ pullRequest: 1, marker, text: `${marker}!` }, signal)
    expect(forge.world().world.comments.map(({ text }) => text)).toEqual([`${marker}!`])
    expect(forge.world().server.requests.filter(({ path }) => path.includes('access_tokens'))).toHaveLength(1)
    expect(forge.world().server.faults).toEqual([])
  })

  it.each([
    ['a day ahead', 24 * 3600_000, 2],
    ['an hour behind', -3600_000, 2],
    ['20 s ahead, as clocks are', 20_000, 1],
    ['a minute behind', -60_000, 1],
  ])('signs in though the clock is %s', async (_how, offsetMs, times) => {
    const app = { id: '77', installation: '9', publicKey }
    const api = await forge.open('github', { credentials, app, now: () => new Date(Date.now() + offsetMs) })
    await forge.withPull()
    expect(await api.openPullRequests(signal)).toHaveLength(1)
    await api.openPullRequests(signal)
    const signIns = forge.world().server.requests.filter(({ path }) => path.includes('access_tokens'))
    expect(signIns).toHaveLength(times)
  })

  it('says what is wrong with the key, and when GitHub is down', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const wrong = await openApp(other.export({ type: 'pkcs8', format: 'pem' }).toString())
    await expect(wrong.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    await forge.world()[Symbol.asyncDispose]()
    const none = await openApp('no key')
    await expect(none.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    await forge.world()[Symbol.asyncDispose]()
    const down = await openApp()
    forge.world().server.outage = { status: 503 }
    await expect(down.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })
})
