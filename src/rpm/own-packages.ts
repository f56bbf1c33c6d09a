import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hexOf } from '../core/index.ts'
import {
  refuseArchitecture,
  refused,
  sourceOf,
  type OwnFile,
  type OwnPackage,
  type OwnPackageReader,
  type OwnPolicy,
} from '../mirror/index.ts'
import { readRpm, toPackage } from './header/index.ts'
import { readTrusted } from './own-trust.ts'
import { formatRepomd } from './repomd.ts'
import { primaryNamespaces, primaryXml } from './repository/index.ts'
import { rpmUpstreamSchema } from './upstream-config.ts'
import { formatEvr } from './version.ts'

/** Packages of one's own as a repository; signed or not, as `ownKeys` and `signOwn` of the mirror say. */
export const ownPackages: OwnPackageReader = {
  async accept(given, policy) {
    const { file, rpm: headers, signature } = await readTrusted(given, policy)
    const rpm = toPackage(headers)
    if (rpm.architecture === 'src')
      throw refused(file.label, 'it is a source package', 'Give the packages that are built from it.')
    refuseArchitecture(file.label, rpm.architecture, policy)
    const { name, architecture, evr } = rpm
    const fileName = `${name}-${formatEvr({ ...evr, epoch: '0' })}.${architecture}.rpm`
    const version = formatEvr(evr)
    return { name, version, architecture, fileName, sizeBytes: file.sizeBytes, digest: file.digest, ...signature }
  },

  async describe(folder, packages, { mirror, now, keys }) {
    const fragments = await Promise.all(packages.map((one) => fragmentOf(folder, one)))
    const primary = Buffer.from(`${start(packages.length)}${fragments.join('')}</metadata>\n`)
    const checksum = { type: 'sha256' as const, hex: createHash('sha256').update(primary).digest('hex') }
    const timestamp = Math.floor(now.getTime() / 1000)
    const record = { type: 'primary', href: 'repodata/primary.xml', checksum, sizeBytes: primary.length, timestamp }
    const repomd = formatRepomd({ revision: String(timestamp), records: [record] })
    return {
      files: [
        { path: 'repodata/primary.xml', bytes: primary },
        { path: 'repodata/repomd.xml', bytes: Buffer.from(repomd) },
        ...keys.map((armored, index) => ({ path: `keys/${index + 1}.asc`, bytes: Buffer.from(armored) })),
      ],
      keyFiles: keys.map((_, index) => `keys/${index + 1}.asc`),
      config: {
        format: 'rpm',
        ...rpmUpstreamSchema.parse({ url: pathToFileURL(`${folder}/`).href, ...trust(mirror, packages) }),
      },
    }
  },
}

/** Where packages are signed here, those of before that are not keep clients from asking for signatures. */
function trust({ ownKeys, signOwn }: OwnPolicy['mirror'], packages: readonly OwnPackage[]): Record<string, unknown> {
  const keys = ownKeys === undefined ? {} : { keys: ownKeys }
  const gpgcheck = signOwn === true ? packages.every(({ signedBy }) => signedBy !== undefined) : ownKeys !== undefined
  // allowOlder: the clock of this host may have been put back.
  return { ...keys, gpgcheck, repoGpgcheck: false, allowUnsigned: true, allowOlder: true }
}

async function fragmentOf(folder: string, one: OwnPackage): Promise<string> {
  const file: OwnFile = { ...one, path: join(folder, one.fileName), label: one.fileName }
  const checksum = { type: 'sha256' as const, hex: hexOf(one.digest) }
  return primaryXml(toPackage(await readRpm(sourceOf(file))), { path: one.fileName, checksum, isForYum3: false })
}

function start(count: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata ${primaryNamespaces} packages="${count}">\n`
}
