import { join } from 'node:path'
import { digestOf, hexOf, namesIn, type Digest } from '../../../core/index.ts'
import { writePrivateFile } from '../../../publish/index.ts'
import { readIfThere } from '../../read-if-there.ts'
import type { BaseRootOptions } from './base-root.ts'

/** Which base was found to be what is asked for, of the newest snapshot that somebody has asked about. */
export interface BaseMemory {
  /** Undefined: of another snapshot, or never asked. */
  get(): Promise<Digest | undefined>
  set(digest: Digest): Promise<void>
}

interface Remembered {
  /** What reaches the mirror; another address may be another mirror. */
  source: string
  snapshot: number
  digest: Digest
}

/** A file for each mirror and list of packages, beside the bases: to find out takes seconds. */
export function baseMemory(
  folder: string,
  { source: mirror, packages }: Pick<BaseRootOptions, 'source' | 'packages'>,
): BaseMemory {
  const { format, name, source, snapshot } = mirror
  const path = join(folder, `${hexOf(digestOf(JSON.stringify({ format, name, packages })))}.json`)
  return {
    async get() {
      const text = await readIfThere(path)
      const known = text === undefined ? undefined : (JSON.parse(text) as Remembered)
      return known?.source === source && known.snapshot === snapshot ? known.digest : undefined
    },
    set: (digest) => writePrivateFile(path, JSON.stringify({ source, snapshot, digest } satisfies Remembered)),
  }
}

/** Digests that machines which are made now begin with. */
export async function currentBases(folder: string): Promise<ReadonlySet<string>> {
  const names = (await namesIn(folder)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
  const texts = await Promise.all(names.map((name) => readIfThere(join(folder, name))))
  return new Set(texts.flatMap((text) => (text === undefined ? [] : [(JSON.parse(text) as Remembered).digest])))
}
