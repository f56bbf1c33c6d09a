import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestRpm } from '../fixtures/rpm-upstream/index.ts'
import { fetchRepo } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'
import { createZypperClient, unpackZypper, type ZypperClient } from './support/zypper-client.ts'

const upstream = (): TestRpm[] => [
  { name: 'web', version: '1.0', requires: ['libweb >= 1', '/usr/bin/web-theme'] },
  { name: 'libweb', version: '1.2' },
  { name: 'web-theme', version: '3', architecture: 'noarch', files: { '/usr/bin/web-theme': 'plain\n' } },
  { name: 'extra', version: '1' },
]

describe('zypper', () => {
  let site: RpmSite
  let tree: string
  let clients = 0
  beforeAll(async () => {
    site = await openRpmSite({ packages: upstream() })
    await site.publish(['web'])
    tree = await unpackZypper(site.workspace.path('zypper'))
  })
  afterAll(() => site[Symbol.asyncDispose]())

  async function createClient(change = (repo: string): string => repo): Promise<ZypperClient> {
    const client = await createZypperClient(tree, site.workspace.path(`zypper-client${++clients}`))
    await client.setRepo(change(await fetchRepo(site.controller.url, 'el9')))
    return client
  }

  it('installs from the mirror alone, its metadata verified by its key, and follows it', async () => {
    const client = await createClient()
    const refreshed = await client.zypper(['refresh'], { trusting: true })
    expect(refreshed.exitCode, refreshed.output).toBe(0)
    const made = await client.zypper(['install', '--', 'web'], { trusting: true })
    expect(made.exitCode, made.output).toBe(0)
    expect(made.output).not.toMatch(/unsigned|unknown key|verification failed/i)
    expect(await client.installed()).toEqual(['libweb-1.2-1.x86_64', 'web-1.0-1.x86_64', 'web-theme-3-1.noarch'])
    expect((await client.zypper(['install', '--', 'extra'])).output).toContain("'extra' not found")
    await site.publish(['web', 'extra'])
    await client.zypper(['refresh'])
    const extra = await client.zypper(['install', '--', 'extra'])
    expect(extra.exitCode, extra.output).toBe(0)
    expect(await client.installed()).toContain('extra-1-1.x86_64')
  })

  it('refuses metadata while the key of the mirror is unknown', async () => {
    const client = await createClient((repo) => repo.replace(/gpgkey=.*\n( .*\n)*/, ''))
    const refreshed = await client.zypper(['refresh'])
    expect(refreshed.exitCode, refreshed.output).not.toBe(0)
    expect(refreshed.output).toMatch(/unknown key|Signature verification failed/)
  })
})
