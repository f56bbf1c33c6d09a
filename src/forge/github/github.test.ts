import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseGithubEvent, readGithubRepository } from './parse.ts'
import { verifyGithubSignature } from './verify.ts'

// Shapes written by hand from GitHub's documentation, "Webhook events and payloads", November 2026.
const before = '1'.repeat(40)
const after = '2'.repeat(40)
const repository = { id: 1, full_name: 'campus/site', clone_url: 'https://attacker.example.org/x.git' }
const push = { ref: 'refs/heads/main', before, after, created: false, deleted: false, forced: false, repository }
const side = (ref: string, sha: string, name: string | null) => ({
  label: `x:${ref}`,
  ref,
  sha,
  repo: name === null ? null : { full_name: name },
})
const request = {
  action: 'opened',
  number: 12,
  pull_request: {
    state: 'open',
    merged: false,
    merge_commit_sha: null,
    head: side('add-nmap', after, 'campus/site'),
    base: side('main', before, 'campus/site'),
  },
  repository,
}
const withRequest = (change: object, action = 'opened') => ({
  ...request,
  action,
  pull_request: { ...request.pull_request, ...change },
})
const opened = {
  kind: 'pull-request',
  number: 12,
  action: 'open',
  merged: false,
  head: 'add-nmap',
  headCommit: after,
  headRepository: 'campus/site',
  base: 'main',
  baseCommit: before,
  fromFork: false,
}

describe('events', () => {
  test.each([
    ['push', push, { kind: 'push', branch: 'main', commit: after }],
    ['push', { ...push, ref: 'refs/heads/topic/x' }, { kind: 'push', branch: 'topic/x', commit: after }],
    ['push', { ...push, ref: 'refs/tags/v1' }, { kind: 'ignored', reason: 'refs/tags/v1 is no branch.' }],
    [
      'push',
      { ...push, deleted: true, after: '0'.repeat(40) },
      { kind: 'ignored', reason: 'Branch main was deleted.' },
    ],
    ['pull_request', request, opened],
    ['pull_request', { ...request, action: 'reopened' }, opened],
    ['pull_request', { ...request, action: 'synchronize' }, { ...opened, action: 'update' }],
    ['pull_request', { ...request, action: 'closed' }, { ...opened, action: 'close' }],
    ['pull_request', withRequest({ merged: true }, 'closed'), { ...opened, action: 'close', merged: true }],
    // Not closed: what `merged` says of it means nothing.
    ['pull_request', withRequest({ merged: true }, 'edited'), { ...opened, action: 'update' }],
    [
      'pull_request',
      withRequest({ head: side('main', after, 'stranger/site') }),
      { ...opened, head: 'main', headRepository: 'stranger/site', fromFork: true },
    ],
    [
      'pull_request',
      withRequest({ head: side('x', after, null) }),
      { ...opened, head: 'x', headRepository: undefined, fromFork: true },
    ],
    ['ping', { zen: 'Keep it simple.', hook_id: 1 }, { kind: 'ignored', reason: 'GitHub tried the hook: it works.' }],
    ['issues', {}, { kind: 'ignored', reason: 'Nothing depends on the event issues.' }],
    [
      'pull_request',
      { ...request, action: 'labeled' },
      { kind: 'ignored', reason: 'Nothing depends on the action labeled of a pull request.' },
    ],
    [
      'pull_request',
      { ...request, action: 'constructor' },
      { kind: 'ignored', reason: 'Nothing depends on the action constructor of a pull request.' },
    ],
  ])('%s %#', (name, payload, expected) => {
    expect(parseGithubEvent(name, JSON.stringify(payload))).toMatchObject(expected)
  })

  test.each([
    ['push', '{'],
    ['push', 'null'],
    ['push', '[]'],
    ['push', JSON.stringify({ ...push, after: '--upload-pack=x' })],
    ['push', JSON.stringify({ ...push, ref: 1 })],
    ['pull_request', JSON.stringify(withRequest({ head: side('x', 'HEAD', 'a/b') }))],
    ['pull_request', JSON.stringify({ ...request, number: -1 })],
  ])('%s %s is no payload', (name, body) => {
    expect(() => parseGithubEvent(name, body)).toThrow(expect.objectContaining({ code: 'HOOK_MALFORMED' }))
  })

  test('the repository is a name, never an address', () => {
    expect(readGithubRepository('push', JSON.stringify(push))).toBe('campus/site')
    expect(readGithubRepository('ping', '{}')).toBe('')
    expect(() => readGithubRepository('push', '{"repository":{"full_name":"../../x"}}')).toThrow(/not as GitHub/)
  })
})

describe('signatures', () => {
  // The example of GitHub's documentation, "Validating webhook deliveries".
  const documented = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  const secret = "It's a Secret to Everybody"
  const body = Buffer.from('Hello, World!')

  test.each([
    ['the documented example', documented, [secret], true],
    ['in capitals', documented.toUpperCase().replace('SHA256', 'sha256'), [secret], true],
    ['among several secrets', documented, ['other', secret, 'another'], true],
    ['another secret', documented, ['other'], false],
    ['no secret', documented, [], false],
    ['none', undefined, [secret], false],
    ['empty', '', [secret], false],
    ['only the prefix', 'sha256=', [secret], false],
    ['too short', documented.slice(0, -1), [secret], false],
    ['too long', `${documented}0`, [secret], false],
    ['SHA-1', 'sha1=757107ea0eb2509fc211221cce984b8a37570b6d', [secret], false],
    ['with an empty secret', `sha256=${createHmac('sha256', '').update(body).digest('hex')}`, [''], false],
  ])('%s', (_name, signature, secrets, valid) => {
    expect(verifyGithubSignature(body, signature, secrets)).toBe(valid)
  })
})
