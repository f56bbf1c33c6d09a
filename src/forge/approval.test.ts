import { expect, it } from 'vitest'
import { commentMarker, readApproval } from './approval.ts'

it.each([
  ['/larder ok', { commit: undefined }],
  ['I have looked.\r\n\r\n  /larder  ok \r\nThanks!', { commit: undefined }],
  ['Looks good.\r\n  /larder ok \r\nThanks!', { commit: undefined }],
  ['/larder ok 0123abc', { commit: '0123abc' }],
  ['/larder ok 1a2b3c4', { commit: '1a2b3c4' }],
  [`/larder ok ${'a'.repeat(40)}`, { commit: 'a'.repeat(40) }],
  ['/larder ok 1a2b', undefined],
  ['/larder ok then', undefined],
  ['> /larder ok', undefined],
  ['please /larder ok', undefined],
  ['`/larder ok`', undefined],
  ['/larder ok 0123ab', undefined],
  ['/larder okay', undefined],
  ['/larder ok main', undefined],
  ['> say /larder ok', undefined],
  ['', undefined],
  [`${commentMarker}\n/larder ok`, undefined],
  [`\n ${commentMarker}\n/larder ok`, undefined],
  [`/larder ok\n${commentMarker}`, { commit: undefined }],
])('reads %j', (comment, expected) => {
  expect(readApproval(comment)).toEqual(expected)
})
