import { expect, test } from 'vitest'
import { digestOf } from '../../core/digest.ts'
import { architectureRelease, releaseText, type ReleaseFacts } from './release-text.ts'

const facts: ReleaseFacts = {
  suite: 'bookworm',
  origin: 'Larder',
  label: 'campus base',
  components: ['main', 'contrib'],
  architectures: ['amd64', 'arm64'],
}
const date = new Date('2026-11-02T03:04:05.678Z')

test('a Release', () => {
  const files = [{ path: 'main/binary-amd64/Packages', sizeBytes: 12, digest: digestOf('x') }]
  const validUntil = new Date('2026-11-12T03:04:05Z')
  expect(releaseText({ ...facts, codename: 'b', description: 'd' }, files, { date, validUntil })).toBe(
    `Origin: Larder
Label: campus base
Suite: bookworm
Codename: b
Date: Mon, 02 Nov 2026 03:04:05 UTC
Valid-Until: Thu, 12 Nov 2026 03:04:05 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64 arm64
Components: main contrib
Description: d
SHA256:
 ${digestOf('x').slice(7)}         12 main/binary-amd64/Packages
`,
  )
})

test('without Valid-Until, codename and description', () => {
  const text = releaseText(facts, [], { date, validUntil: undefined })
  expect(text).toContain('Codename: bookworm\n')
  expect(text).not.toMatch(/Valid-Until|Description/)
})

test('no value begins a line of its own', () => {
  const odd = { ...facts, label: 'x\nSuite: evil', origin: ' \r\n y' }
  expect(releaseText(odd, [], { date, validUntil: undefined })).toMatch(
    /^Origin: y\nLabel: x Suite: evil\nSuite: bookworm\n/,
  )
  expect(architectureRelease(odd, 'main', 'amd64')).toBe(
    'Archive: bookworm\nOrigin: y\nLabel: x Suite: evil\nAcquire-By-Hash: yes\nComponent: main\nArchitecture: amd64\n',
  )
})
