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
} from '../mirror/index.ts'
import { parseStanza } from './control.ts'
import { readDebControl } from './deb/index.ts'
import { isPackageName } from './relation.ts'
import { aptUpstreamSchema } from './upstream-config.ts'
import { isVersion } from './version.ts'

/** Packages of one's own as a flat repository. They are not signed themselves: the mirror's Release is. */
export const ownPackages: OwnPackageReader = {
  async accept(file, policy) {
    const stanza = parseStanza(await readDebControl(sourceOf(file), policy.signal), { file: file.label })
    const [name = '', version = '', architecture = ''] = ['Package', 'Version', 'Architecture'].map((field) =>
      stanza.get(field),
    )
    const hint = 'Build it again with dpkg-deb, which checks these fields.'
    if (!isPackageName(name)) throw refused(file.label, `"${name}" cannot be the name of a package`, hint)
    if (!isVersion(version)) throw refused(file.label, `"${version}" cannot be the version of a package`, hint)
    refuseArchitecture(file.label, architecture, policy)
    const fileName = `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`
    return { name, version, architecture, fileName, sizeBytes: file.sizeBytes, digest: file.digest }
  },

  async describe(folder, packages, { now, signal }) {
    const stanzas = await Promise.all(packages.map((one) => stanzaOf(folder, one, signal)))
    const index = Buffer.from(stanzas.join('\n'))
    const sha256 = createHash('sha256').update(index).digest('hex')
    const release = `Date: ${now.toUTCString()}\nSHA256:\n ${sha256} ${index.length} Packages\n`
    const url = pathToFileURL(`${folder}/`).href
    return {
      files: [
        { path: 'Packages', bytes: index },
        { path: 'Release', bytes: Buffer.from(release) },
      ],
      config: { format: 'apt', ...aptUpstreamSchema.parse({ url, suites: ['./'], allowUnsigned: true }) },
    }
  },
}

async function stanzaOf(folder: string, one: OwnPackage, signal: AbortSignal): Promise<string> {
  const file: OwnFile = { ...one, path: join(folder, one.fileName), label: one.fileName }
  const control = (await readDebControl(sourceOf(file), signal)).toString('utf8').trimEnd()
  return `${control}\nFilename: ./${one.fileName}\nSize: ${one.sizeBytes}\nSHA256: ${hexOf(one.digest)}\n`
}
