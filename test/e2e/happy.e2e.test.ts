import { mkdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { TestPackage } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { openSite } from './support/open-site.ts'
import { waitForRuns, waitForSuccess } from './support/wait-for-run.ts'

function packages(): TestPackage[] {
  return [
    { name: 'web', version: '1.22-1', fields: { Depends: 'libweb (>= 1.20), web-core | web-light' } },
    { name: 'libweb', version: '1.22-1', fields: { Depends: 'zlib' } },
    { name: 'web-core', version: '2.0' },
    { name: 'web-light', version: '2.0' },
    { name: 'zlib', version: '1:1.3' },
    { name: 'tool', version: '7.93', architecture: 'all' },
  ]
}

it('a push is planned to the pusher, published, and installed from by the real apt', async () => {
  await using site = await openSite({ packages: packages() })
  const first = await site.push(site.files(['web']))
  expect(first.accepted, first.output).toBe(true)
  const told = first.remote.join('\n')
  expect(told).toMatch(/create mirror base: \+4 packages; 4 in all; [0-9.]+ kB to fetch/)
  expect(told).toMatch(/\+ web 1\.22-1 amd64 \([0-9]+ B, test; listed\)/)
  expect(told).toMatch(/\+ zlib 1:1\.3 amd64 \([0-9]+ B, test; libweb/)
  expect(told).toMatch(/\+ web-core 2\.0/)
  expect(told).not.toMatch(/web-light 2\.0|tool/)
  await waitForSuccess(site.controller.client)

  const client = await site.client()
  const fetched = await client.download('web')
  expect(fetched.output).not.toMatch(complaint)
  expect(fetched.debs).toEqual([
    'libweb_1.22-1_amd64.deb',
    'web-core_2.0_amd64.deb',
    'web_1.22-1_amd64.deb',
    'zlib_1%3a1.3_amd64.deb',
  ])

  const second = await site.push(site.files(['web', 'tool']))
  expect(second.remote.join('\n')).toMatch(/update mirror base: \+1 package; 5 in all/)
  await waitForSuccess(site.controller.client)
  site.upstream.clearLog()
  expect((await client.update()).output).not.toMatch(complaint)
  expect((await client.download('tool')).debs).toContain('tool_7.93_all.deb')
})

it.each([
  ['a name that upstream does not have', ['web', 'wbe'], /packages\.json:3:3: .*wbe.*web/s],
  ['a version that upstream does not have', ['web', 'tool (>= 8)'], /packages\.json:3:3: .*tool.*8.*7\.93/s],
])('%s on main is refused with its position, and nothing changes', async (_name, list, expected) => {
  await using site = await openSite({ packages: packages() })
  await site.publish(['web'])
  const head = await site.clone.git('rev-parse', 'HEAD')
  const before = await site.controller.client.mirror('base')
  const refused = await site.push(site.files(list))
  expect(refused.accepted).toBe(false)
  expect(refused.remote.join('\n')).toMatch(expected)
  expect(await site.clone.git('ls-remote', `${site.controller.url}/git/site.git`, 'refs/heads/main')).toContain(head)
  expect(await site.controller.client.mirror('base')).toEqual(before)
  expect(await site.controller.client.runs({ limit: 10 })).toHaveLength(1)
})

it('every mistake of every file is told at once', async () => {
  await using site = await openSite({ packages: packages() })
  const files = site.files(['web'], {
    base: {},
    other: { packages: 'other.json', more: ['architecturs: [i386]', 'label: 7'] },
  })
  const refused = await site.push({ ...files, 'packages.json': '[\n  "web",\n  { "nam": "tool" },\n  "UPPER"\n]\n' })
  expect(refused.accepted).toBe(false)
  const told = refused.remote.join('\n')
  for (const position of [
    /larder\.yaml:\d+:\d+: .*architectures/,
    /larder\.yaml:\d+:\d+: .*label/,
    /packages\.json:3:\d+: .*name/,
    /packages\.json:4:3: .*UPPER/,
  ]) {
    expect(told).toMatch(position)
  }
  expect(await site.controller.client.runs({ limit: 10 })).toEqual([])
})

it('a site whose upstream can never be read is refused, not tried again and again', async () => {
  await using site = await openSite({ packages: packages() })
  const files = site.files(['web'])
  const key = Object.keys(files).find((name) => name.endsWith('.asc'))
  expect(key).toBeDefined()
  const refused = await site.push({ ...files, [key!]: 'no key at all\n' })
  expect(refused.accepted).toBe(false)
  expect(refused.remote.join('\n')).toMatch(/main must always be valid/)
  expect(await site.controller.client.runs({ limit: 10 })).toEqual([])
})

it('a push to another branch is planned, and publishes nothing', async () => {
  await using site = await openSite({ packages: packages() })
  await site.publish(['web'])
  const before = await site.controller.client.mirror('base')
  const result = await site.push(site.files(['web', 'tool']), 'add-tool')
  expect(result.accepted, result.output).toBe(true)
  expect(result.remote.join('\n')).toMatch(/update mirror base: \+1 package/)
  const run = await waitForSuccess(site.controller.client)
  expect(run).toMatchObject({ goal: 'plan', branch: 'add-tool', state: 'succeeded' })
  expect(run.plan).toMatchObject([{ subject: 'mirror base', action: 'update' }])
  expect(await site.controller.client.mirror('base')).toEqual(before)
  // What is wrong there is told, but a branch may be wrong.
  const wrong = await site.push(site.files(['wbe']), 'wrong')
  expect(wrong.accepted).toBe(true)
  expect(wrong.remote.join('\n')).toMatch(/packages\.json:2:3: .*wbe/)
  expect((await waitForRuns(site.controller.client)).error?.code).toBe('PACKAGE_UNKNOWN')
})

it('two mirrors of one site; one is taken out of larder.yaml, and put back', async () => {
  const both = { base: {}, tools: { packages: 'tools.json' } }
  await using site = await openSite({ packages: packages(), mirrors: both })
  const tools = '["tool"]\n'
  const publish = async (mirrors: Parameters<typeof site.files>[1]): Promise<void> => {
    const result = await site.push({ ...site.files(['web'], mirrors), 'tools.json': tools })
    expect(result.accepted, result.output).toBe(true)
    await waitForSuccess(site.controller.client)
  }
  await publish(both)
  const web = await site.client('base')
  const tool = await site.client('tools')
  expect(await web.candidate('tool')).toBeUndefined()
  expect(await tool.candidate('tool')).toBe('7.93')
  expect(await tool.candidate('web')).toBeUndefined()

  await publish({ base: {} })
  const release = `${site.controller.url}/apt/tools/dists/stable/InRelease`
  expect((await fetch(release)).status).toBe(404)
  expect((await tool.update()).exitCode).not.toBe(0)
  expect((await web.update()).output).not.toMatch(complaint)

  await publish(both)
  expect((await fetch(release)).status).toBe(200)
  expect((await tool.update()).output).not.toMatch(complaint)
  expect((await tool.download('tool')).debs).toEqual(['tool_7.93_all.deb'])
})

it('clients follow a rollback and a promote; diff and why tell what is what', async () => {
  await using site = await openSite({ packages: packages() })
  const { larder } = site.controller
  await site.publish(['web'])
  const client = await site.client()
  const suite = site.upstream.suite('stable')
  suite.packages[0]!.version = '1.24-1'
  // Made anew, since the fixture keeps each .deb that it has made.
  suite.packages[0] = { ...suite.packages[0]! }
  await site.upstream.publish()
  expect((await larder('mirror', 'sync')).exitCode).toBe(0)
  const offered = async (): Promise<string | undefined> => {
    expect((await client.update()).output).not.toMatch(complaint)
    return client.candidate('web')
  }
  expect(await offered()).toBe('1.24-1')

  const diff = (await larder('mirror', 'diff', 'base')).json<{
    changed: { before: object; after: object }[]
    added: object[]
  }>()
  expect(diff.changed).toMatchObject([{ before: { name: 'web', version: '1.22-1' }, after: { version: '1.24-1' } }])
  expect(diff.added).toEqual([])

  expect((await larder('mirror', 'rollback', 'base')).json()).toMatchObject({ snapshotNumber: 1, generation: 3 })
  expect(await offered()).toBe('1.22-1')
  expect((await client.download('web')).debs).toContain('web_1.22-1_amd64.deb')
  expect((await larder('mirror', 'promote', 'base', '2')).json()).toMatchObject({ snapshotNumber: 2, generation: 4 })
  expect(await offered()).toBe('1.24-1')

  const why = (await larder('mirror', 'why', 'base', 'zlib')).json<{ steps: { package: string }[] }[]>()
  expect(why[0]?.steps.map((step) => step.package)).toEqual(['web', 'libweb', 'zlib'])
})

it.each(['file', 'copy'])('an export is verified, and the real apt installs from it by %s:', async (method) => {
  await using site = await openSite({ packages: packages() })
  await site.publish(['web'])
  const folder = site.workspace.path('export')
  await mkdir(folder)
  const { larder } = site.controller
  expect((await larder('mirror', 'verify', 'base')).json()).toEqual([])
  expect((await larder('mirror', 'export', 'base', folder)).json()).toMatchObject({ removed: 0 })
  await site.publish(['web', 'tool'])
  expect((await larder('mirror', 'export', 'base', folder)).json<{ kept: number }>().kept).toBeGreaterThan(3)
  await site.publish(['tool'])
  expect((await larder('mirror', 'export', 'base', folder)).json<{ removed: number }>().removed).toBeGreaterThan(3)

  const client = await createAptClient(site.workspace.path('stick'))
  const source = await fetchSource(site.controller.url, 'base')
  await client.setSource(source.replace(/^URIs: .*$/m, `URIs: ${method}:${folder}`))
  await site.controller.stop()
  expect((await client.update()).output).not.toMatch(complaint)
  const fetched = await client.aptGet('install', '--yes', '--print-uris', 'tool')
  expect(fetched.output).toMatch(new RegExp(`'${method}:${folder}/pool/main/t/tool/tool_7.93_all.deb'`))
  expect((await client.download('tool')).exitCode).toBe(0)
  expect(await client.candidate('web')).toBeUndefined()
})

it('every command answers programs with one JSON document', async () => {
  await using site = await openSite({ packages: packages() })
  await site.publish(['web'])
  const commands: [words: string[], exitCode: number, shape: unknown][] = [
    [['mirror', 'ls'], 0, [{ name: 'base', packageCount: 4 }]],
    [['mirror', 'show', 'base'], 0, { snapshots: [{ number: 1 }], packages: [{}, {}, {}, {}] }],
    [['mirror', 'why', 'base', 'tool'], 1, []],
    [['run', 'ls'], 0, [{ id: 1, state: 'succeeded' }]],
    [['run', 'show', '1'], 0, { plan: [{ subject: 'mirror base' }], steps: [{ name: 'plan' }, {}, {}, {}] }],
    [['key', 'show', 'base'], 0, [{}]],
    [['key', 'rotate', 'base'], 0, [{}, {}]],
    [['gc'], 0, { removed: expect.any(Number), kept: expect.any(Number) }],
    [['schema', 'larder.yaml'], 0, { $schema: expect.any(String) }],
    [['check', site.clone.folder, '--offline'], 0, { ok: true, problems: [] }],
    [['run', 'show', '99'], 2, { error: { code: 'RUN_UNKNOWN' } }],
    [['mirror', 'show', 'nothing'], 2, { error: { code: 'MIRROR_UNKNOWN' } }],
    [['mirror', 'promote', 'base', '7'], 2, { error: { code: 'SNAPSHOT_UNKNOWN' } }],
    [['mirror', 'rollback', 'base'], 2, { error: { code: 'PUBLICATION_NONE' } }],
  ]
  for (const [words, exitCode, shape] of commands) {
    const result = await site.controller.larder(...words)
    expect({ words, exitCode: result.exitCode, said: result.stderr }).toMatchObject({ words, exitCode })
    expect(result.json(), words.join(' ')).toMatchObject(shape as object)
  }
})
