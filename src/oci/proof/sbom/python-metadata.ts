import type { InstalledPackage } from './installed-package.ts'
import { parseStanzas } from './stanzas.ts'

/** The header of METADATA or PKG-INFO; the description after it is text. Source: PyPA, core metadata. */
export function parsePythonMetadata(text: string): InstalledPackage[] {
  const [header] = parseStanzas(text)
  const [name, version] = [header?.get('name'), header?.get('version')]
  if (!header || !name || !version) return []
  // Whole texts of licenses stand there, too.
  const license = [header.get('license-expression'), header.get('license')].find(
    (said) => said !== undefined && said !== '' && said !== 'UNKNOWN' && !said.includes('\n') && said.length <= 200,
  )
  return [{ kind: 'pypi', name, version, license }]
}
