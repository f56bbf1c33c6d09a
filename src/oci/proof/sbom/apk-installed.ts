import type { InstalledPackage } from './installed-package.ts'

/** Source: apk_db(5) as Alpine documents its database: one letter before each colon, in which case counts. */
export function parseApkInstalled(text: string): InstalledPackage[] {
  return text.split(/\n{2,}/).flatMap((stanza) => {
    const fields = new Map(
      stanza
        .split('\n')
        .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    )
    const [name, version] = [fields.get('P'), fields.get('V')]
    if (!name || !version) return []
    const source = fields.get('o')
    return {
      kind: 'apk' as const,
      name,
      version,
      architecture: fields.get('A'),
      license: fields.get('L'),
      source: source && source !== name ? `${source}@${version}` : undefined,
    }
  })
}
