import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Host } from '../../src/fleet/host/host.ts'
import { createKeptRelease } from '../../src/fleet/service/kept-release.ts'
import { runScript } from '../../src/fleet/testing/run-script.ts'

// The scripts, run by the shell and the coreutils of this host in a root of their own, with a systemctl that only notes.
const programs = ['/bin/sh', '/bin/cp', '/bin/mv', '/bin/rm', '/bin/mkdir', '/bin/sync', '/bin/grep', '/bin/cat']
const service = { service: 'counter', unit: 'counter.service' }
const unitFile = '/etc/systemd/system/counter.service'
const variables = '/etc/larder/containers/counter.env'
const kept = createKeptRelease(new AbortController().signal)

let root: string
let host: Host
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-kept-'))
  for (const program of programs) await install(program)
  await write('/bin/systemctl', '#!/bin/sh\necho "$@" >>/calls\n[ "$1" != is-active ] || [ -f /active ]\n')
  await write(
    '/bin/journalctl',
    '#!/bin/sh\ncase "$*" in *CONTAINER_NAME=counter) cat /said 2>/dev/null ;; *) echo unit ;; esac\n',
  )
  await write('/dev/null', '')
  for (const name of ['systemctl', 'journalctl']) await chmod(`${root}/bin/${name}`, 0o755)
  host = {
    name: 'web-1',
    run: async (script) => {
      const { code, stdout, stderr } = runScript(script, { root })
      return { code: code ?? undefined, stdout, stderr }
    },
    close: async () => {},
  }
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** With the libraries that it names. */
async function install(program: string): Promise<void> {
  const { stdout } = await execa('ldd', [program])
  const libraries = stdout.split('\n').flatMap((line) => /(\/\S+) \(/.exec(line)?.[1] ?? [])
  for (const path of [program, ...libraries]) {
    await mkdir(dirname(`${root}${path}`), { recursive: true })
    await copyFile(path, `${root}${path}`)
  }
}

async function write(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(`${root}${path}`), { recursive: true })
  await writeFile(`${root}${path}`, text, { mode })
}
const read = (path: string): Promise<string | undefined> => readFile(`${root}${path}`, 'utf8').catch(() => undefined)
const calls = async (): Promise<string[]> => ((await read('/calls')) ?? '').trim().split('\n')

async function release(name: string): Promise<void> {
  await write(unitFile, `${name}\n`)
  await write(variables, `RELEASE=${name}\n`, 0o600)
}

it('what runs is kept once, and put back with all that it was', async () => {
  await release('one')
  expect(await kept.look(host, service)).toEqual({ isActive: false, isBegun: false })
  await kept.keep(host, service)
  await release('two')
  await write('/etc/systemd/system/counter.service.d/larder.conf', 'two\n')
  // What was never found good does not take the place of what is kept.
  await kept.keep(host, service)
  await write('/active', '')
  expect(await kept.look(host, service)).toEqual({ isActive: true, isBegun: true })

  await kept.restore(host, service)
  expect(await read(unitFile)).toBe('one\n')
  expect(await read(variables)).toBe('RELEASE=one\n')
  const { stdout } = await execa('stat', ['--format=%a', `${root}${variables}`, `${root}${unitFile}`])
  expect(stdout.split('\n')).toEqual(['600', '644'])
  expect(await read('/etc/systemd/system/counter.service.d/larder.conf')).toBeUndefined()
  expect((await calls()).slice(-3)).toEqual([
    'daemon-reload',
    'reset-failed -- counter.service',
    'restart -- counter.service',
  ])
  expect(await kept.look(host, service)).toEqual({ isActive: true, isBegun: false })
})

it('what is good is not kept any longer, and what goes leaves nothing', async () => {
  await release('one')
  await kept.keep(host, service)
  await kept.settle(host, service)
  expect((await kept.look(host, service)).isBegun).toBe(false)
  await kept.keep(host, service)
  await kept.remove(host, service)
  expect([await read(unitFile), await read(variables)]).toEqual([undefined, undefined])
  expect((await kept.look(host, service)).isBegun).toBe(false)
  expect(await calls()).toContain('disable --now --quiet -- counter.service')
})

it('a keeping that was cut off is done again, and putting back what is not kept fails aloud', async () => {
  await release('one')
  await write('/var/lib/larder-host/services/counter.new/etc/systemd/system/counter.service', 'half')
  expect((await kept.look(host, service)).isBegun).toBe(false)
  await expect(kept.restore(host, service)).rejects.toMatchObject({ code: 'FLEET_APPLY_FAILED' })
  await kept.keep(host, service)
  await release('two')
  await kept.restore(host, service)
  expect(await read(unitFile)).toBe('one\n')
})

it('the last lines are those of the container itself, or else those of its unit', async () => {
  expect(await kept.lastLines(host, service)).toBe('unit')
  await write('/said', 'no\u001b[31m luck\n')
  expect(await kept.lastLines(host, service)).toContain('luck')
  expect(await kept.lastLines(host, service)).not.toContain('\u001b')
})
