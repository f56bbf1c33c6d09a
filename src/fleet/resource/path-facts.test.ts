import { expect, it } from 'vitest'
import { readPaths } from './path-facts.ts'

it('names of owners and groups may have blanks, as those of a directory service', () => {
  const output = Buffer.from(
    ['@paths', 'have 0', 'have 1', 'stat 81a4 5 1000 1001 app:domain users', 'stat 41ed 4096 0 0 root:root', '@end paths', ''].join('\n'), // prettier-ignore
  )
  expect(readPaths(output, 2)).toMatchObject([
    { kind: 'file', mode: '0644', uid: '1000', owner: 'app', gid: '1001', group: 'domain users', sizeBytes: 5 },
    { kind: 'directory', mode: '0755', owner: 'root', group: 'root' },
  ])
})
