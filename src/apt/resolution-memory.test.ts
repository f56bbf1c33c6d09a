import { expect, it } from 'vitest'
import { closureRequestOf } from './closure-request.ts'
import type { AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'
import { ResolutionMemory } from './resolution-memory.ts'

const loaded = () => ({ universe: {} }) as unknown as LoadedUpstreams
const request = (names: string, parts: { line?: number; base?: string } = {}) =>
  ({
    name: 'base',
    mirror: { suite: 'bookworm', base: parts.base ?? 'none' },
    list: names
      .split(' ')
      .map((name) => ({ name, exclude: [], position: { file: 'packages.json', line: parts.line ?? 1, column: 1 } })),
  }) as unknown as AptRequest

const resolution = (note: string, what: AptRequest) =>
  ({ notes: [note], closure: { request: closureRequestOf(what) } }) as unknown as AptResolution

it('asks once for the same question in the same universe, wherever it is written', () => {
  const memory = new ResolutionMemory()
  const [one, other] = [loaded(), loaded()]
  let asked = 0
  const resolve = (where: LoadedUpstreams, what: AptRequest) =>
    memory.resolve(where, what, () => resolution(String(++asked), what)).notes[0]
  expect(resolve(one, request('nmap'))).toBe('1')
  expect(resolve(one, request('nmap', { line: 9 }))).toBe('1')
  expect(resolve({ ...one }, request('nmap'))).toBe('1')
  expect(resolve(one, request('git'))).toBe('2')
  expect(resolve(one, request('git', { base: 'required' }))).toBe('3')
  expect(resolve(other, request('git', { base: 'required' }))).toBe('4')
})

it('keeps no failure', () => {
  const memory = new ResolutionMemory()
  const where = loaded()
  const fail = (): AptResolution => {
    throw new Error('no')
  }
  expect(() => memory.resolve(where, request('nmap'), fail)).toThrow('no')
  expect(memory.resolve(where, request('nmap'), () => resolution('yes', request('nmap'))).notes).toEqual(['yes'])
})

it('offers the one whose list has grown, or else the last', () => {
  const memory = new ResolutionMemory()
  const where = loaded()
  const madeOf = (names: string): string | undefined => {
    let from: string | undefined
    memory.resolve(where, request(names), ({ inUniverse }) => {
      from = inUniverse?.closure.request.listed.map(({ name }) => name).join(' ')
      return resolution('', request(names))
    })
    return from
  }
  expect(madeOf('git nmap')).toBeUndefined()
  // Three pull requests, and what is merged then.
  expect(madeOf('git nmap tree')).toBe('git nmap')
  expect(madeOf('curl git nmap')).toBe('git nmap')
  expect(madeOf('git make nmap')).toBe('git nmap')
  expect(madeOf('curl git make nmap')).toBe('git make nmap')
  // Something has gone.
  expect(madeOf('git')).toBe('curl git make nmap')
})
