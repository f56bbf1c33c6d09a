import { createHash } from 'node:crypto'
import type { MakeRpmOptions } from '../../src/rpm/testing/make-rpm.ts'

/** Packages that depend on each other like those of a distribution; equal counts and seeds, equal packages. */
export interface MadeDistribution {
  packages: readonly MakeRpmOptions[]
  /** Names of which none is needed by another: what people would list. */
  roots: readonly string[]
}

const seed = 20_000
const rootCount = 50
const payloadBytes = 12_000

/** The first are what nearly all need, as libc and the shell are. */
const baseCount = 12

/**
 * Nine of ten packages are the only version of theirs, the others have an older one besides. A package needs one to
 * seven others of lower number, the lower the likelier: by soname, name and version, program or, seldom, another file.
 * One in twelve recommends another; one in fifty provides a service that three others could provide too.
 */
export function makeDistribution(count: number): MadeDistribution {
  const random = createRandom(seed)
  const names = Math.floor((count * 10) / 11)
  const packages: MakeRpmOptions[] = []
  for (let index = 0; index < names; index++) {
    const made = makeOptions(index, random)
    packages.push(made)
    if (packages.length + (names - index) <= count && index % 10 === 3) {
      packages.push({ ...made, version: `0.${made.version}` })
    }
  }
  for (let index = names; packages.length < count; index++) packages.push(makeOptions(index, random))
  const from = Math.floor(names * 0.6)
  const step = Math.floor((names - from) / rootCount)
  return { packages, roots: Array.from({ length: rootCount }, (_, at) => nameOf(from + at * step)) }
}

function makeOptions(index: number, random: () => number): MakeRpmOptions {
  const name = nameOf(index)
  const needed = new Set<number>()
  const dependencies = index < baseCount ? Math.min(index, 1) : 1 + Math.floor(random() * random() * 7)
  for (let at = 0; at < dependencies; at++) needed.add(Math.floor(index * random() ** 3))
  if (index >= baseCount) for (let base = 0; base < 2; base++) needed.add(Math.floor(random() * baseCount))
  const requires = [...needed].filter((other) => other !== index).map((other) => requirement(other, random()))
  if (index > 2000 && index % 50 === 7) requires.push(`service-${index % services}`)
  const files: Record<string, string> = {
    [`/usr/bin/${name}`]: noise(name, payloadBytes),
    [`/etc/${name}.conf`]: `name=${name}\n`,
  }
  for (let file = 0; file < 12; file++) files[`/usr/share/${name}/part-${file}.txt`] = `${name} ${file}\n`
  return {
    name,
    version: versionOf(index),
    release: '1.el9',
    architecture: index % 9 === 4 ? 'noarch' : 'x86_64',
    summary: `Package ${index} of a distribution that is made up`,
    description: `${name} is one of many.\n\n${'It has a description as long as that of most packages. '.repeat(5)}`,
    url: `https://example.org/${name}`,
    requires,
    provides: [soname(index), `config(${name}) = ${versionOf(index)}-1.el9`, ...serviceOf(index)],
    recommends: index > 100 && index % 12 === 5 ? [nameOf(Math.floor(index * random() ** 2))] : [],
    files,
  }
}

function requirement(index: number, chance: number): string {
  if (chance < 0.55) return soname(index)
  if (chance < 0.75) return nameOf(index)
  if (chance < 0.9) return `${nameOf(index)} >= ${versionOf(index)}`
  return chance < 0.995 ? `/usr/bin/${nameOf(index)}` : `/usr/share/${nameOf(index)}/part-1.txt`
}

const services = 100

/** Each service has four providers of low number. */
function serviceOf(index: number): string[] {
  return index >= baseCount && index % 5 === 0 && index < 2000 + baseCount ? [`service-${(index / 5) % services}`] : []
}

function nameOf(index: number): string {
  return `made-${String(index).padStart(5, '0')}`
}

function soname(index: number): string {
  return `lib${nameOf(index)}.so.${1 + (index % 3)}()(64bit)`
}

function versionOf(index: number): string {
  return `${1 + (index % 4)}.${index % 17}`
}

/** Compresses to three quarters, as programs that are packed already do not. */
function noise(text: string, bytes: number): string {
  const parts: string[] = []
  for (let block = 0; block * 88 < bytes; block++) {
    parts.push(createHash('sha512').update(`${text} ${block}`).digest('base64'))
  }
  return parts.join('').slice(0, bytes)
}

/** Mulberry32: numbers from 0 to 1. */
function createRandom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
