import { createHmac } from 'node:crypto'
import { sign as signByGithub, verify as verifyByGithub } from '@octokit/webhooks-methods'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { readApproval } from './approval.ts'
import type { Forge, RawDelivery } from './forge.ts'
import { forgeNamed, forges } from './forges.ts'

const [github, gitlab, gitea] = [forgeNamed('github'), forgeNamed('gitlab'), forgeNamed('gitea')]
const now = new Date('2026-03-01T12:00:00Z')
const text = '{"ref":"refs/heads/main"}'
const whsec = `whsec_${Buffer.from('a key of twenty-four b.').toString('base64')}`

const delivery = (headers: Record<string, string>, body = text): RawDelivery => ({
  headers,
  bytes: Buffer.from(body),
  text: body,
})
const signed = (forge: Forge, secret: string, at = now): Record<string, string> =>
  forge.sign({ event: 'push', text, deliveryId: 'd-1', secret, now: at })

describe('signatures', () => {
  test.each(forges.map((forge) => [forge.title, forge] as const))(
    '%s: what one secret of several signed',
    (_title, forge) => {
      const headers = signed(forge, 'old')
      expect(forge.verify(delivery(headers), ['new', 'old'], now)).toBe(true)
      expect(forge.verify(delivery(headers), ['new'], now)).toBe(false)
      expect(forge.verify(delivery(headers), [], now)).toBe(false)
      expect(forge.verify(delivery(headers), [''], now)).toBe(false)
      if (forge !== gitlab) expect(forge.verify(delivery(headers, `${text} `), ['old'], now)).toBe(false)
    },
  )

  test.each(forges.map((forge) => [forge.title, forge] as const))(
    '%s: an empty secret signs nothing',
    (_title, forge) => {
      expect(forge.verify(delivery(signed(forge, '')), ['', 'x'], now)).toBe(false)
    },
  )

  test('GitHub: judged by its own library', async () => {
    expect(await verifyByGithub('s', text, signed(github, 's')['x-hub-signature-256']!)).toBe(true)
    const headers = { 'x-hub-signature-256': await signByGithub('s', text) }
    expect(github.verify(delivery(headers), ['s'], now)).toBe(true)
  })

  test.each([
    '',
    'sha256=',
    'sha256',
    'sha1=x',
    `sha256=${'0'.repeat(63)}`,
    `sha256=${'g'.repeat(64)}`,
    `sha256=${'0'.repeat(128)}`,
  ])('GitHub: %j is none', (signature) => {
    expect(github.verify(delivery({ 'x-hub-signature-256': signature }), ['s'], now)).toBe(false)
  })

  test('GitLab: signatures of Standard Webhooks, judged by their library', () => {
    const headers = signed(gitlab, whsec, new Date())
    expect(new Webhook(whsec).verify(text, headers)).toEqual(JSON.parse(text))
    const at = new Date()
    const signature = new Webhook(whsec).sign('msg_1', at, text)
    const given = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} v2,x ${signature}`,
    }
    expect(gitlab.verify(delivery(given), ['other', whsec], at)).toBe(true)
    expect(gitlab.verify(delivery(given, `${text} `), [whsec], at)).toBe(false)
    expect(gitlab.verify(delivery({ ...given, 'webhook-id': 'msg_2' }), [whsec], at)).toBe(false)
  })

  test.each([-301, 301])('GitLab: %i s away from our clock is too far', (seconds) => {
    const at = new Date(now.getTime() + seconds * 1000)
    expect(gitlab.verify(delivery(signed(gitlab, whsec, at)), [whsec], now)).toBe(false)
  })

  test('GitLab: a signature that is wrong is not made good by a token that is right', () => {
    const headers = { ...signed(gitlab, whsec), 'webhook-signature': 'v1,x', 'x-gitlab-token': whsec }
    expect(gitlab.verify(delivery(headers), [whsec], now)).toBe(false)
  })

  test('Gitea: of a form, the JSON is what is signed', () => {
    const digest = createHmac('sha256', 's').update(text).digest('hex')
    const form = Buffer.from(new URLSearchParams({ payload: text }).toString())
    expect(gitea.verify({ headers: { 'x-gitea-signature': digest }, bytes: form, text }, ['s'], now)).toBe(true)
  })

  test('no bytes that are not the signature pass', () => {
    fc.assert(
      fc.property(fc.constantFrom(...forges), fc.string({ maxLength: 100 }), (forge, noise) => {
        const headers = Object.fromEntries(Object.keys(signed(forge, whsec)).map((name) => [name, noise]))
        expect(forge.verify(delivery(headers), ['s', whsec], now)).toBe(false)
      }),
    )
  })
})

test('Gitea is not taken for GitHub, whose headers it sends too', () => {
  const headers = signed(gitea, 's')
  expect(forges.filter((forge) => forge.recognizes(headers)).map(({ name }) => name)).toEqual(['gitea'])
  expect(forges.filter((forge) => forge.recognizes({ ...headers, 'x-forgejo-event': 'push' }))).toEqual([gitea])
  expect(forges.filter((forge) => forge.recognizes(signed(github, 's')))).toEqual([github])
  expect(forges.filter((forge) => forge.recognizes(signed(gitlab, 's')))).toEqual([gitlab])
})

test.each([
  ['/larder ok', { commit: undefined }],
  ['Looks good.\r\n  /larder ok \r\nThanks!', { commit: undefined }],
  ['/larder ok 0123abc', { commit: '0123abc' }],
  ['/larder okay', undefined],
  ['> say /larder ok', undefined],
  ['`/larder ok`', undefined],
  ['/larder ok 0123ab', undefined],
  ['/larder ok main', undefined],
])('%j', (comment, word) => {
  expect(readApproval(comment)).toEqual(word)
})

const old = '1'.repeat(40)
const young = '2'.repeat(40)

// Written by hand after the documentation of each forge (webhook events), November 2026.
describe('GitLab', () => {
  const project = { id: 15, path_with_namespace: 'lab/campus/site', git_http_url: 'http://169.254.169.254/x.git' }
  const push = { object_kind: 'push', before: old, after: young, ref: 'refs/heads/main', project }
  const attributes = {
    iid: 3,
    title: 'Add\n nmap',
    action: 'open',
    state: 'opened',
    updated_at: '2026-03-01 12:00:00 UTC',
    source_branch: 'add-nmap',
    target_branch: 'main',
    source_project_id: 15,
    target_project_id: 15,
    source: { path_with_namespace: 'lab/campus/site' },
    last_commit: { id: young },
  }
  const merge = (change: object = {}, more: object = {}) => ({
    object_kind: 'merge_request',
    user: { username: 'alice' },
    project,
    object_attributes: { ...attributes, ...change },
    ...more,
  })
  const opened = {
    kind: 'pull-request',
    number: 3,
    action: 'open',
    merged: false,
    title: 'Add nmap',
    author: 'alice',
    head: 'add-nmap',
    headCommit: young,
    base: 'main',
    fromFork: false,
    updatedAt: new Date('2026-03-01T12:00:00Z'),
  }
  const note = (body: string, more: object = { merge_request: { iid: 3 } }) => ({
    object_kind: 'note',
    user: { username: 'maintainer' },
    project,
    object_attributes: { note: body, noteable_type: 'MergeRequest', action: 'create' },
    ...more,
  })
  const labels = { labels: { previous: [], current: [{ title: 'Larder OK' }] } }
  const ignored = { kind: 'ignored' }
  test.each([
    ['Push Hook', push, { kind: 'push', branch: 'main', commit: young }],
    ['System Hook', push, { kind: 'push', branch: 'main', commit: young }],
    ['Push Hook', { ...push, after: '0'.repeat(40) }, ignored],
    ['Push Hook', { ...push, ref: 'refs/tags/v1' }, ignored],
    ['Tag Push Hook', push, ignored],
    ['Merge Request Hook', merge(), opened],
    ['Merge Request Hook', merge({ action: 'update', oldrev: old }), { ...opened, action: 'update', author: '' }],
    ['Merge Request Hook', merge({ action: 'merge' }), { kind: 'pull-request', action: 'close', merged: true }],
    ['Merge Request Hook', merge({ action: 'close' }), { kind: 'pull-request', action: 'close', merged: false }],
    ['Merge Request Hook', merge({ source_project_id: 99 }), { fromFork: true }],
    ['Merge Request Hook', merge({ action: 'approved' }), ignored],
    [
      'Merge Request Hook',
      merge({ action: 'update' }, { changes: labels }),
      { kind: 'approval', number: 3, by: 'alice', commit: young },
    ],
    ['Note Hook', note('/larder ok'), { kind: 'approval', number: 3, by: 'maintainer', commit: undefined }],
    ['Note Hook', note('nice'), ignored],
    ['Note Hook', note('/larder ok', { issue: { iid: 3 } }), ignored],
    ['Pipeline Hook', { object_kind: 'pipeline', project }, ignored],
  ])('%s %#', (event, payload, meaning) => {
    expect(gitlab.parse(event, JSON.stringify(payload))).toMatchObject(meaning)
    expect(gitlab.repositoryOf(event, JSON.stringify(payload))).toBe('lab/campus/site')
  })
})

describe('Gitea and Forgejo', () => {
  const repository = { id: 1, full_name: 'campus/site', clone_url: 'http://127.0.0.1:1/x.git' }
  const side = (ref: string, sha: string, name: string) => ({ label: ref, ref, sha, repo: { full_name: name } })
  const pull = (action: string, change: object = {}) => ({
    action,
    number: 5,
    sender: { login: 'maintainer' },
    repository,
    pull_request: {
      title: 'Add nmap',
      user: { login: 'alice' },
      updated_at: '2026-03-01T12:00:00Z',
      merged: false,
      labels: [],
      head: side('add-nmap', young, 'campus/site'),
      base: side('main', old, 'campus/site'),
      ...change,
    },
  })
  const opened = {
    kind: 'pull-request',
    number: 5,
    action: 'open',
    merged: false,
    title: 'Add nmap',
    author: 'alice',
    head: 'add-nmap',
    headCommit: young,
    base: 'main',
    fromFork: false,
  }
  const comment = (body: string, more: object = { is_pull: true }) => ({
    action: 'created',
    issue: { number: 5 },
    comment: { body, user: { login: 'maintainer' } },
    repository,
    ...more,
  })
  const ignored = { kind: 'ignored' }
  test.each([
    [
      'push',
      { ref: 'refs/heads/main', before: old, after: young, repository },
      { kind: 'push', branch: 'main', commit: young },
    ],
    ['push', { ref: 'refs/tags/v1', before: old, after: young, repository }, ignored],
    ['pull_request', pull('opened'), opened],
    ['pull_request', pull('reopened'), opened],
    ['pull_request_sync', pull('synchronized'), { ...opened, action: 'update' }],
    ['pull_request', pull('closed', { merged: true }), { ...opened, action: 'close', merged: true }],
    [
      'pull_request',
      pull('opened', { head: side('main', young, 'eve/site') }),
      { fromFork: true, headRepository: 'eve/site' },
    ],
    [
      'pull_request_label',
      pull('label_updated', { labels: [{ name: 'larder ok' }] }),
      { kind: 'approval', number: 5, by: 'maintainer', commit: young, labelled: true },
    ],
    ['pull_request_label', pull('label_updated'), { ...opened, action: 'update', labelled: false }],
    ['pull_request_label', pull('label_cleared'), { ...opened, action: 'update', labelled: false }],
    [
      'pull_request_sync',
      pull('synchronized', { labels: [{ name: 'Larder OK' }] }),
      { ...opened, action: 'update', labelled: true },
    ],
    ['pull_request', pull('assigned'), ignored],
    ['issue_comment', comment('/larder ok'), { kind: 'approval', number: 5, by: 'maintainer' }],
    ['issue_comment', comment('/larder ok', { is_pull: false }), ignored],
    ['issue_comment', { ...comment('/larder ok'), action: 'edited' }, ignored],
    ['release', { action: 'published', repository }, ignored],
  ])('%s %#', (event, payload, meaning) => {
    expect(gitea.parse(event, JSON.stringify(payload))).toMatchObject(meaning)
    expect(gitea.repositoryOf(event, JSON.stringify(payload))).toBe('campus/site')
  })
})

describe('whatever a payload says', () => {
  const events = [
    'push',
    'pull_request',
    'issue_comment',
    'Push Hook',
    'Merge Request Hook',
    'Note Hook',
    'System Hook',
  ]
  test('it is an event, is ignored, or is refused as malformed', () => {
    const shape = fc.record(
      {
        ref: fc.oneof(fc.string(), fc.constant('refs/heads/x')),
        after: fc.oneof(fc.string(), fc.constant(young)),
        action: fc.constantFrom('opened', 'open', 'closed', 'constructor', '__proto__', 'labeled'),
        number: fc.oneof(fc.integer(), fc.string()),
        object_attributes: fc.object(),
        pull_request: fc.object(),
        project: fc.object(),
        issue: fc.object(),
        comment: fc.object(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...forges),
        fc.constantFrom(...events),
        fc.oneof(shape, fc.jsonValue()),
        (forge, event, payload) => {
          let meaning: { kind: string }
          try {
            meaning = forge.parse(event, JSON.stringify(payload))
          } catch (error) {
            expect(error).toMatchObject({ code: 'HOOK_MALFORMED' })
            return
          }
          expect(['push', 'pull-request', 'approval', 'ignored']).toContain(meaning.kind)
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each(forges.map((forge) => [forge.title, forge] as const))('%s: JSON of any depth', (_title, forge) => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    const event = forge === gitlab ? 'Push Hook' : 'push'
    expect(() => forge.parse(event, deep)).toThrow(expect.objectContaining({ code: 'HOOK_MALFORMED' }))
  })

  test.each(['../x', '-x', 'refs/heads/..', 'a\u0000b', 'x'.repeat(10_000)])(
    'the ref %j is nobody’s command',
    (ref) => {
      const payload = JSON.stringify({ ref: `refs/heads/${ref}`, after: young })
      let kind = 'refused'
      try {
        kind = github.parse('push', payload).kind
      } catch (error) {
        expect(error).toMatchObject({ code: 'HOOK_MALFORMED' })
      }
      expect(['push', 'refused']).toContain(kind)
    },
  )
})
