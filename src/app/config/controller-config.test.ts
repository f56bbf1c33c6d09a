import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defaultControllerConfig } from './controller-config.ts'
import { parseControllerConfig, readControllerConfig } from './read-controller-config.ts'

const parse = (text: string) => parseControllerConfig(Buffer.from(text), 'controller.yaml')

test('what is not said has a default', () => {
  expect(parse('')).toEqual(defaultControllerConfig)
  expect(parse('forge: { type: github, url: "https://git.example.org/campus/site.git" }')).toEqual({
    forge: {
      type: 'github',
      url: 'https://git.example.org/campus/site.git',
      pollSeconds: 60,
      forks: { plan: true, preview: true, maxPackages: 2000, maxFetchMB: 2000 },
      fetch: 'full',
      lfs: false,
      submodules: false,
    },
    previews: { keepDays: 7, max: 20, maxMB: 20_000, perRunMB: 5000 },
    builds: { cacheMB: 20_000 },
    machines: { lookMinutes: 10 },
    notify: [],
    registry: { anonymousPull: true, minFreeMB: 0, cache: {}, users: [] },
    trustedProxies: [],
  })
})

test.each([
  ['forge: { type: githb, url: "https://a/b/c" }', 'controller.yaml:1:16'],
  ['forge:\n  type: github\n', 'url'],
  ['forge:\n  type: git\n  url: ext::sh -c id\n', 'controller.yaml:3:8'],
  ['forge:\n  type: git\n  url: -uhttps://a/b\n', 'controller.yaml:3:8'],
  ['forge: { type: github, url: "https://a/b/c", tokenfile: x }', 'tokenFile'],
  ['forge: { type: github, url: "https://a/b/c", repository: "../x" }', 'controller.yaml:1:58'],
  ['forge: { type: git, url: "ssh://git@a/b.git", lfs: true }', 'controller.yaml:1:52: "lfs": false'],
  ['forge: { type: git, url: /srv/b.git, lfs: true }', 'https://'],
  ['notify: [{ url: "javascript:alert(1)" }]', 'controller.yaml:1:17'],
  ['notify: [{ url: "https://a", events: [run.finnished] }]', 'controller.yaml:1:39'],
  ['previews: { max: -1 }', 'controller.yaml:1:18'],
  ['registry: { cache: { hub: { url: "http://registry.example.org" } } }', 'controller.yaml:1:34'],
  ['registry: { cache: { hub: { url: "https://ci:secret@registry.example.org" } } }', 'controller.yaml:1:34'],
  ['registry: { cache: { hub: { url: "https://registry.example.org", user: ci } } }', 'passwordFile'],
  ['registry: { cache: { a/b: { url: "https://registry.example.org" } } }', 'controller.yaml:1:22'],
  ['trustedProxies: [10.0.0.0/33]', 'controller.yaml:1:18'],
  ['tls: { certificateFile: a.crt }', 'certificateFile and keyFile belong together'],
  ['tls: { authorityFile: ca.crt }', 'authorityFile belongs to certificateFile'],
  ['forge: [', 'controller.yaml:1'],
  ['- forge', 'controller.yaml:1:1'],
])('%j is refused where it is wrong', (text, where) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => parse(text)).toThrow(where)
})

test('it is read from the data folder, and --repository is short for a forge without pull requests', async () => {
  const root = await mkdtemp(join(tmpdir(), 'larder-config-'))
  try {
    expect(await readControllerConfig({ root })).toEqual(defaultControllerConfig)
    const short = await readControllerConfig({ root, repositoryUrl: 'file:///srv/site.git' })
    expect(short.forge).toMatchObject({ type: 'git', url: 'file:///srv/site.git' })
    await writeFile(join(root, 'controller.yaml'), 'forge: { type: gitea, url: "https://a/b/c.git" }\n')
    expect((await readControllerConfig({ root })).forge?.type).toBe('gitea')
    await expect(readControllerConfig({ root, repositoryUrl: '/x' })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(readControllerConfig({ root, file: join(root, 'none') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  } finally {
    await rm(root, { recursive: true })
  }
})

test.each([
  ['https://user:secret@git.example.org/site.git', false],
  ['https://ghp_secret@git.example.org/site.git', false],
  ['http://user:secret@127.0.0.1:3000/site.git', false],
  ['ssh://git:secret@git.example.org/site.git', false],
  ['ssh://git@git.example.org/site.git', true],
  ['https://git.example.org/site.git', true],
  ['/srv/a:b@c.git', true],
])('--repository %s: %s', async (repositoryUrl, isTaken) => {
  const reading = readControllerConfig({ root: '/nonexistent', repositoryUrl })
  if (isTaken) expect((await reading).forge).toMatchObject({ url: repositoryUrl })
  else await expect(reading).rejects.toMatchObject({ code: 'USAGE', message: expect.not.stringContaining('secret') })
})

test('--repository that is no address is told as that', async () => {
  await expect(readControllerConfig({ root: '/nonexistent', repositoryUrl: 'nowhere' })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/^--repository nowhere cannot be used; expected an address of a Git repository/),
    hint: expect.stringContaining('git clone'),
  })
})
