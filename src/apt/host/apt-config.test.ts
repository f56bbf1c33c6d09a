import fc from 'fast-check'
import { expect, it } from 'vitest'
import { booleanOf, parseAptConfig, readAptConfig } from './apt-config.ts'

const dump = [
  'APT\t',
  'APT::Architecture\tarm64',
  'APT::Architectures\t',
  'APT::Architectures::\tarm64',
  'APT::Architectures::\tarmhf',
  'Acquire::Languages\ten',
  'Acquire::Languages::\ten',
  'acquire::check-valid-until\tfalse',
  'Acquire::http::Proxy\thttp://first.example.org:3128',
  'Acquire::http::Proxy\thttp://proxy.example.org:3128/%3dx',
  'Acquire::http::Proxy::mirror.example.org\tDIRECT',
].join('\n')

it('reads what apt-config dumps', () => {
  expect(parseAptConfig(dump)).toEqual({
    architecture: 'arm64',
    architectures: ['arm64', 'armhf'],
    languages: ['en'],
    checkValidUntil: false,
    checkDate: true,
    httpProxy: 'http://proxy.example.org:3128/=x',
    httpsProxy: 'http://proxy.example.org:3128/=x',
    proxyByHost: { 'mirror.example.org': 'DIRECT' },
  })
})

it('has defaults where there is no APT', async () => {
  const expected = { architectures: [], languages: [], checkValidUntil: true, checkDate: true, proxyByHost: {} }
  expect(await readAptConfig(() => Promise.resolve(undefined))).toEqual(expected)
})

it('takes DIRECT for no proxy', () => {
  expect(parseAptConfig('Acquire::http::Proxy\tDIRECT')).not.toHaveProperty('httpProxy')
  const mixed = parseAptConfig('Acquire::http::Proxy\thttp://proxy.example.org/\nAcquire::https::Proxy\tDIRECT')
  expect(mixed).toHaveProperty('httpProxy')
  expect(mixed).not.toHaveProperty('httpsProxy')
})

it('takes any text', () => {
  fc.assert(fc.property(fc.string(), (text) => parseAptConfig(text).architectures.length === 0))
})

it.each([
  ['yes', true],
  ['On', true],
  [' 1 ', true],
  ['no', false],
  ['without', false],
  ['', undefined],
  ['maybe', undefined],
  [undefined, undefined],
])('reads %j as %j', (text, expected) => {
  expect(booleanOf(text)).toBe(expected)
})
