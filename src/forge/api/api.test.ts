import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ForgeApi, ForgeName } from '../forge.ts'
import { forgeNamed } from '../forges.ts'
import { marker, statusOf, useStandIn } from '../testing/opened-forge.ts'

const { signal } = new AbortController()
const forge = useStandIn()

describe.each<ForgeName>(['github', 'gitlab', 'gitea'])('the API of %s', (name) => {
  let api: ForgeApi
  beforeEach(async () => {
    api = await forge.open(name)
  })
  afterEach(() => {
    if (forge.world().server.outage === undefined) expect(forge.world().server.faults).toEqual([])
  })

  it('lists open pull requests, and says which are from forks', async () => {
    const commit = await forge.withPull()
    await forge.world().push({ a: 'a' }, { branch: 'theirs', fork: 'stranger/site' })
    await forge.world().openPull({ branch: 'theirs', fork: 'stranger/site', author: 'stranger' })
    await forge.world().push({ b: 'b' }, { branch: 'gone' })
    await forge.world().openPull({ branch: 'gone' })
    await forge.world().close(3)
    const open = await api.openPullRequests(signal)
    expect(open.map(({ number, fromFork, author }) => [number, fromFork, author])).toEqual([
      [1, false, 'author'],
      [2, true, 'stranger'],
    ])
    expect(open[0]).toMatchObject({ headCommit: commit, head: 'add-nmap', base: 'main', title: 'Add nmap' })
    expect(open[0]?.updatedAt.getTime()).toBeGreaterThan(0)
  })

  it('reads all pages, be they smaller than asked for', async () => {
    await forge.withPull()
    forge.world().world.pageSize = 7
    const [first] = forge.world().world.pulls
    if (first === undefined) throw new Error('no pull request')
    for (let number = 2; number <= 22; number++) forge.world().world.pulls.push({ ...first, number })
    expect(await api.openPullRequests(signal)).toHaveLength(22)
  })

  it.each([
    ['maintainer', true],
    ['reader', false],
    ['nobody', false],
    ['../../x', false],
  ])('knows whether %s may approve', async (login, may) => {
    forge.world().world.collaborators.set('reader', 'read')
    expect(await api.mayApprove(login, signal)).toBe(may)
  })

  it('sets a status again and again', async () => {
    const commit = await forge.withPull()
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'success', title: 'ü'.repeat(500) }), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'failure' }), signal)
    const states = forge.world().world.statuses.map(({ state }) => state)
    const words =
      name === 'gitlab' ? ['running', 'success', 'running', 'failed'] : ['pending', 'success', 'pending', 'failure']
    expect(states).toEqual(words)
    expect(forge.world().world.statuses[0]).toMatchObject({
      name: 'larder',
      commit,
      url: 'http://larder.example.org/runs/1',
    })
  })

  it('keeps one comment up to date', async () => {
    await forge.withPull()
    await forge.world().comment(1, 'stranger', `${marker} mine`)
    const text = (words: string): string => `${marker}\n${words}`
    await api.setComment({ pullRequest: 1, marker, text: text('first') }, signal)
    await api.setComment({ pullRequest: 1, marker, text: text('second') }, signal)
    const before = forge.world().server.requests.length
    await api.setComment({ pullRequest: 1, marker, text: text('second') }, signal)
    expect(
      forge
        .world()
        .server.requests.slice(before)
        .map(({ method }) => method),
    ).toEqual(['GET'])
    expect(forge.world().world.comments.map(({ author, text: said }) => [author, said])).toEqual([
      ['stranger', `${marker} mine`],
      ['larder-bot', text('second')],
    ])
  })

  it('reads what everybody has said of one', async () => {
    await forge.withPull()
    await forge.world().push({ a: 'a' }, { branch: 'other' })
    await forge.world().openPull({ branch: 'other' })
    await forge.world().comment(1, 'stranger', 'why?')
    await forge.world().comment(2, 'stranger', 'elsewhere')
    await forge.world().comment(1, 'maintainer', '/larder ok 1a2b3c4')
    expect(await api.comments(1, signal)).toEqual([
      { by: 'stranger', text: 'why?' },
      { by: 'maintainer', text: '/larder ok 1a2b3c4' },
    ])
  })

  it.each([
    [{ status: 502 }, 'FORGE_UNREACHABLE', undefined],
    [{ status: 429, retryAfterSeconds: 17 }, 'FORGE_UNREACHABLE', 17_000],
    [{ status: 401 }, 'FORGE_REFUSED', undefined],
    [{ status: 302 }, 'FORGE_REFUSED', undefined],
    ['cut' as const, 'FORGE_UNREACHABLE', undefined],
  ])('tells an outage as what it is: %j', async (outage, code, retryAfterMs) => {
    forge.world().server.outage = outage
    const failure = api.openPullRequests(signal)
    await expect(failure).rejects.toMatchObject({ code })
    if (retryAfterMs !== undefined) await expect(failure).rejects.toMatchObject({ context: { retryAfterMs } })
  })
})

describe('GitLab', () => {
  it('takes a state that is under way once, and is asked no more of', async () => {
    const api = await forge.open('gitlab')
    const commit = await forge.withPull()
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    expect(forge.world().world.statuses).toHaveLength(1)
    expect(forge.world().server.faults).toHaveLength(1)
  })

  it('sets the state of a fork’s commit, which no branch of the project has', async () => {
    const api = await forge.open('gitlab')
    await forge.withPull()
    const commit = await forge.world().push({ a: 'a' }, { branch: 'theirs', fork: 'stranger/site' })
    await forge.world().openPull({ branch: 'theirs', fork: 'stranger/site' })
    await api.setStatus(statusOf(commit, { pullRequest: 2 }), signal)
    expect(forge.world().world.statuses).toMatchObject([{ commit, state: 'success' }])
    const refs = forge.world().server.requests.map(({ body }) => (body as { ref?: string }).ref)
    expect(refs).toEqual([undefined, 'refs/merge-requests/2/head'])
    await expect(api.setStatus(statusOf(commit), signal)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
  })

  it('leaves out a merge request that has no commit', async () => {
    const request = {
      title: 'x',
      source_branch: 'a',
      target_branch: 'main',
      target_project_id: 1,
      source_project_id: 1,
    }
    const [without, sha] = [null, 'a'.repeat(40)]
    const list = [
      { ...request, iid: 1, sha: without },
      { ...request, iid: 2 },
      { ...request, iid: 3, sha },
    ]
    const api = forgeNamed('gitlab').api({
      url: 'http://forge.example.org',
      repository: 'campus/site',
      credentials: undefined,
      send: () => Promise.resolve({ status: 200, headers: {}, text: JSON.stringify(list) }),
      now: () => new Date(),
    })
    expect(await api.openPullRequests(signal)).toMatchObject([{ number: 3, headCommit: sha }])
  })
})
