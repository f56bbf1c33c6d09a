import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { verify } from '@octokit/webhooks-methods'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forgeNamed } from '../../../forge/index.ts'
import { startServer, type TestServer } from '../testing/start-server.ts'

interface Example {
  event: string
  payload: { action?: string; ref?: string }
}

const folder = dirname(createRequire(import.meta.url).resolve('@octokit/webhooks-examples/package.json'))
const versions = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
const examplesOf = (version: string): Example[] => {
  const events = JSON.parse(readFileSync(join(folder, version, 'index.json'), 'utf8')) as {
    name: string
    examples: Example['payload'][]
  }[]
  return events.flatMap(({ name, examples }) => examples.map((payload) => ({ event: name, payload })))
}

const github = forgeNamed('github')
const secret = 'a secret'
let server: TestServer
beforeAll(async () => {
  const limits = { refusedHooksPerMinute: 100_000 }
  server = await startServer({ hooks: { forge: github, secrets: () => [secret] }, limits })
})
afterAll(() => server[Symbol.asyncDispose]())

test.each(versions.map(({ name }) => name))(
  '%s: every payload is an event, or is ignored with a reason',
  async (version) => {
    const examples = examplesOf(version)
    expect(examples.length).toBeGreaterThan(version === 'api.github.com' ? 300 : 20)
    const kinds = new Map<string, number>()
    for (const [index, { event, payload }] of examples.entries()) {
      const text = JSON.stringify(payload)
      const headers = github.sign({
        event,
        text,
        deliveryId: `${version.replaceAll('.', '-')}-${index}`,
        secret,
        now: new Date(),
      })
      expect(await verify(secret, text, headers['x-hub-signature-256'] ?? '')).toBe(true)
      const answer = await server.fetch('/hooks/github', { method: 'POST', body: text, headers })
      expect([event, payload.action, answer.status, await answer.text()]).toMatchObject([
        event,
        payload.action,
        202,
        /./,
      ])
      const meaning = github.parse(event, text)
      if (meaning.kind === 'ignored') expect(meaning.reason).toMatch(/\w/)
      kinds.set(meaning.kind, (kinds.get(meaning.kind) ?? 0) + 1)
    }
    if (version !== 'api.github.com') return
    expect(kinds.get('push')).toBeGreaterThan(0)
    expect(kinds.get('pull-request')).toBeGreaterThan(0)
  },
)
