import { expect, it } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { makeRpm } from '../testing/make-rpm.ts'
import { HeaderMemory } from './header-memory.ts'
import { readRpmBytes } from './read-rpm.ts'
import { toPackage } from './to-package.ts'

const rpm = toPackage(readRpmBytes(makeRpm({ name: 'tool', version: '1.0' }), 'tool'))
const mebibyte = 1024 * 1024

it('gives what was added, until it is cleared', () => {
  const memory = new HeaderMemory()
  memory.add(digestOf('a'), rpm)
  expect(memory.get(digestOf('a'))).toBe(rpm)
  expect(memory.get(digestOf('b'))).toBeUndefined()
  memory.clear()
  expect(memory.get(digestOf('a'))).toBeUndefined()
})

it('keeps headers of 4 MiB at most, and has room again when it was cleared', () => {
  const memory = new HeaderMemory()
  const large = { ...rpm, headerEnd: 3 * mebibyte }
  memory.add(digestOf('a'), large)
  memory.add(digestOf('b'), large)
  memory.add(digestOf('c'), { ...rpm, headerEnd: mebibyte })
  expect(['a', 'b', 'c'].map((one) => memory.get(digestOf(one)) !== undefined)).toEqual([true, false, true])
  memory.clear()
  memory.add(digestOf('b'), large)
  expect(memory.get(digestOf('b'))).toBe(large)
})
