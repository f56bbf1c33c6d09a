import { expect, it } from 'vitest'
import { digestOf, hexOf } from '../../core/index.ts'
import { identityOf, type KnownOrigin } from './machine-identity.ts'
import { machinesSchema } from './machine-schema.ts'

const none: KnownOrigin = { mirrors: ['one', 'other'], base: undefined }
const of = (declared: object, at: 'container' | 'vm' = 'container', origin = none) =>
  identityOf(machinesSchema.parse({ a: { at, ...declared } })['a']!, origin)

/** Whether a machine that was made as declared first is the one that is declared then. */
const isSame = (made: object, declared: object, at?: 'container' | 'vm'): boolean => {
  const { identity, others } = of(declared, at)
  return [identity, ...others].includes(of(made, at).identity)
}

it.each<[string, object, object, ('container' | 'vm')?]>([
  ['packages in another order, and twice', { base_packages: ['b', 'a'] }, { base_packages: ['a', 'b', 'a'] }],
  ['the size that disks have anyway', {}, { disk_mb: 8192 }, 'vm'],
  ['and not said any more', { disk_mb: 8192 }, {}, 'vm'],
  ['processors of a virtual machine, which are whole', { cpus: 1.5 }, { cpus: 2 }, 'vm'],
])('is the same machine: %s', (_, made, declared, at) => expect(isSame(made, declared, at)).toBe(true))

it.each<[string, object, object, ('container' | 'vm')?]>([
  ['another mirror', {}, { base: 'other' }],
  ['more packages', { base_packages: ['a'] }, { base_packages: ['a', 'b'] }],
  ['memory', { memory_mb: 512 }, {}],
  ['processors', { cpus: 1.5 }, { cpus: 2 }],
  ['disk', { disk_mb: 9000 }, {}, 'vm'],
])('is another machine: %s', (_, made, declared, at) => expect(isSame(made, declared, at)).toBe(false))

it.each<[string, boolean, object, object, KnownOrigin]>([
  ['its only mirror said', true, {}, { base: 'one' }, { mirrors: ['one'], base: undefined }],
  ['and not said any more', true, { base: 'one' }, {}, { mirrors: ['one'], base: undefined }],
  ['another one than the only mirror of now', false, { base: 'other' }, {}, { mirrors: ['one'], base: undefined }],
  ['where it came from said, with a second mirror', true, {}, { base: 'one' }, { ...none, base: 'one' }],
  ['the mirror that replaces it said', false, {}, { base: 'other' }, { mirrors: ['other'], base: 'one' }],
  ['a second mirror said', false, {}, { base: 'other' }, { ...none, base: 'one' }],
])('knows where a machine came from: %s', (_, isOne, made, declared, origin) => {
  const { identity, others } = of(declared, 'container', origin)
  expect([identity, ...others].includes(of(made, 'container', none).identity)).toBe(isOne)
})

it('knows machines that were made before what means the same was the same', () => {
  const before = (parts: readonly unknown[]): string => hexOf(digestOf(JSON.stringify(parts))).slice(0, 32)
  const all = ({ identity, others }: ReturnType<typeof of>) => [identity, ...others]
  expect(all(of({}))).toContain(before(['container', null, [], 1024, 1]))
  expect(all(of({ base_packages: ['b', 'a'] }))).toContain(before(['container', null, ['b', 'a'], 1024, 1]))
  expect(all(of({ cpus: 1.5 }, 'vm'))).toContain(before(['vm', null, [], 1024, 1.5]))
  expect(all(of({}, 'vm'))).toContain(before(['vm', null, [], 1024, 1, 8192]))
})
