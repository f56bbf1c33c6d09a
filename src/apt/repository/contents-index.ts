import { createHash } from 'node:crypto'
import { sortByBytes } from '../deb/index.ts'
import type { FileLists } from './file-lists.ts'
import { mayBeginChunk, planChunks, type Chunk, type IndexPlan, type Remembered } from '../../pieces/index.ts'
import type { PlacedPackage } from './placed-package.ts'
import { membersOf, type Layout } from './plan-indices.ts'

/**
 * `Contents-<architecture>` of each component: which package has a file. Packages of architecture `all` are in each.
 * Merges in memory: about 100 bytes for each file of each package, one index at a time.
 * Source: Debian wiki DebianRepository/Format, "Contents indices".
 */
export async function planContents(
  packages: readonly PlacedPackage[],
  layout: Layout,
  options: { lists: FileLists; remembered: Remembered },
): Promise<{ plans: IndexPlan[]; remembered: Map<string, readonly string[]> }> {
  const plans: IndexPlan[] = []
  const remembered = new Map<string, readonly string[]>()
  for (const component of layout.components) {
    for (const architecture of layout.architectures) {
      const members = membersOf(packages, component, architecture)
      const key = keyOf(members)
      const known = options.remembered.get(key)
      const chunks =
        known?.map(knownChunk) ??
        planChunks('contents 1\n', await mergeLists(members, options.lists), {
          fingerprint: (line) => line.text,
          render: (line) => Buffer.from(line.text),
        })
      remembered.set(
        key,
        chunks.map((chunk) => chunk.key),
      )
      plans.push({ path: `dists/${layout.suite}/${component}/Contents-${architecture}`, chunks, encodings: ['gz'] })
    }
  }
  return { plans, remembered }
}

interface ContentsLine {
  name: string
  mayBegin: boolean
  text: string
}

async function mergeLists(members: readonly PlacedPackage[], lists: FileLists): Promise<ContentsLine[]> {
  await lists.prepare(members.map((item) => item.source))
  const locations = new Map<string, string>()
  for (const item of members) {
    const location = locationOf(item)
    for (const path of await lists.of(item.source)) addLocation(locations, path, location)
  }
  return sortByBytes([...locations.keys()]).map((name) => ({
    name,
    mayBegin: mayBeginChunk(name),
    text: `${name}\t${locations.get(name)!}\n`,
  }))
}

/** Several versions of a package have most of their files in common. */
function addLocation(locations: Map<string, string>, path: string, location: string): void {
  const others = locations.get(path)
  if (others === undefined) locations.set(path, location)
  else if (!others.split(',').includes(location)) locations.set(path, `${others},${location}`)
}

/** `net/nmap`: section as its stanza says, and name. */
function locationOf(item: PlacedPackage): string {
  const section = /^Section:[ \t]*([A-Za-z0-9/+._-]+)[ \t\r]*$/im.exec(item.source.stanza().toString('latin1'))?.[1]
  return section === undefined ? item.name : `${section}/${item.name}`
}

function knownChunk(key: string): Chunk {
  return {
    key,
    render: () => {
      throw new Error('a remembered piece of Contents is no longer known')
    },
  }
}

function keyOf(members: readonly PlacedPackage[]): string {
  let known = 'contents 1\n'
  for (const item of members) known += item.fingerprint
  return createHash('sha256').update(known).digest('hex')
}
