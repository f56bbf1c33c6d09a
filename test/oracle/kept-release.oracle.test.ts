import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Host } from '../../src/fleet/host/host.ts'
import { createKeptRelease } from '../../src/fleet/service/kept-release.ts'
import { runScript } from '../../src/fleet/testing/run-script.ts'

// The scripts, run by the shell and the coreutils of this host in a root of their own, with a systemctl that only notes.
const programs = [
  '/bin/sh',
  '/bin/cp',
  '/bin/mv',
  '/bin/rm',
  '/bin/mkdir',
  '/bin/sync',
  '/bin/grep',
  '/bin/cat',
  '/usr/bin/find',
]
const service = { service: 'counter', unit: 'counter.service' }
const wanted = { ...service, isContainer: true, wasContainer: true }
const unitFile = '/etc/systemd/system/counter.service'
const variables = '/etc/larder/containers/counter.env'
const kept = createKeptRelease(new AbortController().signal)

/** What runs has a file below /running. */
const systemctl = `#!/bin/sh
echo "$@" >>/calls
for unit; do :; done
case $1 in
is-active) [ -f "/running/$unit" ] ;;
restart) echo >"/running/$unit" ;;
stop)
  [ -f /stubborn ] || rm -f "/running/$unit"
  [ -f "/etc/systemd/system/$unit" ] || echo "$unit has no text" >>/calls ;;
esac
`

let root: string
let host: Host
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-kept-'))
  for (const program of programs) await install(program)
  await write('/bin/systemctl', systemctl)
  await write(
    '/bin/journalctl',
    '#!/bin/sh\ncase "$*" in *CONTAINER_NAME=counter) cat /said 2>/dev/null ;; *) echo unit ;; esac\n',
  )
  await write('/dev/null', '')
  await mkdir(`${root}/running`)
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
  expect(await kept.look(host, wanted)).toEqual({ isActive: false, isBegun: false, formers: [] })
  await kept.keep(host, wanted, { formers: [], isGood: true })
  await release('two')
  await write('/etc/systemd/system/counter.service.d/larder.conf', 'two\n')
  // What was never found good does not take the place of what is kept.
  await kept.keep(host, wanted, { formers: [], isGood: true })
  await write('/running/counter.service', '')
  expect(await kept.look(host, wanted)).toEqual({ isActive: true, isBegun: true, formers: [] })

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
  expect(await kept.look(host, wanted)).toEqual({ isActive: true, isBegun: false, formers: [] })
})

it('what is good is not kept any longer, and what goes leaves nothing', async () => {
  await release('one')
  await kept.keep(host, wanted, { formers: [], isGood: true })
  await kept.settle(host, service)
  expect((await kept.look(host, wanted)).isBegun).toBe(false)
  await kept.keep(host, wanted, { formers: [], isGood: true })
  await kept.remove(host, { ...service, wasContainer: true, hasText: true })
  expect([await read(unitFile), await read(variables)]).toEqual([undefined, undefined])
  expect((await kept.look(host, wanted)).isBegun).toBe(false)
  expect(await calls()).toEqual(
    expect.arrayContaining(['disable --quiet -- counter.service', 'stop -- counter.service']),
  )
})

it('a keeping that was cut off is done again, and putting back what is not kept fails aloud', async () => {
  await release('one')
  await write('/var/lib/larder-host/services/counter.new/etc/systemd/system/counter.service', 'half')
  expect((await kept.look(host, wanted)).isBegun).toBe(false)
  await expect(kept.restore(host, service)).rejects.toMatchObject({ code: 'FLEET_APPLY_FAILED' })
  await kept.keep(host, wanted, { formers: [], isGood: true })
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

describe('another unit', () => {
  const part = 'EnvironmentFile=/etc/larder/services/counter.env\n'
  const partOf = (unit: string): string => `/etc/systemd/system/${unit}.d/larder.conf`
  const app = { service: 'counter', unit: 'app.service' }
  const wantsApp = { ...app, isContainer: false, wasContainer: false }

  it('takes the place of those that have the variables of the service, and they come back where it fails', async () => {
    await write('/etc/systemd/system/old.service', 'text of the machine')
    await write(partOf('old.service'), part)
    await write(partOf('idle.service'), part)
    await write(partOf('other.service'), part.replace('counter', 'other'))
    await write('/running/old.service', '')
    const { formers, isActive } = await kept.look(host, wantsApp)
    expect(isActive).toBe(true)
    expect(formers.toSorted((one, other) => (one.unit < other.unit ? -1 : 1))).toEqual([
      { unit: 'idle.service', isContainer: false },
      { unit: 'old.service', isContainer: false },
    ])
    await kept.keep(host, wantsApp, { formers, isGood: true })
    await kept.retire(host, 'counter', formers)
    expect(await read('/running/old.service')).toBeUndefined()
    expect([await read(partOf('old.service')), await read(partOf('idle.service'))]).toEqual([undefined, undefined])
    expect(await read('/etc/systemd/system/old.service')).toBe('text of the machine')
    expect(await read(partOf('other.service'))).toBeDefined()
    await write(partOf('app.service'), part)
    await write('/running/app.service', '')
    expect(await kept.look(host, wantsApp)).toEqual({ isActive: true, isBegun: true, formers: [] })

    await kept.restore(host, app)
    expect(await read(partOf('old.service'))).toBe(part)
    expect(await read(partOf('app.service'))).toBeUndefined()
    const running = ['old', 'app', 'idle'].map((name) => read(`/running/${name}.service`))
    expect((await Promise.all(running)).map((text) => text !== undefined)).toEqual([true, false, false])
  })

  it('takes the place of a container, and that comes back, also by the same name', async () => {
    await release('one')
    await write('/running/counter.service', '')
    const wants = { ...service, isContainer: false, wasContainer: true }
    const { formers } = await kept.look(host, wants)
    expect(formers).toEqual([{ unit: 'counter.service', isContainer: true }])
    await kept.keep(host, wants, { formers, isGood: true })
    await kept.retire(host, 'counter', formers)
    expect([await read(unitFile), await read(variables)]).toEqual([undefined, undefined])
    expect((await kept.look(host, wants)).formers).toEqual([])
    await write(partOf('counter.service'), part)
    await kept.restore(host, service)
    expect([await read(unitFile), await read(variables)]).toEqual(['one\n', 'RELEASE=one\n'])
    expect(await read(partOf('counter.service'))).toBeUndefined()
    expect(await read('/running/counter.service')).toBeDefined()
  })

  it('is left by a service that is a container by now', async () => {
    await write(partOf('counter.service'), part)
    expect((await kept.look(host, wanted)).formers).toEqual([{ unit: 'counter.service', isContainer: false }])
  })

  it('that does not stop is told', async () => {
    await write('/running/old.service', '')
    await write('/stubborn', '')
    await expect(kept.retire(host, 'counter', [{ unit: 'old.service', isContainer: false }])).rejects.toThrow(
      'web-1: old.service does not stop.',
    )
  })

  it('that takes the place of one which was cut off brings back what ran before that, with or without a list of it', async () => {
    for (const isListed of [true, false]) {
      await write(partOf('early.service'), part)
      await write('/running/early.service', '')
      const wantsEarly = { ...wantsApp, unit: 'early.service' }
      await kept.keep(host, wantsEarly, { formers: [], isGood: true })
      // Of a version that wrote none.
      if (!isListed) await rm(`${root}/var/lib/larder-host/services/counter/running`)
      const { formers } = await kept.look(host, wantsApp)
      await kept.keep(host, wantsApp, { formers, isGood: true })
      await kept.retire(host, 'counter', formers)
      await write('/etc/systemd/system/app.service', 'text of the machine')
      await write(partOf('app.service'), part)
      await write('/running/app.service', '')
      await kept.restore(host, app)
      expect([await read('/running/app.service'), await read(partOf('app.service'))]).toEqual([undefined, undefined])
      expect([await read('/running/early.service'), await read(partOf('early.service'))]).toEqual(['\n', part])
      expect(await read('/etc/systemd/system/app.service')).toBe('text of the machine')
      expect(await calls()).toContain('enable --quiet -- early.service')
    }
  })

  it('ends before its own text is taken away, where what ran before comes back', async () => {
    await write(partOf('early.service'), part)
    await write('/running/early.service', '')
    const { formers } = await kept.look(host, wanted)
    await kept.keep(host, wanted, { formers, isGood: true })
    await kept.retire(host, 'counter', formers)
    await release('new')
    await write('/running/counter.service', '')
    await kept.restore(host, service)
    expect(await calls()).not.toContain('counter.service has no text')
    expect([await read(unitFile), await read('/running/counter.service')]).toEqual([undefined, undefined])
    expect(await read('/running/early.service')).toBeDefined()
  })

  it('takes the place of a container that was never found good, and of none that is of somebody else', async () => {
    await release('one')
    expect((await kept.look(host, wantsApp)).formers).toEqual([])
    await kept.keep(host, wanted, { formers: [], isGood: false })
    const formers = [{ unit: 'counter.service', isContainer: true }]
    expect((await kept.look(host, wantsApp)).formers).toEqual(formers)
    await kept.remove(host, { ...app, wasContainer: false, hasText: true })
    expect([await read(unitFile), await read(variables)]).toEqual([undefined, undefined])
    await release('of a role')
    await kept.remove(host, { ...app, wasContainer: false, hasText: false })
    expect(await read(unitFile)).toBe('of a role\n')
  })

  it('that another service has by now is left to that', async () => {
    await write(partOf('app.service'), part.replace('counter', 'other'))
    await write('/running/app.service', '')
    await kept.remove(host, { ...app, wasContainer: false, hasText: true })
    expect(await read('/running/app.service')).toBeDefined()
    expect(await read(partOf('app.service'))).toBeDefined()
  })

  it('goes with the service, whichever ran it', async () => {
    await write(partOf('old.service'), part)
    await write('/running/old.service', '')
    await write('/etc/systemd/system/app.service', 'text of the machine')
    await kept.remove(host, { ...app, wasContainer: false, hasText: false })
    expect([await read(partOf('old.service')), await read('/running/old.service')]).toEqual([undefined, undefined])
    expect(await read('/etc/systemd/system/app.service')).toBe('text of the machine')
  })
})
