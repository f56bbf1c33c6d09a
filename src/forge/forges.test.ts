import { createHmac } from 'node:crypto'
import { sign as signByGithub, verify as verifyByGithub } from '@octokit/webhooks-methods'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
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

describe('whatever a payload says', () => {
  const young = '2'.repeat(40)
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
