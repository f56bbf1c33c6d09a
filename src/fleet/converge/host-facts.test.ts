import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readHostFacts } from './host-facts.ts'

it.each([
  [
    'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nuname=web-1 x86_64\nsystemd=1',
    'debian',
    'debian',
    '12',
    'bookworm',
  ],
  ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble', 'ubuntu', 'debian', '24.04', 'noble'],
  [`ID="rocky"\nID_LIKE='rhel centos fedora'\nVERSION_ID="9.4"`, 'rocky', 'rhel', '9.4', ''],
  ['ID=fedora\nVERSION_ID=40', 'fedora', 'rhel', '40', ''],
  ['ID=alpine\nVERSION_ID=3.20', 'alpine', 'other', '3.20', ''],
  ['', '', 'other', '', ''],
])('%j', (text, os, family, version, codename) => {
  expect(readHostFacts(Buffer.from(text)).facts).toMatchObject({ os, family, version, codename })
})

it('reads what is owed, and nothing else that looks like it', () => {
  const said = 'PRETTY_NAME="a \\"b\\""\npending=/var/lib/larder-host/pending/1234.5678\nuname=h m'
  const { pending, facts } = readHostFacts(Buffer.from(said))
  expect([...pending]).toEqual(['1234.5678'])
  expect(facts).toMatchObject({ hostname: 'h', machine: 'm', hasSystemd: false })
})

it('believes nothing', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => readHostFacts(Buffer.from(bytes)).facts.family.length > 0))
})
