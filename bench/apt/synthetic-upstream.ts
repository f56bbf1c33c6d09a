import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { makeSigner } from '../../test/fixtures/upstream/index.ts'
import { startBenchServer, type BenchServer } from '../file-server.ts'
import { unpack } from './index-text.ts'

/** The whole real index, with packages of 600 bytes in place of the real ones. */
export interface SyntheticUpstream {
  text: Buffer
  /** Names that need nothing but libc6, and that nothing needs: one more package, and no more than that. */
  extras: readonly string[]
  keyring: string
  suite: string
  server: BenchServer
}

const packageBytes = 600
const suite = 'synthetic'

export async function startSyntheticUpstream(options: {
  index: string
  folder: string
  architecture: string
  extras: number
}): Promise<SyntheticUpstream> {
  const { architecture, folder } = options
  const extras = Array.from({ length: options.extras }, (_, index) => `larder-bench-extra-${index + 1}`)
  const text = await rewritten(
    options.index,
    extras.map((name) => extraStanza(name, architecture)),
  )
  const signer = await makeSigner()
  const keyring = join(folder, 'synthetic-keys.asc')
  await writeFile(keyring, signer.publicKeyArmored)
  const packed = gzipSync(text, { level: 1 })
  const release = releaseText(architecture, [
    ['', text],
    ['.gz', packed],
  ])
  const inRelease = Buffer.from(await signer.signCleartext(release, new Date()))
  const files = new Map([
    [`dists/${suite}/InRelease`, inRelease],
    [`dists/${suite}/main/binary-${architecture}/Packages.gz`, packed],
  ])
  const server = await startBenchServer((path) => {
    const bytes = files.get(path) ?? (path.startsWith('pool/') ? bytesOf(path) : undefined)
    return bytes && { bytes, tag: `"${bytes.length}-${path.length}"` }
  })
  return { text, extras, keyring, suite, server }
}

/** Stanzas of the real index whose files are made up: path, size and checksum. */
async function rewritten(index: string, extra: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of unpack(index)) parts.push(part)
  const stanzas = Buffer.concat(parts)
    .toString('utf8')
    .split('\n\n')
    .filter((stanza) => stanza.trim() !== '')
  return Buffer.from([...stanzas.map(withMadeUpFile), ...extra].join('\n\n') + '\n')
}

function withMadeUpFile(stanza: string): string {
  const path = `pool/${/^Filename: .*\/(.*)$/m.exec(stanza)?.[1] ?? ''}`
  const kept = stanza.split('\n').filter((line) => line !== '' && !/^(Filename|Size|MD5sum|SHA1|SHA256):/.test(line))
  return [...kept, ...fileFields(path)].join('\n')
}

function fileFields(path: string): string[] {
  return [`Filename: ${path}`, `Size: ${packageBytes}`, `SHA256: ${sha256(bytesOf(path))}`]
}

function extraStanza(name: string, architecture: string): string {
  const fields = [
    `Package: ${name}`,
    'Version: 1.0',
    `Architecture: ${architecture}`,
    'Maintainer: Nobody <nobody@example.org>',
    'Installed-Size: 1',
    'Depends: libc6',
    'Description: one more package',
  ]
  return [...fields, ...fileFields(`pool/${name}_1.0_${architecture}.deb`)].join('\n')
}

/** No two packages are alike, and none needs to be kept. */
function bytesOf(path: string): Buffer {
  return Buffer.alloc(packageBytes, `${path}\n`)
}

function releaseText(architecture: string, variants: readonly (readonly [string, Buffer])[]): string {
  return [
    'Origin: Bench',
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    `Date: ${new Date().toUTCString().replace('GMT', 'UTC')}`,
    `Architectures: ${architecture}`,
    'Components: main',
    'SHA256:',
    ...variants.map(
      ([suffix, bytes]) => ` ${sha256(bytes)} ${bytes.length} main/binary-${architecture}/Packages${suffix}`,
    ),
    '',
  ].join('\n')
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
