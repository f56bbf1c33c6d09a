import { expect, it } from 'vitest'
import { nameServersOf } from './tap.ts'

it.each([
  ['nameserver 192.0.2.53\nnameserver 192.0.2.54\n', ['192.0.2.53', '192.0.2.54']],
  ['# nameserver 192.0.2.1\nsearch example.org\nnameserver 127.0.0.53\n', []],
  ['nameserver fe80::1%eth0\nnameserver\t192.0.2.53  \n', ['192.0.2.53']],
  ['', []],
])('%j', (text, expected) => {
  expect(nameServersOf(text)).toEqual(expected)
})
