import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readRoot } from '../../src/oci/disk-image/source/read-root.ts'
import { startOpenRegistry, type OpenRegistry } from './support/open-registry.ts'
import { sha256Of } from './support/registry-client.ts'
import { openWorkspace, type Workspace } from './support/workspace.ts'

const files = 20
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

let workspace: Workspace
let registry: OpenRegistry
beforeAll(async () => {
  workspace = await openWorkspace()
  registry = await startOpenRegistry()
  await writeFile(workspace.path('policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
  const [graph, running] = [workspace.path('storage'), workspace.path('run')]
  await writeFile(
    workspace.path('storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${graph}"\nrunroot = "${running}"\n`,
  )
  const context = workspace.path('context')
  await mkdir(context)
  for (let number = 0; number < files; number++)
    await writeFile(join(context, `page${number}`), `page ${number}\n`.repeat(5000))
  await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY page* /\n')
  await run('buildah', 'bud', '--quiet', '--tag', 'localhost/book:1', ...policy(), context)
  await run('buildah', 'push', '--quiet', ...policy(), 'localhost/book:1', `oci:${workspace.path('gzip')}:1`)
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await workspace[Symbol.asyncDispose]()
})

const policy = (): string[] => ['--signature-policy', workspace.path('policy.json')]

/** Nothing of this host's own storage or settings. */
async function run(program: string, ...args: string[]): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    HOME: workspace.folder,
    XDG_RUNTIME_DIR: workspace.folder,
    CONTAINERS_STORAGE_CONF: workspace.path('storage.conf'),
    BUILDAH_ISOLATION: 'chroot',
  }
  await execa(program, args, { env, extendEnv: false, stdin: 'ignore', timeout: 120_000 })
}
const skopeo = (...args: string[]) => run('skopeo', '--policy', workspace.path('policy.json'), ...args)

it('a layer of one frame, by skopeo, is pushed, pulled and read as that of gzip', async () => {
  const local = `dir:${workspace.path('zstd')}`
  await skopeo('copy', '--dest-compress', '--dest-compress-format', 'zstd', `oci:${workspace.path('gzip')}:1`, local)
  expect(await framesThrough('one', local)).toBe(1)
  expect(await rootOf('one')).toEqual(await rootOf('gzip'))
})

it('a layer of a frame for each file (zstd:chunked), by podman, is pushed, pulled and read as that of gzip', async () => {
  const local = `oci:${workspace.path('chunked')}:1`
  await run('podman', 'push', '--quiet', ...policy(), '--compression-format', 'zstd:chunked', 'localhost/book:1', local)
  expect(await framesThrough('many', local)).toBeGreaterThan(files)
  const root = await rootOf('many')
  expect(root).toEqual(await rootOf('gzip'))
  expect(root).toHaveLength(files)
})

/** Copies through the registry into a layout of this name. Answers of how many frames its layer is. */
async function framesThrough(name: string, local: string): Promise<number> {
  const remote = `docker://${new URL(registry.url).host}/team/${name}:1`
  await skopeo('copy', '--dest-tls-verify=false', local, remote)
  await skopeo('copy', '--src-tls-verify=false', remote, `oci:${workspace.path(name)}:1`)
  const read = async (digest: string) => readFile(workspace.path(`${name}/blobs/sha256/${digest.slice(7)}`))
  const index = JSON.parse(await readFile(workspace.path(`${name}/index.json`), 'utf8')) as {
    manifests: { digest: string }[]
  }
  const manifest = JSON.parse((await read(index.manifests[0]!.digest)).toString()) as {
    layers: { digest: string; mediaType: string }[]
  }
  const [layer] = manifest.layers
  expect(layer!.mediaType).toMatch(/\+zstd$/)
  const bytes = await read(layer!.digest)
  let count = 0
  for (let at = bytes.indexOf(zstdMagic); at !== -1; at = bytes.indexOf(zstdMagic, at + 4)) count++
  return count
}

/** Paths of the files of a layout, with the digests of their bytes, as Larder reads them. */
async function rootOf(layout: string): Promise<string[][]> {
  const spoolFolder = await mkdtemp(workspace.path('spool-'))
  const { signal } = new AbortController()
  const { tree } = await readRoot({ layout: workspace.path(layout) }, { spoolFolder, signal })
  const found: string[][] = []
  for (const [path, node] of tree.entries())
    if (node.kind === 'file') found.push([path, sha256Of(await readFile(node.contentPath))])
  return found.sort(([left = ''], [right = '']) => (left < right ? -1 : 1))
}
