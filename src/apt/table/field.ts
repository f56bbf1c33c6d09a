/** Fields that the index looks at. Numbers are places in the scratch table of the scanner. */
export const Field = {
  package: 0,
  version: 1,
  architecture: 2,
  preDepends: 3,
  depends: 4,
  recommends: 5,
  conflicts: 6,
  breaks: 7,
  provides: 8,
  filename: 9,
  size: 10,
  sha256: 11,
  sha512: 12,
  essential: 13,
  protected: 14,
  important: 15,
  priority: 16,
  multiArch: 17,
  source: 18,
  installedSize: 19,
  descriptionMd5: 20,
  directory: 21,
  binary: 22,
  files: 23,
  checksumsSha256: 24,
} as const

export type FieldId = (typeof Field)[keyof typeof Field]
export const fieldCount = 25

const names: readonly [string, FieldId][] = [
  ['Package', Field.package],
  ['Version', Field.version],
  ['Architecture', Field.architecture],
  ['Pre-Depends', Field.preDepends],
  ['Depends', Field.depends],
  ['Recommends', Field.recommends],
  ['Conflicts', Field.conflicts],
  ['Breaks', Field.breaks],
  ['Provides', Field.provides],
  ['Filename', Field.filename],
  ['Size', Field.size],
  ['SHA256', Field.sha256],
  ['SHA512', Field.sha512],
  ['Essential', Field.essential],
  ['Protected', Field.protected],
  ['Important', Field.important],
  ['Priority', Field.priority],
  ['Multi-Arch', Field.multiArch],
  ['Source', Field.source],
  ['Installed-Size', Field.installedSize],
  ['Description-md5', Field.descriptionMd5],
  ['Directory', Field.directory],
  ['Binary', Field.binary],
  ['Files', Field.files],
  ['Checksums-Sha256', Field.checksumsSha256],
]

/** The number of a field, or -1 for one that the index leaves alone. Names are case-insensitive (deb822(5)). */
export function identifyField(bytes: Buffer, start: number, end: number): FieldId | -1 {
  const length = end - start
  if (length === 0 || length > longestName) return -1
  const field = fieldAt[slotOf(length, bytes[end - 1]!)]!
  return field >= 0 && isSameName(bytes, start, lowerNames[field]!) ? (field as FieldId) : -1
}

export function fieldName(wanted: FieldId): string {
  return names.find(([, field]) => field === wanted)?.[0] ?? ''
}

const lowerNames: Uint8Array[] = []
const longestName = Math.max(...names.map(([name]) => name.length))

/** Length and last letter, of either case, tell all names apart. */
const fieldAt = new Int8Array((longestName + 1) * 32).fill(-1)
for (const [name, field] of names) {
  lowerNames[field] = Buffer.from(name.toLowerCase())
  const slot = slotOf(name.length, name.charCodeAt(name.length - 1))
  if (fieldAt[slot] !== -1) throw new Error(`field ${name} is as long as another that ends with its letter`)
  fieldAt[slot] = field
}

function slotOf(length: number, last: number): number {
  return length * 32 + (last & 31)
}

function isSameName(bytes: Buffer, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i]!
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    if (folded !== lower[i]) return false
  }
  return true
}
