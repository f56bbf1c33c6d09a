import { createHash } from 'node:crypto'
import { digestFromHex } from '../../../core/index.ts'
import type { RepositoryPackage } from '../repository-package.ts'

/** A package whose stanza says what a .deb would have said; for tests. */
export function syntheticPackage(
  name: string,
  given: Partial<RepositoryPackage> & { description?: string; extraFields?: string } = {},
): RepositoryPackage {
  const { version = '1.0-1', architecture = 'amd64', description = `about ${name}`, extraFields = '' } = given
  const content = `${name} ${version} ${architecture} ${description}`
  const hex = createHash('sha256').update(content).digest('hex')
  const filename = given.filename ?? `pool/main/${name[0]}/${name}/${name}_${version}_${architecture}.deb`
  const stanza =
    `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: A <a@example.org>\n` +
    `Section: misc\nDescription: ${description}\nDescription-md5: ${descriptionMd5(description)}\n${extraFields}` +
    `Filename: ${filename}\nSize: ${content.length}\nSHA256: ${hex}\n`
  return {
    name,
    version,
    architecture,
    filename,
    digest: digestFromHex(hex),
    sizeBytes: content.length,
    upstream: 'debian',
    reason: 'listed',
    stanza: () => Buffer.from(stanza),
    ...given,
  }
}

/** As apt reckons it: of the whole description and a newline. */
export function descriptionMd5(description: string): string {
  return createHash('md5').update(`${description}\n`).digest('hex')
}
