import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lines, sh } from '../shell/script.ts'
import { runScript } from '../testing/run-script.ts'
import { pathScript, readPaths } from './path-facts.ts'

const asked = ['/srv/a b', '/srv/b', '/srv/c'].map((path) => ({ path }))
const said = (...text: string[]): Buffer => Buffer.from([...text, '', 'targets', ''].join('\n'))

it('names of owners and groups may have blanks, as those of a directory service', () => {
  const output = said(
    ...['have 0', 'have 1', 'stat 81a4 5 1000 1001 app:domain users /srv/a b', 'stat 41ed 4096 0 0 root:root /srv/b'],
  )
  expect(readPaths(output, asked)).toMatchObject([
    { kind: 'file', mode: '0644', uid: '1000', owner: 'app', gid: '1001', group: 'domain users', sizeBytes: 5 },
    { kind: 'directory', mode: '0755', owner: 'root', group: 'root' },
    { kind: 'absent' },
  ])
})

it('what went while it was looked at is unknown, and nothing else is', () => {
  const one = 'stat 81a4 5 0 0 root:root /srv/b'
  expect(readPaths(said('have 0', 'have 1', one), asked)).toMatchObject([
    undefined,
    { kind: 'file' },
    { kind: 'absent' },
  ])
  const withSum = [{ path: '/srv/a b' }, { path: '/srv/b', sha256: '0'.repeat(64) }]
  expect(readPaths(said('have 1', one), withSum)).toMatchObject([{ kind: 'absent' }, undefined])
  const links = [
    'have 0',
    'have 1',
    'have 2',
    'stat a1ff 1 0 0 root:root /srv/a b',
    one,
    'stat a1ff 1 0 0 root:root /srv/c',
  ]
  const output = Buffer.concat([said(...links, 'link 0', 'link 2'), Buffer.from('one\n\0')])
  expect(readPaths(output, asked)).toMatchObject([undefined, { kind: 'file' }, undefined])
  const both = Buffer.concat([output, Buffer.from('\ntargets\n\0')])
  expect(readPaths(both, asked)).toMatchObject([{ target: 'one\n' }, { kind: 'file' }, { target: '\ntargets\n' }])
})

it.each([undefined, '', 'have 0\nstat 81a4 5 0 0 root:root /srv/a b\n', 'targets\n'])(
  'nothing is known where what was said is not whole: %j',
  (text) => {
    const output = text === undefined ? undefined : Buffer.from(text)
    expect(readPaths(output, asked)).toEqual([undefined, undefined, undefined])
  },
)

it('paths with all that a shell and sha256sum write in another way', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-paths-'))
  try {
    const names = ["a 'b' $HOME", 'back\\slash \\n', '-rf', 'a\u2028b', 'have 0', 'stat 81a4 5 0 0 root:root ', '81a4 5 0 0 x:y'].map((name) => join(folder, name)) // prettier-ignore
    for (const path of names) writeFileSync(path, path)
    symlinkSync(names[1]!, join(folder, 'link'))
    const all = [
      ...names.map((path) => ({ path, sha256: digest(path), isShown: true })),
      { path: join(folder, 'link') },
    ]
    const found = readPaths(runScript(pathScript(all)).stdout, all)
    expect(found.slice(0, -1)).toMatchObject(
      names.map((path) => ({ kind: 'file', sha256: digest(path), sizeBytes: Buffer.byteLength(path) })),
    )
    expect(found.some((facts) => facts?.text !== undefined)).toBe(false)
    expect(found.at(-1)).toMatchObject({ kind: 'link', target: names[1] })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

it('shows nothing of what a link leads to that somebody puts in the place of a file while it is looked at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'larder-paths-'))
  try {
    const [path, secret] = [join(folder, 'file'), join(folder, 'secret')]
    writeFileSync(path, 'as it is')
    writeFileSync(secret, 'of somebody else')
    const swap = sh`dd() { ln -s -f ${secret} ${path}; command dd "$@"; rm ${path}; printf 'as it is' >${path}; }`
    const asked = [{ path, sha256: '0'.repeat(64), isShown: true }]
    const output = runScript(lines(swap, pathScript(asked))).stdout
    expect(readPaths(output, asked)).toMatchObject([{ kind: 'file', text: Buffer.from('') }])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it.each(['/bin/sh', '/bin/bash'])(
  'thousands of files are no matter of minutes, of which some are others: %s',
  (shell) => {
    const folder = mkdtempSync(join(tmpdir(), 'larder-paths-'))
    try {
      const all = Array.from({ length: 3000 }, (_, at) => {
        const [path, text] = [join(folder, `one-of-many-${at}`), `${at}\n`]
        if (at !== 7) writeFileSync(path, at % 1000 === 3 ? `not ${text}` : text)
        return { path, sha256: digest(text), isShown: at !== 1003 }
      })
      const found = readPaths(runScript(pathScript(all), { shell }).stdout, all)
      const others = found.flatMap((facts, at) =>
        facts?.sha256 === all[at]!.sha256 ? [] : [[at, facts?.kind, facts?.text?.toString()]],
      )
      expect(others).toEqual([[3, 'file', 'not 3\n'], [7, 'absent', undefined], [1003, 'file', undefined], [2003, 'file', 'not 2003\n']]) // prettier-ignore
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
