import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommitStatus, ForgeApi, ForgeCredentials, ForgeName } from '../forge.ts'
import { forgeNamed } from '../forges.ts'
import { fetchSend } from '../testing/fetch-send.ts'
import { startStandIn, type StandInForge, type StandInOptions } from '../testing/stand-in-forge.ts'

const { signal } = new AbortController()
const marker = '<!-- larder -->'
let standIn: StandInForge | undefined

async function open(
  name: ForgeName,
  credentials?: ForgeCredentials,
  options?: StandInOptions & { now?: () => Date },
): Promise<ForgeApi> {
  standIn = await startStandIn(name, options)
  const { api: url, repository } = standIn.config
  const token: ForgeCredentials = { kind: 'token', token: standIn.token }
  const now = options?.now ?? (() => new Date())
  return forgeNamed(name).api({ url, repository, credentials: credentials ?? token, send: fetchSend, now })
}

function world(): StandInForge {
  if (standIn === undefined) throw new Error('there is no stand-in')
  return standIn
}

/** A main branch, and a pull request. */
async function withPull(): Promise<string> {
  await world().push({ 'larder.yaml': 'site: test\n' })
  await world().push({ 'packages.json': '["nmap"]\n' }, { branch: 'add-nmap' })
  return (await world().openPull({ branch: 'add-nmap', title: 'Add\nnmap' })).headCommit
}

const statusOf = (commit: string, more: Partial<CommitStatus> = {}): CommitStatus => ({
  commit,
  name: 'larder',
  state: 'success',
  title: '+1 package',
  summary: '**summary**',
  url: 'http://larder.example.org/runs/1',
  annotations: [],
  ...more,
})

afterEach(async () => {
  await standIn?.[Symbol.asyncDispose]()
  standIn = undefined
})

describe.each<ForgeName>(['github', 'gitlab', 'gitea'])('the API of %s', (name) => {
  let api: ForgeApi
  beforeEach(async () => {
    api = await open(name)
  })
  afterEach(() => {
    if (standIn?.server.outage === undefined) expect(world().server.faults).toEqual([])
  })

  it('lists open pull requests, and says which are from forks', async () => {
    const commit = await withPull()
    await world().push({ a: 'a' }, { branch: 'theirs', fork: 'stranger/site' })
    await world().openPull({ branch: 'theirs', fork: 'stranger/site', author: 'stranger' })
    await world().push({ b: 'b' }, { branch: 'gone' })
    await world().openPull({ branch: 'gone' })
    await world().close(3)
    const open = await api.openPullRequests(signal)
    expect(open.map(({ number, fromFork, author }) => [number, fromFork, author])).toEqual([
      [1, false, 'author'],
      [2, true, 'stranger'],
    ])
    expect(open[0]).toMatchObject({ headCommit: commit, head: 'add-nmap', base: 'main', title: 'Add nmap' })
    expect(open[0]?.updatedAt.getTime()).toBeGreaterThan(0)
  })

  it('reads all pages, be they smaller than asked for', async () => {
    await withPull()
    world().world.pageSize = 7
    const [first] = world().world.pulls
    if (first === undefined) throw new Error('no pull request')
    for (let number = 2; number <= 22; number++) world().world.pulls.push({ ...first, number })
    expect(await api.openPullRequests(signal)).toHaveLength(22)
  })

  it.each([
    ['maintainer', true],
    ['reader', false],
    ['nobody', false],
    ['../../x', false],
  ])('knows whether %s may approve', async (login, may) => {
    world().world.collaborators.set('reader', 'read')
    expect(await api.mayApprove(login, signal)).toBe(may)
  })

  it('sets a status again and again', async () => {
    const commit = await withPull()
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'success', title: 'ü'.repeat(500) }), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'failure' }), signal)
    const states = world().world.statuses.map(({ state }) => state)
    const words =
      name === 'gitlab' ? ['running', 'success', 'running', 'failed'] : ['pending', 'success', 'pending', 'failure']
    expect(states).toEqual(words)
    expect(world().world.statuses[0]).toMatchObject({ name: 'larder', commit, url: 'http://larder.example.org/runs/1' })
  })

  it('keeps one comment up to date', async () => {
    await withPull()
    await world().comment(1, 'stranger', `${marker} mine`)
    const text = (words: string): string => `${marker}\n${words}`
    await api.setComment({ pullRequest: 1, marker, text: text('first') }, signal)
    await api.setComment({ pullRequest: 1, marker, text: text('second') }, signal)
    const before = world().server.requests.length
    await api.setComment({ pullRequest: 1, marker, text: text('second') }, signal)
    expect(
      world()
        .server.requests.slice(before)
        .map(({ method }) => method),
    ).toEqual(['GET'])
    expect(world().world.comments.map(({ author, text: said }) => [author, said])).toEqual([
      ['stranger', `${marker} mine`],
      ['larder-bot', text('second')],
    ])
  })

  it('reads what everybody has said of one', async () => {
    await withPull()
    await world().push({ a: 'a' }, { branch: 'other' })
    await world().openPull({ branch: 'other' })
    await world().comment(1, 'stranger', 'why?')
    await world().comment(2, 'stranger', 'elsewhere')
    await world().comment(1, 'maintainer', '/larder ok 1a2b3c4')
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
    world().server.outage = outage
    const failure = api.openPullRequests(signal)
    await expect(failure).rejects.toMatchObject({ code })
    if (retryAfterMs !== undefined) await expect(failure).rejects.toMatchObject({ context: { retryAfterMs } })
  })
})

describe('GitLab', () => {
  it('takes a state that is under way once, and is asked no more of', async () => {
    const api = await open('gitlab')
    const commit = await withPull()
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    expect(world().world.statuses).toHaveLength(1)
    expect(world().server.faults).toHaveLength(1)
  })

  it('sets the state of a fork’s commit, which no branch of the project has', async () => {
    const api = await open('gitlab')
    await withPull()
    const commit = await world().push({ a: 'a' }, { branch: 'theirs', fork: 'stranger/site' })
    await world().openPull({ branch: 'theirs', fork: 'stranger/site' })
    await api.setStatus(statusOf(commit, { pullRequest: 2 }), signal)
    expect(world().world.statuses).toMatchObject([{ commit, state: 'success' }])
    const refs = world().server.requests.map(({ body }) => (body as { ref?: string }).ref)
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

describe('an App of GitHub', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const privateKey = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const credentials = { kind: 'app', appId: '77', installationId: '9', privateKey } as const
  const openApp = (key = privateKey): Promise<ForgeApi> =>
    open('github', { ...credentials, privateKey: key }, { app: { id: '77', installation: '9', publicKey } })

  it('makes one check run with all annotations, in batches, and ends it with the last', async () => {
    const api = await openApp()
    const commit = await withPull()
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
    expect(world().server.faults).toEqual([])
    expect(world().world.checkRuns).toHaveLength(1)
    expect(world().world.checkRuns[0]).toMatchObject({ status: 'completed', conclusion: 'failure', commit })
    expect(world().world.checkRuns[0]?.annotations).toHaveLength(120)
    const sent = world().server.requests.filter(({ path }) => path.includes('/check-runs') && !path.includes('?'))
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH'])
  })

  it('tells what is planned again anew', async () => {
    const api = await openApp()
    const commit = await withPull()
    await api.setStatus(statusOf(commit), signal)
    await api.setStatus(statusOf(commit, { state: 'pending' }), signal)
    await api.setStatus(statusOf(commit, { state: 'failure' }), signal)
    expect(world().world.checkRuns.map(({ conclusion }) => conclusion)).toEqual(['success', 'failure'])
  })

  it('signs in once for many requests', async () => {
    const api = await openApp()
    await withPull()
    await api.openPullRequests(signal)
    await api.setComment({ pullRequest: 1, marker, text: marker }, signal)
    await api.setComment({ pullRequest: 1, marker, text: `${marker}!` }, signal)
    expect(world().world.comments.map(({ text }) => text)).toEqual([`${marker}!`])
    expect(world().server.requests.filter(({ path }) => path.includes('access_tokens'))).toHaveLength(1)
    expect(world().server.faults).toEqual([])
  })

  it.each([
    ['a day ahead', 24 * 3600_000, 2],
    ['an hour behind', -3600_000, 2],
    ['20 s ahead, as clocks are', 20_000, 1],
    ['a minute behind', -60_000, 1],
  ])('signs in though the clock is %s', async (_how, offsetMs, times) => {
    const app = { id: '77', installation: '9', publicKey }
    const api = await open('github', credentials, { app, now: () => new Date(Date.now() + offsetMs) })
    await withPull()
    expect(await api.openPullRequests(signal)).toHaveLength(1)
    await api.openPullRequests(signal)
    const signIns = world().server.requests.filter(({ path }) => path.includes('access_tokens'))
    expect(signIns).toHaveLength(times)
  })

  it('says what is wrong with the key, and when GitHub is down', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const wrong = await openApp(other.export({ type: 'pkcs8', format: 'pem' }).toString())
    await expect(wrong.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    await world()[Symbol.asyncDispose]()
    const none = await openApp('no key')
    await expect(none.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    await world()[Symbol.asyncDispose]()
    const down = await openApp()
    world().server.outage = { status: 503 }
    await expect(down.openPullRequests(signal)).rejects.toMatchObject({ code: 'FORGE_UNREACHABLE' })
  })
})

describe('a stand-in', () => {
  it.each<ForgeName>(['github', 'gitlab', 'gitea'])(
    'of %s sends what its forge would be understood to say',
    async (name) => {
      standIn = await startStandIn(name)
      const forge = forgeNamed(name)
      const heard: unknown[] = []
      const { createServer } = await import('node:http')
      const listener = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const headers = request.headers as Record<string, string>
          const delivery = { headers, bytes, text: bytes.toString() }
          const { event } = forge.envelope(delivery)
          const isGood = forge.recognizes(headers) && forge.verify(delivery, ['s3cret'], new Date())
          heard.push(isGood ? forge.parse(event, delivery.text) : 'not verified')
          response.writeHead(202).end()
        })
      })
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      const { port } = listener.address() as { port: number }
      world().hook = { url: `http://127.0.0.1:${port}/`, secret: 's3cret' }
      await withPull()
      await world().push({ more: 'x' }, { branch: 'add-nmap' })
      await world().comment(1, 'maintainer', '/larder ok')
      await world().label(1, 'maintainer', 'larder ok')
      const main = await world().merge(1, { squash: true })
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
      expect(heard).toMatchObject([
        { kind: 'push', branch: 'main' },
        { kind: 'push', branch: 'add-nmap' },
        { kind: 'pull-request', action: 'open', number: 1, fromFork: false, head: 'add-nmap' },
        { kind: 'push', branch: 'add-nmap' },
        { kind: 'pull-request', action: 'update', number: 1 },
        { kind: 'approval', number: 1, by: 'maintainer' },
        { kind: 'approval', number: 1, by: 'maintainer' },
        { kind: 'push', branch: 'main', commit: main },
        { kind: 'pull-request', action: 'close', merged: true },
      ])
      expect(world().deliveries.every(({ status }) => status === 202)).toBe(true)
    },
  )
})

describe('a forge that asks to wait', () => {
  const now = new Date('2026-03-01T00:00:00Z')
  const in90s = String(now.getTime() / 1000 + 90)
  it.each<[string, number, Record<string, string>, string, number | undefined]>([
    ['for seconds', 429, { 'retry-after': '90' }, '', 90_000],
    ['until a date', 503, { 'retry-after': 'Sun, 01 Mar 2026 00:01:30 GMT' }, '', 90_000],
    ['as GitHub does', 403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': in90s }, '', 90_000],
    ['as GitLab does', 429, { 'ratelimit-remaining': '0', 'ratelimit-reset': in90s }, '', 90_000],
    ['as GitHub does, for no time', 403, {}, 'You have exceeded a secondary rate limit.', 60_000],
    ['for what cannot be read', 429, { 'retry-after': 'soon' }, '', undefined],
  ])('%s', async (_how, status, headers, message, retryAfterMs) => {
    const api = forgeNamed('github').api({
      url: 'http://forge.example.org',
      repository: 'campus/site',
      credentials: undefined,
      send: () => Promise.resolve({ status, headers, text: JSON.stringify({ message }) }),
      now: () => now,
    })
    const error: unknown = await api.openPullRequests(signal).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'FORGE_UNREACHABLE' })
    expect((error as { context: object }).context).toEqual({
      status,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  })
})

describe('an answer that no forge gives', () => {
  const answering = (text: string, status = 200) =>
    forgeNamed('github').api({
      url: 'http://forge.example.org',
      repository: 'campus/site',
      credentials: undefined,
      send: () => Promise.resolve({ status, headers: {}, text }),
      now: () => new Date(),
    })
  const pull = { number: 1, title: 'x', updated_at: '2026-01-01', head: { ref: 'a' }, base: { ref: 'main' } }

  it.each([
    ['', 200, 'a list was expected'],
    ['<html>Sign in</html>', 200, 'no JSON'],
    ['{}', 200, 'a list was expected'],
    ['[1]', 200, 'expected object'],
    [JSON.stringify([pull]), 200, 'head.sha'],
    [JSON.stringify([{ ...pull, head: { ref: 'a', sha: '--upload-pack=x' } }]), 200, 'a full commit id'],
    ['<html>Bad gateway</html>', 404, 'with 404.'],
    ['null', 404, 'with 404.'],
    ['{"message":"Not Found."}', 404, 'with 404: Not Found.'],
    ['{"message":["too\\u001b[2J","many"]}', 400, 'with 400: ["too'],
  ])('is refused, and says why: %s', async (text, status, why) => {
    const failure = answering(text, status).openPullRequests(signal)
    await expect(failure).rejects.toMatchObject({ code: 'FORGE_REFUSED' })
    await expect(failure).rejects.toThrow(why)
  })

  it('goes on for ever, and is not followed for ever', async () => {
    let asked = 0
    const api = forgeNamed('gitea').api({
      url: 'http://forge.example.org',
      repository: 'campus/site',
      credentials: undefined,
      send: () => {
        asked++
        return Promise.resolve({ status: 200, headers: { link: '<http://x>; rel="next"' }, text: '[]' })
      },
      now: () => new Date(),
    })
    await expect(api.openPullRequests(signal)).rejects.toThrow('more than 100 pages')
    expect(asked).toBe(100)
  })
})
