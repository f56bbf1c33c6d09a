import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile, link } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeArchive } from '../../testing/archive.ts'
import { writeLayout } from '../../testing/write-layout.ts'
import { readRoot } from './read-root.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-root-'))
  await mkdir(join(folder, 'spool'))
})
afterEach(() => rm(folder, { recursive: true }))

const layer = 'application/vnd.oci.image.layer.v1.tar'
const options = () => ({ spoolFolder: join(folder, 'spool'), signal: new AbortController().signal, maxBytes: 100_000 })
const read = (digest?: string) =>
  readRoot({ layout: join(folder, 'l'), ...(digest === undefined ? {} : { digest }) }, options())

describe('readRoot of a layout', () => {
  it('lays layers of every kind over one another', async () => {
    const layers = [
      { bytes: await makeArchive([{ name: 'a', content: '1' }]), mediaType: layer },
      { bytes: gzipSync(await makeArchive([{ name: 'b', content: '2' }])), mediaType: `${layer}+gzip` },
      { bytes: zstdCompressSync(await makeArchive([{ name: 'c', content: '3' }])), mediaType: `${layer}+zstd` },
      {
        bytes: gzipSync(await makeArchive([{ name: '.wh.a' }])),
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      },
    ]
    const config = { Entrypoint: ['/x'], Cmd: null, Env: ['A=b'], WorkingDir: '', User: 'u' }
    await writeLayout(join(folder, 'l'), { layers, config })
    const root = await read()
    expect([...root.tree.entries()].map(([path]) => path)).toEqual(['/b', '/c'])
    expect(root.config).toEqual({
      architecture: 'amd64',
      os: 'linux',
      entrypoint: ['/x'],
      command: [],
      environment: ['A=b'],
      workingFolder: '/',
      user: 'u',
    })
  })

  it('takes the image of a digest, else that for this machine, of several', async () => {
    const arm = await writeLayout(join(folder, 'l'), { layers: [], architecture: 'arm64' })
    const here = await writeLayout(join(folder, 'l'), { layers: [] })
    const manifests = [
      { ...arm, platform: { os: 'linux', architecture: 'arm64' } },
      { ...here, platform: { os: 'linux', architecture: 'amd64' } },
    ]
    await writeFile(join(folder, 'l/index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
    expect((await read()).config?.architecture).toBe('amd64')
    expect((await read(arm.digest)).config?.architecture).toBe('arm64')
    await expect(read(`sha256:${'0'.repeat(64)}`)).rejects.toThrow(/no image of the digest/)
    await writeFile(join(folder, 'l/index.json'), JSON.stringify({ manifests: [...manifests, manifests[1]] }))
    await expect(read()).rejects.toThrow(/2 images for linux\/amd64/)
  })

  const bad: [string, (path: string) => Promise<void>, RegExp][] = [
    ['no index', () => rm(join(folder, 'l/index.json')), /no OCI image layout/],
    ['an index that is no JSON', () => writeFile(join(folder, 'l/index.json'), '{'), /no JSON/],
    ['an index of nothing', () => writeFile(join(folder, 'l/index.json'), '{"manifests":[]}'), /0 images/],
    [
      'a digest that is a path',
      () =>
        writeFile(join(folder, 'l/index.json'), '{"manifests":[{"mediaType":"a","digest":"sha256:../../x","size":1}]}'),
      /digest/,
    ],
    ['a layer that is gone', (path) => rm(path), /is missing/],
    ['a layer cut short', (path) => truncate(path, 100), /has 100 bytes/],
    ['a layer with other bytes', (path) => change(path), /not those of its digest/],
  ]
  it.each(bad)('refuses %s', async (_, damage, message) => {
    const bytes = await makeArchive([{ name: 'a', content: 'x'.repeat(1000) }])
    await writeLayout(join(folder, 'l'), { layers: [{ bytes }] })
    const hex = /"layers":\[\{[^}]*sha256:([0-9a-f]+)/.exec(await manifestText())![1]!
    await damage(join(folder, 'l/blobs/sha256', hex))
    const error = await read().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'DISK_IMAGE_SOURCE_INVALID' })
    expect(String(error)).toMatch(message)
  })

  it('refuses a layer that unpacks to more than it may, or is of another kind', async () => {
    const bytes = gzipSync(await makeArchive([{ name: 'a', content: Buffer.alloc(200_000) }]))
    await writeLayout(join(folder, 'l'), { layers: [{ bytes, mediaType: `${layer}+gzip` }] })
    await expect(read()).rejects.toMatchObject({ code: 'DECOMPRESS_BOMB' })
    await writeLayout(join(folder, 'l'), { layers: [{ bytes, mediaType: `${layer}+encrypted` }] })
    await expect(read()).rejects.toMatchObject({ code: 'DISK_IMAGE_SOURCE_INVALID' })
  })
})

describe('readRoot of archives', () => {
  it('lays one over the other', async () => {
    const paths = ['below', 'above'].map((name) => join(folder, `${name}.tar`))
    await writeFile(paths[0]!, await makeArchive([{ name: 'd/kept', content: 'k' }, { name: 'd/changed', content: 'old' }])) // prettier-ignore
    await writeFile(paths[1]!, await makeArchive([{ name: 'd/changed', content: 'newer' }]))
    const { tree, config } = await readRoot({ archives: paths }, options())
    expect(config).toBeUndefined()
    expect(tree.find('/d/kept')).toMatchObject({ kind: 'file', sizeBytes: 1 })
    expect(tree.find('/d/changed')).toMatchObject({ kind: 'file', sizeBytes: 5 })
  })

  it('refuses what is no archive, by its name', async () => {
    const path = join(folder, 'none.tar')
    await writeFile(path, 'x'.repeat(2000))
    const reading = readRoot({ archives: [path] }, options())
    await expect(reading).rejects.toMatchObject({
      code: 'DISK_IMAGE_SOURCE_INVALID',
      message: expect.stringContaining(path) as string,
    })
  })
})

describe('readRoot of a folder', () => {
  it('reads files, links and what they are', async () => {
    const root = join(folder, 'root')
    await mkdir(join(root, 'd'), { recursive: true })
    await writeFile(join(root, 'd/a'), 'x', { mode: 0o640 })
    await link(join(root, 'd/a'), join(root, 'd/b'))
    await symlink('/etc/passwd', join(root, 'out'))
    await writeFile(Buffer.from(`${root}/\xff`, 'latin1'), '')
    const { tree, config } = await readRoot({ folder: root }, options())
    expect(config).toBeUndefined()
    expect([...tree.entries()].map(([path, { kind }]) => `${kind} ${path}`)).toEqual([
      'folder /d',
      'file /d/a',
      'file /d/b',
      'symlink /out',
      'file /\xff',
    ])
    expect(tree.find('/d/a')).toBe(tree.find('/d/b'))
    expect(tree.find('/d/a')).toMatchObject({ sizeBytes: 1, attributes: { mode: 0o640 } })
    expect(tree.find('/out')).toBeUndefined()
  })

  it('refuses what is no folder', async () => {
    await expect(readRoot({ folder: join(folder, 'none') }, options())).rejects.toThrow(/not there/)
    await writeFile(join(folder, 'file'), '')
    await expect(readRoot({ folder: join(folder, 'file') }, options())).rejects.toThrow(/no folder/)
  })
})

async function manifestText(): Promise<string> {
  const index = JSON.parse(await readFile(join(folder, 'l/index.json'), 'utf8')) as { manifests: { digest: string }[] }
  return await readFile(join(folder, 'l/blobs/sha256', index.manifests[0]!.digest.slice(7)), 'utf8')
}

async function change(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[600] = bytes[600]! ^ 1
  await writeFile(path, bytes)
}
