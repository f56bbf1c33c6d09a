import { expect, it } from 'vitest'
import type { AptResolution } from './format.ts'
import type { AptRequest, LoadedUpstreams } from './loaded-upstreams.ts'
import { ResolutionMemory } from './resolution-memory.ts'

const loaded = () => ({ universe: {} }) as unknown as LoadedUpstreams
const request = (name: string, parts: { line?: number; base?: string } = {}) =>
  ({
    name: 'base',
    mirror: { suite: 'bookworm', base: parts.base ?? 'none' },
    list: [{ name, exclude: [], position: { file: 'packages.json', line: parts.line ?? 1, column: 1 } }],
  }) as unknown as AptRequest

it('asks once for the same question in the same universe, wherever it is written', () => {
  const memory = new ResolutionMemory()
  const [one, other] = [loaded(), loaded()]
  let asked = 0
  const resolve = (where: LoadedUpstreams, what: AptRequest) =>
    memory.resolve(where, what, () => ({ notes: [String(++asked)] }) as unknown as AptResolution).notes[0]
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
  expect(memory.resolve(where, request('nmap'), () => ({ notes: ['yes'] }) as unknown as AptResolution).notes).toEqual([
    'yes',
  ])
})
