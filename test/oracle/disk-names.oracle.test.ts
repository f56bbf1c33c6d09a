import { mkdir, mkdtemp, open, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { planDisk } from '../../src/oci/disk-image/disk/disk-plan.ts'
import { makeExt4 } from '../../src/oci/disk-image/disk/ext4.ts'
import { ContentSpool } from '../../src/oci/disk-image/source/content-spool.ts'
import { RootTree, type Attributes } from '../../src/oci/disk-image/source/root-tree.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-names-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Bytes that a shell, debugfs or a reader of UTF-8 may take for something else, each as a character of latin1. */
const nasty = fc.constantFrom(...'ab \\"\'<>#-$`*?;|&~!()[]{}=%:,.@\u00e9\u00ff\u0080'.split(''))
const name = fc
  .array(nasty, { minLength: 1, maxLength: 12 })
  .map((signs) => signs.join(''))
  .filter((text) => text !== '.' && text !== '..' && text !== 'lost+found')
const entry = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 3 }),
  what: fc.constantFrom('file', 'symlink', 'folder'),
  text: fc.array(nasty, { minLength: 1, maxLength: 20 }).map((signs) => signs.join('')),
})

const attributes: Attributes = { mode: 0o755, uid: 0, gid: 0, modifiedAtS: 1, extendedAttributes: new Map() }

it('debugfs gives back whatever names, targets and contents a tree has', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 40 }), async (entries) => {
      const run = await mkdtemp(join(folder, 'run-'))
      for (const inner of ['spool', 'work', 'dump']) await mkdir(join(run, inner))
      const spool = new ContentSpool(join(run, 'spool'))
      const tree = new RootTree()
      for (const { path, what, text } of entries) {
        // What stands in the way of what comes later is left out: that is another test.
        if (path.some((_, index) => index > 0 && isInTheWay(tree, path.slice(0, index)))) continue
        const at = `/${path.join('/')}`
        if (what === 'file') tree.put(at, await spool.writeFile(text, attributes))
        else if (what === 'symlink') tree.put(at, { kind: 'symlink', attributes, target: text })
        else tree.put(at, { kind: 'folder', attributes, entries: new Map() })
      }
      const diskPath = join(run, 'disk')
      const plan = planDisk(tree, { hasEfi: false, sizeBytes: 80 * 1024 * 1024 })
      const file = await open(diskPath, 'wx')
      await file.truncate(plan.diskBytes)
      await file.close()
      const uuid = '11111111-2222-8333-8444-555555555555'
      const facts = { label: 'root', uuid, hashSeed: uuid, createdAt: new Date(0), workFolder: join(run, 'work') }
      await makeExt4({ diskPath, plan, tree, signal: new AbortController().signal, ...facts })
      const dump = join(run, 'dump')
      const volume = `${diskPath}?offset=${plan.root.startBytes}`
      await execa('/usr/sbin/debugfs', ['-R', `rdump / ${dump}`, volume], { stdin: 'ignore' })
      expect(await listFolder(dump)).toEqual(await listTree(tree))
      await rm(run, { recursive: true })
    }),
    { numRuns: 20 },
  )
})

function isInTheWay(tree: RootTree, path: readonly string[]): boolean {
  const node = tree.find(`/${path.join('/')}`, { followsLast: false })
  return node !== undefined && node.kind !== 'folder'
}

async function listTree(tree: RootTree): Promise<string[]> {
  const lines: string[] = []
  for (const [path, node] of tree.entries()) {
    if (node.kind === 'symlink') lines.push(`${path} -> ${node.target}`)
    else lines.push(node.kind === 'file' ? `${path} = ${await readFile(node.contentPath, 'utf8')}` : path)
  }
  return lines.sort()
}

/** Of file names as strings of bytes; what is in files is UTF-8. */
async function listFolder(root: string, parent = ''): Promise<string[]> {
  const lines: string[] = []
  const inBytes = (path: string) => Buffer.from(root + path, 'latin1')
  for (const { name: encoded, ...kind } of await describeFolder(inBytes(`${parent}/`))) {
    const path = `${parent}/${encoded}`
    if (path === '/lost+found') continue
    if (kind.isSymlink) lines.push(`${path} -> ${await readlink(inBytes(path), { encoding: 'latin1' })}`)
    else if (kind.isFolder) lines.push(path, ...(await listFolder(root, path)))
    else lines.push(`${path} = ${await readFile(inBytes(path), 'utf8')}`)
  }
  return lines.sort()
}

async function describeFolder(path: Buffer) {
  const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
  return entries.map((one) => ({
    name: Buffer.from(one.name).toString('latin1'),
    isFolder: one.isDirectory(),
    isSymlink: one.isSymbolicLink(),
  }))
}
