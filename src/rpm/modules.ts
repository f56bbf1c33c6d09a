import { setImmediate } from 'node:timers/promises'
import type * as Yaml from 'yaml'
import { lazyPackage, LarderError } from '../core/index.ts'
import { splitDocuments } from './split-documents.ts'

const yaml = lazyPackage((require) => require('yaml') as typeof Yaml)

/** One build of a stream of a module, as modules.yaml has it. */
export interface ModuleStream {
  module: string
  stream: string
  /** Digits; the greatest of a stream and context counts. */
  version: string
  context: string
  architecture: string
  /** The packages of the build: `name-epoch:version-release.architecture`. */
  artifacts: readonly string[]
  /** Streams of other modules that it needs, any of those named; none named: any stream. Without the platform. */
  requires: Readonly<Record<string, readonly string[]>>
}

/** Everything that a modules.yaml says. */
export interface Modules {
  builds: readonly ModuleStream[]
  /** Stream by module. */
  defaults: Readonly<Record<string, string>>
  /** In the order of the file. */
  documents: readonly ModuleDocument[]
}

/** One document, as it was written. */
export interface ModuleDocument {
  kind: 'stream' | 'defaults' | 'obsoletes' | 'translations' | 'other'
  /** '' of what Larder does not know. */
  module: string
  /** Of a build. */
  build?: ModuleStream
  /** Byte for byte, with the line that begins it. */
  bytes: Buffer
}

/** The largest of a distribution are some 200 kB. */
const maxDocumentBytes = 4 * 1024 * 1024
const maxAliases = 100

/**
 * Reads the documents of a decompressed modules.yaml: builds of streams (of modulemd 1 to 3), defaults, obsoletes,
 * translations; others are left alone. All values are text: a stream `1.10` is not 1.1. Gives way to other work
 * between documents.
 *
 * @throws RPM_MODULES_MALFORMED: a build that is left out would make its packages look as if they were of no module
 */
export async function parseModules(bytes: Buffer, label = 'modules.yaml'): Promise<Modules> {
  const documents: ModuleDocument[] = []
  const defaults = new Map<string, string>()
  for (const { bytes: part, line } of splitDocuments(bytes)) {
    const fail = (why: string): LarderError => malformed(label, line, why)
    const content = readYaml(part, fail)
    if (content === undefined) continue
    const document = readDocument(content, part, fail)
    documents.push(document)
    const stream = textOf(mapOf(content.data).stream)
    if (document.kind === 'defaults' && stream !== '') defaults.set(document.module, stream)
    await setImmediate()
  }
  const builds = documents.flatMap(({ build }) => (build === undefined ? [] : [build]))
  return { builds, defaults: Object.fromEntries(defaults), documents }
}

/**
 * modules.yaml of the builds that `keeps` chooses, with what else is said of their modules, byte for byte; of files of
 * several upstreams one after the other. What is there twice is there once. Undefined when nothing is kept.
 */
export function cutModules(files: readonly Modules[], keeps: (build: ModuleStream) => boolean): Buffer | undefined {
  const documents = files.flatMap((file) => file.documents)
  const kept = new Set(documents.filter(({ build }) => build !== undefined && keeps(build)))
  const modules = new Set(Array.from(kept, ({ module }) => module))
  const seen = new Set<string>()
  const parts = documents
    .filter((one) => kept.has(one) || (one.build === undefined && one.kind !== 'other' && modules.has(one.module)))
    .map(({ bytes }) => framed(bytes))
    .filter((bytes) => {
      const text = bytes.toString('latin1')
      return !seen.has(text) && seen.add(text)
    })
  return kept.size === 0 ? undefined : Buffer.concat(parts)
}

type Fail = (why: string) => LarderError
type YamlMap = Readonly<Record<string, unknown>>

function readYaml(bytes: Buffer, fail: Fail): YamlMap | undefined {
  if (bytes.length > maxDocumentBytes) throw fail(`it is larger than ${maxDocumentBytes} bytes`)
  if (isDeep(bytes)) throw fail('its values are too deep')
  const value = parseYaml(bytes, fail)
  if (value === null || value === '') return undefined
  if (!isMap(value)) throw fail('it is not a mapping')
  return value
}

function parseYaml(bytes: Buffer, fail: Fail): unknown {
  try {
    const document = yaml().parseDocument(bytes.toString('utf8'), {
      schema: 'failsafe',
      logLevel: 'silent',
      merge: false,
    })
    const [error] = document.errors
    if (error !== undefined) throw fail(error.message.split('\n', 1)[0]!)
    return document.toJS({ maxAliasCount: maxAliases })
  } catch (error) {
    // Too many aliases, and more brackets than the stack is deep.
    if (error instanceof ReferenceError || error instanceof RangeError) throw fail(error.message)
    throw error
  }
}

/** The parser takes its time with what is nested thousands of times. */
function isDeep(bytes: Buffer): boolean {
  let depth = 0
  for (const byte of bytes) {
    if (byte === 0x5b || byte === 0x7b) depth++
    else if (byte === 0x5d || byte === 0x7d) depth--
    if (depth > 1000) return true
  }
  return /(?:[-?:][ \t]){100}/.test(bytes.toString('latin1'))
}

const kinds: Readonly<Record<string, ModuleDocument['kind']>> = {
  modulemd: 'stream',
  'modulemd-stream': 'stream',
  'modulemd-defaults': 'defaults',
  'modulemd-obsoletes': 'obsoletes',
  'modulemd-translations': 'translations',
}

function readDocument(content: YamlMap, bytes: Buffer, fail: Fail): ModuleDocument {
  const type = textOf(content.document)
  const kind = Object.hasOwn(kinds, type) ? kinds[type]! : 'other'
  if (kind === 'other') return { kind, module: '', bytes }
  const data = mapOf(content.data)
  if (kind !== 'stream') return { kind, module: named(data.module, 'module', fail), bytes }
  const build: ModuleStream = {
    module: named(data.name, 'name', fail),
    stream: named(data.stream, 'stream', fail),
    version: named(data.version, 'version', fail),
    context: textOf(data.context),
    architecture: textOf(data.arch),
    artifacts: listOf(mapOf(data.artifacts).rpms),
    requires: readRequires(data.dependencies),
  }
  if (!/^\d{1,20}$/.test(build.version)) throw fail('the version of its build is no number')
  return { kind, module: build.module, build, bytes }
}

/** A list of alternatives, each with `requires: {module: [stream]}`; in modulemd 1 one of them, and one stream each. */
function readRequires(dependencies: unknown): Record<string, string[]> {
  const alternatives: unknown[] = Array.isArray(dependencies) ? dependencies : [dependencies]
  const found = new Map<string, string[]>()
  for (const alternative of alternatives) {
    for (const [module, streams] of Object.entries(mapOf(mapOf(alternative).requires))) {
      if (module === 'platform') continue
      const positive = (Array.isArray(streams) ? listOf(streams) : [textOf(streams)]).filter((one) => /^[^-]/.test(one))
      found.set(module, [...new Set([...(found.get(module) ?? []), ...positive])])
    }
  }
  return Object.fromEntries(found)
}

function named(value: unknown, what: string, fail: Fail): string {
  const text = textOf(value)
  if (/^[^\s:\u0000-\u001f]{1,200}$/.test(text)) return text
  throw fail(`its ${what} is missing or malformed`)
}

function isMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapOf(value: unknown): YamlMap {
  return isMap(value) ? value : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** What stands alone in a file needs no line that begins it; among others it does. */
function framed(bytes: Buffer): Buffer {
  const begin = bytes.subarray(0, 3).toString('latin1') === '---' ? '' : '---\n'
  return Buffer.concat([Buffer.from(begin), bytes, Buffer.from(bytes.at(-1) === lineFeed ? '' : '\n')])
}

const lineFeed = 0x0a

function malformed(label: string, line: number, why: string): LarderError {
  return new LarderError('RPM_MODULES_MALFORMED', {
    message: `${label}: the document at line ${line} cannot be understood: ${why}`,
    context: { label, line },
  })
}
