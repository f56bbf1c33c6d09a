import { isLarderError } from '../../core/index.ts'
import { parseStanza, splitStanzas, type Stanza } from '../control.ts'
import { booleanOf } from './apt-config.ts'
import {
  makeHostSource,
  malformedSource,
  type HostSource,
  type SourcePlace,
  type SourceSurroundings,
} from './host-source.ts'

/**
 * Reads a `.sources` file; stanzas with `Enabled: no` are left out. Source: sources.list(5), "deb822-style format".
 *
 * @throws APT_SOURCES_MALFORMED with file and line
 */
export function parseDeb822Sources(bytes: Uint8Array, file: string, surroundings: SourceSurroundings): HostSource[] {
  return [...splitStanzas(bytes)].flatMap(({ bytes: stanzaBytes, line }) => {
    if (isComment(stanzaBytes)) return []
    const stanza = readStanza(stanzaBytes, { file, line })
    if (booleanOf(stanza.get('Enabled')) === false) return []
    return [sourceOf(stanza, file, surroundings)]
  })
}

function sourceOf(stanza: Stanza, file: string, surroundings: SourceSurroundings): HostSource {
  const place = { file, line: stanza.fields[0]?.line ?? 1 }
  const required = (name: string): string[] => {
    const found = stanza.words(name)
    if (found.length > 0) return found
    throw malformedSource(place, `the stanza has no ${name}`)
  }
  const types = required('Types').map((type) => {
    if (type === 'deb' || type === 'deb-src') return type
    throw malformedSource({ file, line: stanza.field('Types')?.line ?? place.line }, `the type ${type} is not known`)
  })
  const parts = { types, uris: required('URIs'), suites: required('Suites'), components: stanza.words('Components') }
  return makeHostSource({ ...parts, options: stanza }, place, surroundings)
}

function isComment(bytes: Buffer): boolean {
  return bytes
    .toString('latin1')
    .split('\n')
    .every((line) => line.startsWith('#') || line.trim() === '')
}

function readStanza(bytes: Buffer, place: SourcePlace): Stanza {
  try {
    return parseStanza(bytes, { ...place, comments: true })
  } catch (error) {
    if (!isLarderError(error, 'APT_STANZA_MALFORMED')) throw error
    const line = error.context.line
    const fault = error.message.replace(/^.*?:\d+: /s, '').replace(/\.$/, '')
    throw malformedSource({ file: place.file, line: typeof line === 'number' ? line : place.line }, fault, error)
  }
}
