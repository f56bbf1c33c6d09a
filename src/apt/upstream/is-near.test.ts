import { expect, it } from 'vitest'
import { isNear } from './is-near.ts'

it.each<[string, boolean]>([
  ['http://127.0.0.1:8080/debian/', true],
  ['http://localhost/debian/', true],
  ['http://mirror.localhost/debian/', true],
  ['http://[::1]:80/', true],
  ['http://[fd12::1]/', true],
  ['http://[fe80::1]/', true],
  ['http://10.1.2.3/', true],
  ['https://172.31.0.1/', true],
  ['https://172.32.0.1/', false],
  ['https://192.168.1.1/', true],
  ['file:///srv/debian/', true],
  ['http://deb.example.org/debian/', false],
  ['http://localhost.example.org/', false],
  ['http://198.51.100.1/', false],
  ['http://[2001:db8::1]/', false],
])('%s: %s', (url, expected) => {
  expect(isNear(url)).toBe(expected)
})
