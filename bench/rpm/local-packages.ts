import { createHash } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeRpm } from '../../src/rpm/testing/make-rpm.ts'

/**
 * A folder of packages like those of a distribution: some twenty files, a dozen relations, ten changelog entries, and a
 * payload of 10 kB that compresses little. Kept from one run to the next; equal names, equal bytes. Answers their
 * file names in order.
 */
export async function makeLocalPackages(folder: string, count: number): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const present = new Set(await readdir(folder))
  const names = Array.from({ length: count }, (_, index) => nameOf(index))
  for (const [index, name] of names.entries()) {
    const file = `${name}.rpm`
    if (!present.has(file)) await writeFile(join(folder, file), makePackage(name, index))
  }
  return names.map((name) => `${name}.rpm`)
}

function nameOf(index: number): string {
  return `local-${String(index).padStart(6, '0')}`
}

function makePackage(name: string, index: number): Buffer {
  const others = [7, 77, 777].map((step) => nameOf((index * step) % 1000))
  const files: Record<string, string | undefined> = {
    [`/etc/${name}`]: undefined,
    [`/etc/${name}/${name}.conf`]: `name=${name}\n`,
    [`/usr/bin/${name}`]: noise(name, payloadBytes),
    [`/usr/share/doc/${name}`]: undefined,
  }
  for (let file = 0; file < filesOfEach; file++) files[`/usr/share/${name}/data/part-${file}.txt`] = `${name} ${file}`
  return makeRpm({
    name,
    version: `1.${index % 17}`,
    release: `${(index % 5) + 1}.el9`,
    summary: `Package ${index} of those that metadata is measured with`,
    description: `${name} is one of many.\n\n${'It has a description as long as that of most packages. '.repeat(6)}`,
    url: `https://example.org/${name}`,
    vendor: 'Example',
    packager: 'Example <packages@example.org>',
    requires: [...others, '/bin/sh', 'libc.so.6()(64bit)', 'libc.so.6(GLIBC_2.34)(64bit)', 'config(base) >= 1.2-3'],
    provides: [`lib${name}.so.1()(64bit)`, `config(${name}) = 1.2-3`, `bundled(zlib) = 1.2.${index % 13}`],
    recommends: [others[0]!],
    files,
    changelogs: Array.from({ length: 10 }, (_, entry) => ({
      author: `Person ${entry % 4} <person${entry % 4}@example.org> - 1.${index % 17}-${10 - entry}`,
      date: 1_700_000_000 - entry * 1_000_000 - index,
      text: `- change ${entry} of ${name}\n- and another one (#${index * 10 + entry})`,
    })),
  })
}

const payloadBytes = 10_000
const filesOfEach = 16

function noise(seed: string, bytes: number): string {
  let text = ''
  for (let block = 0; text.length < bytes; block++) {
    text += createHash('sha512').update(`${seed} ${block}`).digest('base64')
  }
  return text.slice(0, bytes)
}
