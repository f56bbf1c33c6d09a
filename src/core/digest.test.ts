import { expect, test } from 'vitest'
import { digestFromHex, digestOf, hexOf, isDigest } from './digest.ts'

// FIPS 180-4, example "abc" and the empty message
const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test.each([
  ['abc', abc],
  ['', empty],
])('digestOf %j', (text, hex) => {
  expect(digestOf(text)).toBe(`sha256:${hex}`)
  expect(digestOf(Buffer.from(text))).toBe(digestFromHex(hex))
  expect(hexOf(digestOf(text))).toBe(hex)
})

test.each([
  [`sha256:${abc}`, true],
  [abc, false],
  [`sha256:${abc.toUpperCase()}`, false],
  [`sha256:${abc}\n`, false],
  [`sha256:${abc.slice(1)}`, false],
  [`sha256:${abc}0`, false],
  [`sha512:${abc}`, false],
  [`../sha256:${abc}`, false],
])('isDigest(%j) is %j', (text, expected) => {
  expect(isDigest(text)).toBe(expected)
})
