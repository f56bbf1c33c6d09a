import { LarderError, isLarderError } from '../core/index.ts'
import { parseStanza, type Stanza } from './control.ts'
import { checkFilename } from './filename.ts'

/** A file that a Release promises, by what may be trusted: MD5 and SHA-1 are not read. */
export interface ReleaseFile {
  sizeBytes: number
  /** Lower-case hex. At least one of the two is there. */
  sha256?: string
  sha512?: string
}

export interface Release {
  origin?: string
  label?: string
  suite?: string
  codename?: string
  version?: string
  description?: string
  date: Date
  validUntil?: Date
  /** Empty in many flat repositories. */
  architectures: readonly string[]
  components: readonly string[]
  acquireByHash: boolean
  /** `No-Support-for-Architecture-all: Packages`: packages for `all` are in each architecture's index. */
  noSupportForArchitectureAll: boolean
  notAutomatic: boolean
  butAutomaticUpgrades: boolean
  /** Fingerprints, upper case, that the next Release must be signed by; with `!` no subkey will do. */
  signedBy?: readonly string[]
  /** By path relative to the Release. */
  files: ReadonlyMap<string, ReleaseFile>
}

/** Longest Release in UTF-16 units; the largest public ones are below 1 MiB. */
const maxLength = 32 * 1024 * 1024

/**
 * Reads a Release whose signature has been verified. Source: DebianRepository/Format, as apt reads it.
 *
 * @throws APT_RELEASE_MALFORMED, APT_FILENAME_REFUSED
 */
export function parseRelease(text: string): Release {
  if (text.length > maxLength) throw malformed(`it is longer than ${maxLength} characters`)
  const stanza = readStanza(text)
  const date = dateOf(stanza, 'Date')
  if (date === undefined) throw malformed('it has no Date')
  const validUntil = dateOf(stanza, 'Valid-Until')
  const signedBy = signedByOf(stanza)
  return {
    ...textFields(stanza),
    date,
    ...(validUntil === undefined ? {} : { validUntil }),
    architectures: stanza.words('Architectures'),
    components: stanza.words('Components'),
    acquireByHash: flag(stanza, 'Acquire-By-Hash'),
    noSupportForArchitectureAll: stanza.words('No-Support-for-Architecture-all').includes('Packages'),
    notAutomatic: flag(stanza, 'NotAutomatic'),
    butAutomaticUpgrades: flag(stanza, 'ButAutomaticUpgrades'),
    ...(signedBy === undefined ? {} : { signedBy }),
    files: filesOf(stanza),
  }
}

/** The checksum to hold a file against, and to ask for it under by-hash. */
export function strongest(file: ReleaseFile): { algorithm: 'sha512' | 'sha256'; hex: string } {
  if (file.sha512 !== undefined) return { algorithm: 'sha512', hex: file.sha512 }
  if (file.sha256 !== undefined) return { algorithm: 'sha256', hex: file.sha256 }
  throw malformed('a file has no checksum')
}

/**
 * `Sat, 10 Jan 2026 09:05:03 UTC`, in UTC only; undefined for anything else. The weekday is not compared.
 * Source: RFC 2822, as apt reads it.
 */
export function parseReleaseDate(text: string): Date | undefined {
  const match = datePattern.exec(text.trim())
  if (match === null) return undefined
  const [, day = '', monthName = '', year = '', hour = '', minute = '', second = ''] = match
  const month = monthNames.indexOf(monthName.toLowerCase())
  const time = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  const date = new Date(time)
  const exists = date.getUTCDate() === Number(day) && date.getUTCMonth() === month
  return exists && Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60 ? date : undefined
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const datePattern = new RegExp(
  `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), {1,2}(\\d{1,2}) (${monthNames.join('|')}) (\\d{4}) ` +
    '{1,2}(\\d{1,2}):(\\d{2}):(\\d{2}) (?:UTC|GMT|Z|[+-]0000)$',
  'i',
)

function readStanza(text: string): Stanza {
  try {
    return parseStanza(text, { file: 'Release' })
  } catch (error) {
    if (!isLarderError(error, 'APT_STANZA_MALFORMED')) throw error
    throw new LarderError('APT_RELEASE_MALFORMED', { message: error.message, cause: error, context: error.context })
  }
}

function textFields(
  stanza: Stanza,
): Partial<Record<'origin' | 'label' | 'suite' | 'codename' | 'version' | 'description', string>> {
  const names = ['origin', 'label', 'suite', 'codename', 'version', 'description'] as const
  const present = names.flatMap((name) => {
    const value = stanza.get(name)
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  return Object.fromEntries(present)
}

function dateOf(stanza: Stanza, name: string): Date | undefined {
  const value = stanza.get(name)
  if (value === undefined) return undefined
  const date = parseReleaseDate(value)
  if (date === undefined) throw malformed(`its ${name} ${JSON.stringify(value.slice(0, 60))} is no date in UTC`)
  return date
}

function flag(stanza: Stanza, name: string): boolean {
  return ['yes', 'true', '1', 'with', 'on', 'enable'].includes((stanza.get(name) ?? '').toLowerCase())
}

function signedByOf(stanza: Stanza): string[] | undefined {
  const value = stanza.get('Signed-By')
  if (value === undefined) return undefined
  const fingerprints = value.split(/[\s,]+/).filter((part) => part !== '')
  for (const fingerprint of fingerprints) {
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})!?$/i.test(fingerprint)) throw malformed('its Signed-By holds no fingerprint')
  }
  return fingerprints.map((fingerprint) => fingerprint.toUpperCase())
}

const sections = [
  { field: 'SHA256', key: 'sha256', hexDigits: 64 },
  { field: 'SHA512', key: 'sha512', hexDigits: 128 },
] as const

function filesOf(stanza: Stanza): Map<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>()
  let found = false
  for (const section of sections) {
    const value = stanza.get(section.field)
    if (value === undefined) continue
    found = true
    for (const line of value.split('\n')) if (line.trim() !== '') addFile(files, line, section)
  }
  if (!found) throw malformed('it lists no files by SHA256 or SHA512')
  return files
}

function addFile(files: Map<string, ReleaseFile>, line: string, section: (typeof sections)[number]): void {
  const [hex = '', size = '', name = '', ...rest] = line.trim().split(/\s+/)
  const complete = name !== '' && rest.length === 0 && hex.length === section.hexDigits
  if (!complete || !/^[0-9a-f]+$/i.test(hex) || !/^\d{1,15}$/.test(size)) {
    throw malformed(`its ${section.field} holds the line ${JSON.stringify(line.slice(0, 200))}`)
  }
  const path = checkFilename(name)
  const sizeBytes = Number(size)
  const file = files.get(path) ?? { sizeBytes }
  const known = file[section.key]
  if (file.sizeBytes !== sizeBytes || (known !== undefined && known !== hex.toLowerCase())) {
    throw malformed(`it promises two different files as ${path}`)
  }
  file[section.key] = hex.toLowerCase()
  files.set(path, file)
}

function malformed(fault: string): LarderError {
  return new LarderError('APT_RELEASE_MALFORMED', { message: `The Release file cannot be used: ${fault}.` })
}
