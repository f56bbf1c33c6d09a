import { describe, expect, it } from 'vitest'
import { forgeNamed } from '../forges.ts'

const { signal } = new AbortController()

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
