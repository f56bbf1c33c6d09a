import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../fixtures/upstream/index.ts'
import { startControllerChild } from './support/controller-child.ts'
import { openForgeSite, type ForgeSite } from './support/open-forge-site.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { waitFor } from './support/wait-for-run.ts'

const secret = 'a-secret'
const commit = 'c'.repeat(40)

let upstream: Upstream
let site: ForgeSite
/** Somebody within the network, to whom a payload would lead. */
let internal: Server
let internalUrl: string
const asked: string[] = []
let before: unknown

beforeAll(async () => {
  upstream = await startUpstream({ suites: [{ suite: 'stable', packages: [{ name: 'alpha', version: '1.0' }] }] })
  const files = { 'larder.yaml': larderYaml({ test: upstream.url }, { base: {} }), 'keys/test.asc': upstream.key }
  site = await openForgeSite({ files: { ...files, 'packages.json': packageList(['alpha']) } })
  internal = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    response.end()
  })
  await new Promise<void>((resolve) => internal.listen(0, '127.0.0.1', resolve))
  internalUrl = `http://127.0.0.1:${(internal.address() as AddressInfo).port}`
})
afterAll(async () => {
  await site[Symbol.asyncDispose]()
  await upstream.close()
  await new Promise((resolve) => internal.close(resolve))
})

/** Everything that a delivery could have changed. */
async function whatIs(): Promise<unknown> {
  const { client } = site.controller
  const { publication } = await client.mirror('base')
  const pulls = await client.pullRequests({ limit: 100 })
  return { runs: await client.runs({ limit: 100 }), publication, pulls, asked: [...asked] }
}
beforeEach(async () => {
  before = await whatIs()
})

const sign = (body: string, key = secret): string => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

async function deliver(
  body: string,
  headers: Record<string, string | undefined> = {},
  path = '/hooks/github',
): Promise<{ status: number; answer: { error?: { code: string; message: string }; id?: number } }> {
  const all: Record<string, string | undefined> = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': sign(body),
    ...headers,
  }
  const given = Object.entries(all).filter((header): header is [string, string] => header[1] !== undefined)
  const url = `${site.controller.url}${path}`
  const response = await fetch(url, { method: 'POST', body, headers: Object.fromEntries(given) })
  return { status: response.status, answer: (await response.json()) as { error?: { code: string; message: string } } }
}

const repository = { id: 1, full_name: 'campus/site' }
const push = (change: object = {}): string =>
  JSON.stringify({ ref: 'refs/heads/main', after: commit, repository, ...change })
const text = push()
const unsigned = { 'x-hub-signature-256': undefined }

it.each<[string, string, Record<string, string | undefined>, number, string]>([
  ['no signature', text, unsigned, 401, 'HOOK_SIGNATURE_BAD'],
  ['an empty one', text, { 'x-hub-signature-256': '' }, 401, 'HOOK_SIGNATURE_BAD'],
  ['one of no digits', text, { 'x-hub-signature-256': 'sha256=' }, 401, 'HOOK_SIGNATURE_BAD'],
  ['half of one', text, { 'x-hub-signature-256': sign(text).slice(0, 39) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['all but its last digit', text, { 'x-hub-signature-256': sign(text).slice(0, -1) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['a digit more', text, { 'x-hub-signature-256': `${sign(text)}0` }, 401, 'HOOK_SIGNATURE_BAD'],
  ['one of another secret', text, { 'x-hub-signature-256': sign(text, 'guess') }, 401, 'HOOK_SIGNATURE_BAD'],
  ['one of no secret', text, { 'x-hub-signature-256': sign(text, '') }, 401, 'HOOK_SIGNATURE_BAD'],
  ['that of another body', text, { 'x-hub-signature-256': sign(`${text} `) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['the old header alone', text, { ...unsigned, 'x-hub-signature': sign(text) }, 401, 'HOOK_SIGNATURE_BAD'],
  ['two of them', text, { 'x-hub-signature-256': `${sign(text)}, ${sign(text)}` }, 401, 'HOOK_SIGNATURE_BAD'],
])('a delivery with %s is refused', async (_name, body, headers, status, code) => {
  expect(await deliver(body, headers)).toMatchObject({ status, answer: { error: { code } } })
  expect(await whatIs()).toEqual(before)
})

it.each<[string, Record<string, string | undefined>, number, string]>([
  ['GitLab', { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret, 'x-github-event': undefined }, 400, 'GitLab'],
  ['Gitea', { 'x-gitea-event': 'push', 'x-gitea-signature': sign(text).slice(7) }, 400, 'Gitea'],
  ['Forgejo', { 'x-forgejo-event': 'push', 'x-gitea-event': 'push' }, 400, 'Gitea'],
])('a delivery of %s at the address for GitHub is told so', async (_name, headers, status, title) => {
  const { answer, ...rest } = await deliver(text, headers)
  expect(rest).toEqual({ status })
  expect(answer.error).toMatchObject({ code: 'HOOK_MALFORMED', message: expect.stringContaining(title) as string })
  expect(await whatIs()).toEqual(before)
})

it.each(['/hooks/gitlab', '/hooks/gitea', '/hooks/forgejo', '/hooks/..%2f..%2fadmin', '/hooks/constructor'])(
  '%s is not where the site is',
  async (path) => {
    expect(await deliver(text, {}, path)).toMatchObject({ status: 404 })
    expect(await whatIs()).toEqual(before)
  },
)

it.each<[string, string]>([
  ['no JSON', '{"ref":'],
  ['JSON of another shape', '[]'],
  ['nothing', ''],
  ['a null', 'null'],
  ['a commit that is an option', push({ after: '--upload-pack=touch /tmp/larder-pwned' })],
  ['a commit cut short', push({ after: 'cafe' })],
  ['a repository that is a path', push({ repository: { full_name: '../../etc' } })],
  ['a repository that is an option', push({ repository: { full_name: '--upload-pack=id/x' } })],
  ['a repository of control characters', push({ repository: { full_name: 'a\u001b[2J/b' } })],
  ['a number as its ref', push({ ref: 7 })],
  ['depth where a name should be', push({ ref: 0 }).replace('"ref":0', `"ref":${'['.repeat(5e5)}${']'.repeat(5e5)}`)],
])('a signed delivery of %s is malformed', async (_name, body) => {
  expect(await deliver(body)).toMatchObject({ status: 400, answer: { error: { code: 'HOOK_MALFORMED' } } })
  expect(await whatIs()).toEqual(before)
})

const side = (ref: string, name = 'campus/site') => ({ ref, sha: commit, repo: { full_name: name } })
const pull = (change: object = {}, more: object = {}): string =>
  JSON.stringify({
    action: 'opened',
    number: 9,
    pull_request: { title: 'x', user: { login: 'mallory' }, head: side('topic'), base: side('main'), ...change },
    repository,
    ...more,
  })

/** What a terminal obeys, and what turns the direction of writing. */
const orders = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u

/** Refs that no git has, or that a program would take for something else. */
const strangeRefs = ['--upload-pack=id', '../../config', 'a..b', 'a\u0007b', 'a b', 'x\ny', '.lock', 'a.lock', 'a@{1}']

it.each<[string, string, string, RegExp]>([
  ['another repository', 'push', push({ repository: { full_name: 'mallory/site' } }), /not in mallory\/site/],
  ['no repository', 'push', push({ repository: null }), /not in/],
  ['another branch', 'push', push({ ref: 'refs/heads/topic' }), /not topic/],
  ['a tag', 'push', push({ ref: 'refs/tags/v1' }), /no branch/],
  ['main being deleted', 'push', push({ after: '0'.repeat(40), deleted: true }), /main was deleted/],
  ['an event of another time', 'deployment', push(), /deployment/],
  ...strangeRefs.map((ref): [string, string, string, RegExp] => [
    `a push to ${JSON.stringify(ref)}`,
    'push',
    push({ ref: `refs/heads/${ref}` }),
    /no branch name that git allows/,
  ]),
  ...strangeRefs.map((ref): [string, string, string, RegExp] => [
    `a pull request from ${JSON.stringify(ref)}`,
    'pull_request',
    pull({ head: side(ref) }),
    /no branch name that git allows/,
  ]),
  ['a pull request into an option', 'pull_request', pull({ base: side('--all') }), /no branch name that git allows/],
  ['a comment on what is unknown', 'issue_comment', approval(), /pull request 12 is not open/],
])('a signed delivery of %s is kept, and ignored with its reason', async (_name, event, body, reason) => {
  const { status, answer } = await deliver(body, { 'x-github-event': event })
  expect([status, answer]).toMatchObject([202, { id: expect.any(Number) as number }])
  const row = await settled(answer.id!)
  expect(row).toMatchObject({ state: 'ignored', reason: expect.stringMatching(reason) as string })
  // What stands in a terminal must not speak to it.
  expect(row.reason).not.toMatch(orders)
  expect(await whatIs()).toEqual(before)
})

function approval(): string {
  const comment = { body: '/larder ok', user: { login: 'maintainer' }, author_association: 'OWNER' }
  return JSON.stringify({ action: 'created', issue: { number: 12, pull_request: {} }, comment, repository })
}

it('addresses in a payload are never asked, nor what they name fetched', async () => {
  const url = `${internalUrl}/latest/meta-data/`
  const addresses = {
    url,
    git_url: url,
    ssh_url: url,
    clone_url: url,
    html_url: url,
    default_branch: url,
    hooks_url: url,
  }
  const everywhere = { repository: { ...repository, ...addresses }, sender: { login: 'x', ...addresses }, compare: url }
  const pushed = await deliver(push(everywhere))
  const from = { ...side('topic', 'mallory/site'), repo: { full_name: 'mallory/site', ...addresses } }
  const body = pull({ head: from, diff_url: url, patch_url: url, _links: { self: { href: url } } }, everywhere)
  const opened = await deliver(body, { 'x-github-event': 'pull_request' })
  expect([pushed.status, opened.status]).toEqual([202, 202])
  expect(await settled(pushed.answer.id!)).toMatchObject({ state: 'ignored' })
  // There is no such pull request at the forge, whatever the payload says.
  const reason = 'the repository has no refs/pull/9/head'
  expect(await settled(opened.answer.id!)).toMatchObject({ state: 'ignored', reason })
  expect(asked).toEqual([])
  expect((await site.controller.client.runs({ limit: 100 })).length).toBe(1)
})

it('a title that speaks to terminals does not reach one', async () => {
  const title = 'nice\u001b]0;pwned\u0007\u001b[2J \u202etxt.exe\u0000 list'
  const commitOfPull = await site.forge.push({ 'packages.json': packageList(['alpha']), a: 'b' }, { branch: 'titled' })
  const { number } = await site.forge.openPull({ branch: 'titled', title, author: 'al\u001b[1mice' })
  await site.runOf(commitOfPull)
  const pulls = await site.controller.client.pullRequests({ limit: 100 })
  const known = pulls.find((one) => one.number === number)
  expect(known).toMatchObject({ state: 'open' })
  expect(`${known!.title}${known!.author}`).not.toMatch(orders)
  expect(known!.title).toContain('nice')
})

it('depth that nobody reads is kept as it came', async () => {
  const body = push().replace('{', `{"deep":${'{"a":['.repeat(200_000)}${']}'.repeat(200_000)},`)
  const { status, answer } = await deliver(body)
  expect(status, JSON.stringify(answer).slice(0, 300)).toBe(202)
  expect(await settled(answer.id!)).toMatchObject({
    state: 'ignored',
    reason: expect.stringMatching(/run 1 /) as string,
  })
})

it('after all of that, the next good delivery is applied', async () => {
  const head = await site.forge.push({ 'packages.json': packageList(['alpha']), good: 'x' })
  expect(await site.runOf(head)).toMatchObject({ goal: 'apply', state: 'succeeded' })
  expect(site.forge.deliveries.at(-1)?.status).toBe(202)
  expect((await fetch(`${site.controller.url}/healthz`)).status).toBe(200)
})

async function settled(id: number) {
  return waitFor(`delivery ${id} to be settled`, async () => {
    const row = (await site.controller.client.deliveries({ limit: 5 })).find((one) => one.id === id)
    return row?.state === 'waiting' ? undefined : row
  })
}

it('a hundred megabytes are refused early, and are not held in memory', async () => {
  await using controller = await startControllerChild({
    dataFolder: site.workspace.path('other'),
    args: ['--config', site.workspace.path('controller.yaml')],
  })
  const peakMB = async (): Promise<number> => {
    const status = await readFile(`/proc/${controller.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  }
  const url = `${controller.url}/hooks/github`
  // The first that is read in full: what is bounded is what comes after it.
  await sendLarge(url, { megabytes: 24, isAnnounced: true })
  const atFirstMB = await peakMB()
  const announced = await sendLarge(url, { megabytes: 100, isAnnounced: true })
  expect(announced).toMatchObject({ status: 413, code: 'HOOK_TOO_LARGE' })
  expect(announced.sentMB).toBeLessThan(10)
  const many = await Promise.all(
    Array.from({ length: 4 }, () => sendLarge(url, { megabytes: 100, isAnnounced: false })),
  )
  for (const one of many) {
    expect(one).toMatchObject({ status: 413, code: 'HOOK_TOO_LARGE' })
    expect(one.sentMB).toBeLessThan(50)
  }
  expect((await peakMB()) - atFirstMB).toBeLessThan(250)
  expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
})

/** As fast as it is taken; ends when it is answered. */
async function sendLarge(
  url: string,
  { megabytes, isAnnounced }: { megabytes: number; isAnnounced: boolean },
): Promise<{ status: number; code: string | undefined; sentMB: number }> {
  const chunk = Buffer.alloc(1e6, 'x')
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-github-delivery': randomUUID() }
  const asking = request(url, {
    method: 'POST',
    headers: { ...headers, ...(isAnnounced ? { 'content-length': megabytes * 1e6 } : {}) },
  })
  return new Promise((resolve, reject) => {
    let sentMB = 0
    let isAnswered = false
    asking.on('error', (error) => {
      if (!isAnswered) reject(error)
    })
    asking.on('response', (response) => {
      isAnswered = true
      let body = ''
      response.setEncoding('utf8').on('data', (more: string) => (body += more))
      response.on('close', () => {
        asking.destroy()
        const { error } = JSON.parse(body) as { error?: { code: string } }
        resolve({ status: response.statusCode ?? 0, code: error?.code, sentMB })
      })
    })
    const next = (): void => {
      if (isAnswered) return
      if (sentMB === megabytes) {
        asking.end()
        return
      }
      sentMB++
      // While the connection takes all at once, nothing else would be looked at: not the answer either.
      asking.write(chunk, () => setImmediate(next))
    }
    next()
  })
}
