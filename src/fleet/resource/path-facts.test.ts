import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lines, sh } from '../shell/script.ts'
import { runScript } from '../testing/run-script.ts'
import { pathScript, readPaths } from './path-facts.ts'

it('names of owners and groups may have blanks, as those of a directory service', () => {
  const output = Buffer.from(
    ['@paths', 'have 0', 'have 1', 'stat 81a4 5 1000 1001 app:domain users', 'stat 41ed 4096 0 0 root:root', '@end paths', ''].join('\n'), // prettier-ignore
  )
  expect(readPaths(output, 2)).toMatchObject([
    { kind: 'file', mode: '0644', uid: '1000', owner: 'app', gid: '1001', group: 'domain users', sizeBytes: 5 },
    { kind: 'directory', mode: '0755', owner: 'root', group: 'root' },
  ])
})

it('shows nothing of what a link leads to that somebody puts in the place of a file while it is looked at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-paths-'))
  try {
    const [path, secret] = [join(folder, 'file'), join(folder, 'secret')]
    writeFileSync(path, 'as it is')
    writeFileSync(secret, 'of somebody else')
    const swap = sh`swap() { ln -s -f ${secret} ${path}; }
head() { swap; command head "$@"; }
dd() { swap; command dd "$@"; }`
    const output = runScript(lines(swap, pathScript([{ path, sha256: '0'.repeat(64), isShown: true }]))).stdout
    expect(readPaths(output, 1)).toMatchObject([{ kind: 'file', text: Buffer.from('') }])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
