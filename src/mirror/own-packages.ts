import { createReadStream } from 'node:fs'
import { LarderError, type Digest } from '../core/index.ts'
import type { SigningKey } from '../publish/index.ts'
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
  /** Of the file that was given, where it was signed here and is another since. */
  givenDigest?: Digest
  /** Fingerprint of the key whose signature was found in it, or was put there; undefined where nobody asked. */
  signedBy?: string
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
  /** The key of the mirror, for formats that sign packages. */
  signingKey: () => Promise<SigningKey>
  now: Date
  signal: AbortSignal
}

/** What makes a folder of packages a repository. */
export interface OwnRepository {
  /** Index files, relative to the folder. */
  files: { path: string; bytes: Buffer }[]
  /** Those of `files` with keys that the upstream trusts, besides the ones that it names. */
  keyFiles?: readonly string[]
  /** The upstream that leads there. */
  config: UpstreamConfig
}

/** What a format does with packages of one's own. */
export interface OwnPackageReader {
  /**
   * What the file says of itself. Where the policy of the mirror is that packages are signed here, the file is another
   * one afterwards, whole at every moment. OWN_PACKAGE_REFUSED, *_MALFORMED, SIGNATURE_*, KEY_LOCKED, DISK_FULL.
   */
  accept(file: OwnFile, policy: OwnPolicy): Promise<OwnPackage>
  /** `folder`: absolute, with a file for each package. `keys`: armored, of those that packages were signed with here. */
  describe(
    folder: string,
    packages: readonly OwnPackage[],
    policy: Pick<OwnPolicy, 'mirror' | 'now' | 'signal'> & { keys: readonly string[] },
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
