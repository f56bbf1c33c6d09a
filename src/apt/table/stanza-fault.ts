import { readChecksums } from '../source-files.ts'
import { ByteClass, isAllOf, isOneOf } from '../../table/index.ts'
import { Field, fieldName, type FieldId } from './field.ts'
import type { Stanza } from './scan-stanzas.ts'

/**
 * Why an entry of a Packages index cannot be used, or undefined. Only what Larder itself relies on is looked at: names
 * as dpkg tolerates them, a place to fetch from that stays within the repository, a size, a strong hash.
 */
export function faultOfPackage(stanza: Stanza): string | undefined {
  return (
    faultOfIdentity(stanza) ??
    faultOfPath(stanza, Field.filename) ??
    faultOfNumber(stanza, Field.size, true) ??
    faultOfNumber(stanza, Field.installedSize, false) ??
    faultOfHash(stanza)
  )
}

/** The same for an entry of a Sources index. */
export function faultOfSource(stanza: Stanza): string | undefined {
  return (
    faultOfIdentity(stanza) ??
    (value(stanza, Field.directory) === '.' ? undefined : faultOfPath(stanza, Field.directory)) ??
    (isPresent(stanza, Field.checksumsSha256) ? undefined : 'it has no Checksums-Sha256') ??
    faultOfFiles(readChecksums(value(stanza, Field.checksumsSha256)))
  )
}

/** A source is asked for by its .dsc, and two files cannot have one name. */
function faultOfFiles(files: readonly { name: string; fault?: string }[]): string | undefined {
  const malformed = files.find(({ fault }) => fault !== undefined)?.fault
  if (malformed !== undefined) return malformed
  if (new Set(files.map(({ name }) => name)).size < files.length) return 'its Checksums-Sha256 names a file twice'
  return files.some(({ name }) => name.endsWith('.dsc')) ? undefined : 'its Checksums-Sha256 names no .dsc'
}

function faultOfIdentity(stanza: Stanza): string | undefined {
  if (stanza.repeated >= 0) return `${fieldName(stanza.repeated as FieldId)} occurs twice`
  return (
    faultOfWord(stanza, Field.package, ByteClass.name) ??
    faultOfWord(stanza, Field.version, ByteClass.version) ??
    faultOfArchitecture(stanza)
  )
}

function faultOfWord(stanza: Stanza, field: FieldId, grammar: number): string | undefined {
  if (!isPresent(stanza, field)) return `it has no ${fieldName(field)}`
  const { bytes, valueStart, valueEnd } = stanza
  const start = valueStart[field]!
  const end = valueEnd[field]!
  const isWord =
    end - start <= maxWordBytes && isAllOf(bytes, start, end, grammar) && isOneOf(bytes[start]!, ByteClass.alphanumeric)
  return isWord ? undefined : `its ${fieldName(field)} is malformed`
}

/** dpkg's own limit for names; nobody's versions come near it. */
const maxWordBytes = 255

/** A source package may name several: `any all`. */
function faultOfArchitecture(stanza: Stanza): string | undefined {
  if (!isPresent(stanza, Field.architecture)) return 'it has no Architecture'
  const start = stanza.valueStart[Field.architecture]!
  const end = stanza.valueEnd[Field.architecture]!
  if (end - start <= maxWordBytes && isAllOf(stanza.bytes, start, end, ByteClass.architecture)) return undefined
  const isWord = (word: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(word)
  const isList = isPresent(stanza, Field.directory) && value(stanza, Field.architecture).split(/\s+/).every(isWord)
  return isList ? undefined : 'its Architecture is malformed'
}

/** `..` in any spelling that an address could be read as, an absolute path, anything that is not printable ASCII. */
function faultOfPath(stanza: Stanza, field: FieldId): string | undefined {
  if (!isPresent(stanza, field)) return `it has no ${fieldName(field)}`
  const { bytes, valueStart, valueEnd } = stanza
  const start = valueStart[field]!
  const end = valueEnd[field]!
  if (end - start > 4096 || !isAllOf(bytes, start, end, ByteClass.path)) return `its ${fieldName(field)} is malformed`
  if (bytes[start] === slash) return `its ${fieldName(field)} is absolute`
  let dots = 0
  let isDotsOnly = true
  for (let i = start; i <= end; i++) {
    const byte = i < end ? bytes[i] : slash
    if (byte === slash) {
      if (isDotsOnly && dots === 2) return `its ${fieldName(field)} leads out of the repository`
      dots = 0
      isDotsOnly = true
    } else if (byte === dot) dots++
    else {
      isDotsOnly = false
      if (byte === percent && /^%(2e|2f|5c|00)/i.test(bytes.toString('latin1', i, Math.min(i + 3, end))))
        return `its ${fieldName(field)} hides a separator`
    }
  }
  return undefined
}

const slash = 0x2f
const dot = 0x2e
const percent = 0x25

function faultOfNumber(stanza: Stanza, field: FieldId, isNeeded: boolean): string | undefined {
  if (!isPresent(stanza, field)) return isNeeded ? `it has no ${fieldName(field)}` : undefined
  const start = stanza.valueStart[field]!
  const end = stanza.valueEnd[field]!
  if (end - start <= 15 && isAllOf(stanza.bytes, start, end, ByteClass.digit)) return undefined
  return `its ${fieldName(field)} is not a number`
}

function faultOfHash(stanza: Stanza): string | undefined {
  if (!isPresent(stanza, Field.sha256) && !isPresent(stanza, Field.sha512)) return 'it has neither SHA256 nor SHA512'
  return faultOfHex(stanza, Field.sha256, 64) ?? faultOfHex(stanza, Field.sha512, 128)
}

function faultOfHex(stanza: Stanza, field: FieldId, digits: number): string | undefined {
  if (!isPresent(stanza, field)) return undefined
  const start = stanza.valueStart[field]!
  const end = stanza.valueEnd[field]!
  if (end - start === digits && isAllOf(stanza.bytes, start, end, ByteClass.hex)) return undefined
  return `its ${fieldName(field)} is malformed`
}

function isPresent(stanza: Stanza, field: FieldId): boolean {
  return stanza.valueEnd[field]! > stanza.valueStart[field]!
}

function value(stanza: Stanza, field: FieldId): string {
  return stanza.bytes.toString('latin1', stanza.valueStart[field], stanza.valueEnd[field])
}
