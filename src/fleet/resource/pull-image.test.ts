import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pullImage } from './pull-image.ts'

const run = promisify(execFile)
const reference = 'registry.example.org:7443/counter@sha256:1'
const login = { user: 'machine/web-1', password: "it's secret" }

/** Notes how it was called, and what stood in the file that it was handed. */
const podman = `#!/bin/sh
printf '%s\\n' "$*" >>"$SEEN/calls"
case $1 in image) exit "$THERE" ;; esac
[ "$3" != --authfile ] || { cat "$4" >"$SEEN/auth"; cat "$4" >"$SEEN/again"; }
ls "$TMPDIR" >"$SEEN/files"
exit "$PULLS"
`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-pull-'))
  await writeFile(join(folder, 'podman'), podman)
  await chmod(join(folder, 'podman'), 0o755)
  await run('mkdir', [join(folder, 'tmp')])
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function pull(image: Parameters<typeof pullImage>[0], { isThere = false, fails = false } = {}) {
  const answers = { THERE: isThere ? '0' : '1', PULLS: fails ? '5' : '0' }
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, SEEN: folder, TMPDIR: join(folder, 'tmp'), ...answers }
  const ended = await run('/bin/sh', ['-c', `set -eu\n${pullImage(image).shell}`], { env }).then(
    () => 0,
    (error: unknown) => (error as { code: number }).code,
  )
  const calls = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')
  return { ended, calls }
}

it('what is there is not pulled', async () => {
  expect(await pull({ reference, login }, { isThere: true })).toEqual({
    ended: 0,
    calls: [`image exists ${reference}`],
  })
})

it('where nobody asks who pulls, nothing is said', async () => {
  const { calls } = await pull({ reference, login: undefined })
  expect(calls[1]).toBe(`pull --quiet -- ${reference}`)
})

it('the login is in no arguments, and in no file that has a name', async () => {
  const { ended, calls } = await pull({ reference, login })
  expect(ended).toBe(0)
  expect(calls[1]).toBe(`pull --quiet --authfile /proc/self/fd/3 -- ${reference}`)
  const auth = { 'registry.example.org:7443': { auth: Buffer.from("machine/web-1:it's secret").toString('base64') } }
  expect(JSON.parse(await readFile(join(folder, 'auth'), 'utf8'))).toEqual({ auths: auth })
  expect(await readFile(join(folder, 'again'), 'utf8')).toBe(await readFile(join(folder, 'auth'), 'utf8'))
  expect(await readFile(join(folder, 'files'), 'utf8')).toBe('')
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
})

it('what cannot be pulled ends with its code', async () => {
  expect((await pull({ reference, login }, { fails: true })).ended).toBe(5)
})
