import { createReadStream } from 'node:fs'
import { LarderError, type Digest } from '../core/index.ts'
import type { ListedPackage } from './format.ts'
import type { MirrorConfig, UpstreamConfig } from './mirror-schema.ts'

/** A package of one's own, as its file says. JSON. */
export interface OwnPackage {
  name: string
  version: string
  architecture: string
  /** In the repository of one's own: made of the three. */
  fileName: string
  sizeBytes: number
  digest: Digest
}

/** A package file on this host. */
export interface OwnFile {
  path: string
  /** Named in errors. */
  label: string
  sizeBytes: number
  digest: Digest
}

export interface OwnPolicy {
  mirror: MirrorConfig
  /** Keys that the mirror names: files of the site, or of this host. */
  readKey: (path: string) => Promise<Buffer | undefined>
  now: Date
  signal: AbortSignal
}

/** What makes a folder of packages a repository. */
export interface OwnRepository {
  /** Index files, relative to the folder. */
  files: { path: string; bytes: Buffer }[]
  /** The upstream that leads there. */
  config: UpstreamConfig
}

/** What a format does with packages of one's own. */
export interface OwnPackageReader {
  /** What the file says of itself. OWN_PACKAGE_REFUSED, *_MALFORMED, SIGNATURE_*: by the policy of the mirror. */
  read(file: OwnFile, policy: OwnPolicy): Promise<OwnPackage>
  /** `folder`: absolute, with a file for each package. */
  describe(
    folder: string,
    packages: readonly OwnPackage[],
    policy: Pick<OwnPolicy, 'mirror' | 'now' | 'signal'>,
  ): Promise<OwnRepository>
}

/** Where a mirror's own packages are, and that they are wanted. */
export interface OwnUpstream {
  config: UpstreamConfig
  packages: readonly OwnPackage[]
}

/** Name of the upstream that holds a mirror's own packages. Those of larder.yaml are in small letters. */
export const ownUpstreamName = 'OWN'

/** All of them are listed, each at its version. */
export function listOwn({ packages }: OwnUpstream): ListedPackage[] {
  return packages.map(({ name, version, architecture }) => ({
    name,
    constraint: { operator: '=', version },
    architecture,
    exclude: [],
    position: { file: ownUpstreamName, line: 1, column: 1 },
  }))
}

/** Bytes of a file, as the readers of packages take them. */
export function sourceOf({ path, label, sizeBytes }: OwnFile): {
  label: string
  sizeBytes: number
  read(range: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>
} {
  return {
    label,
    sizeBytes,
    // A stream wants its end inclusive, which cannot say "nothing".
    read: ({ start, end }) =>
      Promise.resolve(end > start ? createReadStream(path, { start, end: end - 1 }) : createReadStream('/dev/null')),
  }
}

export function refused(label: string, why: string, hint: string): LarderError {
  return new LarderError('OWN_PACKAGE_REFUSED', { message: `${label}: ${why}.`, hint, context: { label } })
}

/** Of a package for another architecture than the mirror's. OWN_PACKAGE_REFUSED. */
export function refuseArchitecture(label: string, architecture: string, { mirror }: Pick<OwnPolicy, 'mirror'>): void {
  const wanted = mirror['architectures'] as readonly string[]
  const independent = ['all', 'noarch']
  if (wanted.includes(architecture) || independent.includes(architecture)) return
  throw refused(
    label,
    `it is for ${architecture}, and the mirror holds ${wanted.join(', ')}`,
    'Build it for one of these, or add the architecture to the mirror in larder.yaml.',
  )
}
