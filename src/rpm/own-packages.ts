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
import { parseKeyring } from '../openpgp/index.ts'
import { readRpm, toPackage, verifyRpm } from './header/index.ts'
import { formatRepomd } from './repomd.ts'
import { primaryNamespaces, primaryXml } from './repository/index.ts'
import { rpmUpstreamSchema } from './upstream-config.ts'
import { formatEvr } from './version.ts'

/** Packages of one's own as a repository; signed or not, as `ownKeys` of the mirror says. */
export const ownPackages: OwnPackageReader = {
  async read(file, policy) {
    const rpm = toPackage(await readTrusted(file, policy))
    if (rpm.architecture === 'src')
      throw refused(file.label, 'it is a source package', 'Give the packages that are built from it.')
    refuseArchitecture(file.label, rpm.architecture, policy)
    const { name, architecture, evr } = rpm
    const fileName = `${name}-${formatEvr({ ...evr, epoch: '0' })}.${architecture}.rpm`
    const version = formatEvr(evr)
    return { name, version, architecture, fileName, sizeBytes: file.sizeBytes, digest: file.digest }
  },

  async describe(folder, packages, { mirror, now }) {
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
      ],
      config: {
        format: 'rpm',
        ...rpmUpstreamSchema.parse({ url: pathToFileURL(`${folder}/`).href, ...trust(mirror) }),
      },
    }
  },
}

function trust({ ownKeys }: OwnPolicy['mirror']): Record<string, unknown> {
  const keys = ownKeys as string[] | undefined
  // allowOlder: the clock of this host may have been put back.
  const common = { repoGpgcheck: false, allowUnsigned: true, allowOlder: true }
  return keys === undefined ? { ...common, gpgcheck: false } : { ...common, keys }
}

async function readTrusted(file: OwnFile, { mirror, readKey, now }: OwnPolicy): ReturnType<typeof readRpm> {
  const paths = mirror['ownKeys'] as readonly string[] | undefined
  if (paths === undefined) return readRpm(sourceOf(file))
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readKey(path)
      if (bytes !== undefined) return { name: path, bytes }
      throw refused(file.label, `the key ${path} of ownKeys is not there`, 'Commit it to the site repository.')
    }),
  )
  return (await verifyRpm(sourceOf(file), await parseKeyring(files), { now })).file
}

async function fragmentOf(folder: string, one: OwnPackage): Promise<string> {
  const file: OwnFile = { ...one, path: join(folder, one.fileName), label: one.fileName }
  const checksum = { type: 'sha256' as const, hex: hexOf(one.digest) }
  return primaryXml(toPackage(await readRpm(sourceOf(file))), { path: one.fileName, checksum, isForYum3: false })
}

function start(count: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata ${primaryNamespaces} packages="${count}">\n`
}
