import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFleetCredentials } from '../../src/fleet/place/credentials.ts'
import { scanHostKey } from '../../src/fleet/host/host-key.ts'
import { canStartSshd, ownAccounts, ownClock, ownRunFolder, startSshd } from '../../src/fleet/testing/start-sshd.ts'
import type { DoctorReport } from '../../src/app/doctor/doctor-report.ts'
import { startControllerChild, type ControllerChild } from './support/controller-child.ts'
import { larderProgram } from './support/larder-command.ts'
import { createSiteClone } from './support/site-clone.ts'
import { waitForRuns, waitForSuccess } from './support/wait-for-run.ts'
import { openWorkspace } from './support/workspace.ts'

const ending = new AsyncDisposableStack()
/** A path that ssh would take for one with tokens. */
let data: string
let controller: ControllerChild
/** A machine of an sshd, which these words start. */
let started: (name: string, user: string, prefix: readonly string[]) => Promise<object>
/** Pushes a site with these machines, and further ones. */
let declare: (more: object) => Promise<void>

beforeAll(async () => {
  if (!canStartSshd) return
  const workspace = ending.use(await openWorkspace())
  data = workspace.path('100%h')
  await mkdir(data, { mode: 0o750 })
  await writeFile(join(data, 'controller.yaml'), 'machines: { lookMinutes: 0 }\n')
  const credentials = await openFleetCredentials(join(data, 'machines/credentials'))
  const ours = `${credentials.identityFile}.pub`.replaceAll('%', '%%')
  const config = `AuthorizedKeysCommand /usr/bin/cat ${ours}\nAuthorizedKeysCommandUser root`
  started = async (name, user, prefix) => {
    const sshd = await startSshd({ name, prefix, config })
    ending.defer(() => sshd.stop())
    const { port } = sshd
    await credentials.trust(name, await scanHostKey({ name, address: '127.0.0.1', port }))
    return { at: 'ssh', ssh: { address: '127.0.0.1', port, user } }
  }
  const machines = {
    'web-1': await started('web-1', 'root', ownAccounts),
    'web-2': await started('web-2', 'admin', ownAccounts),
    here: { at: 'local' },
  }
  controller = ending.use(await startControllerChild({ dataFolder: data }))
  const site = await createSiteClone(workspace.path('site'))
  declare = async (more) => {
    await site.commit({ 'larder.yaml': JSON.stringify({ site: 'lab', machines: { ...machines, ...more } }) })
    const pushed = await site.push(controller)
    expect(pushed.accepted, pushed.output).toBe(true)
  }
  await declare({})
  await waitForSuccess(controller.client)
})
afterAll(() => ending.disposeAsync())

async function shell(machine: string, command: readonly string[], input = '') {
  const words = ['--data', data, 'machine', 'shell', machine, ...(command.length === 0 ? [] : ['--', ...command])]
  const { exitCode, stdout } = await execa(process.execPath, [larderProgram, ...words], {
    input,
    reject: false,
    timeout: 120_000,
  })
  return { exitCode, stdout }
}

describe.skipIf(!canStartSshd).each(['web-1', 'web-2', 'here'])('machine shell %s', (machine) => {
  it('is that of root, at the port and by the user that are declared', async () => {
    expect(await shell(machine, [], 'id -u; exit 5\n')).toEqual({ exitCode: 5, stdout: '0' })
  })

  it('runs a command in its place, all of it by root, and ends as that did', async () => {
    const command = ['id', '-u;', 'id', '-u;', 'echo', `"it's"`, '$((1+1)); exit 7']
    expect(await shell(machine, command)).toEqual({ exitCode: 7, stdout: `0\n0\nit's 2` })
  })
})

it.skipIf(!canStartSshd)(
  'doctor tells of a host that cannot be reached, in the words of ssh, and of no other',
  async () => {
    const away = { at: 'ssh', ssh: { address: '127.0.0.1', port: 1 } }
    await declare({ 'web-3': away })
    expect((await waitForRuns(controller.client, 300_000)).state).toBe('failed')
    const { findings } = (await controller.larder('doctor')).json<DoctorReport>()
    expect(findings.filter(({ check }) => check === 'hosts')).toMatchObject([
      {
        severity: 'error',
        subject: 'machine web-3',
        message: expect.stringContaining('Connection refused') as string,
        hint: expect.stringContaining('is the port right') as string,
      },
    ])
  },
)

/** A file system of which nothing is left, and one that takes no new files. */
const fullDisks = [
  'sh',
  '-ec',
  `mount -t tmpfs tmpfs /mnt && mkdir /mnt/full /mnt/inodes && mount -t tmpfs -o size=1m tmpfs /mnt/full && mount -t tmpfs -o nr_inodes=40 tmpfs /mnt/inodes
head -c 2000000 /dev/zero >/mnt/full/file 2>/dev/null || :
for i in $(seq 39); do : >/mnt/inodes/$i || :; done
exec "$@"`,
  'sh',
]

it.skipIf(!canStartSshd)(
  'doctor tells of clocks that are off, of none that is slow to answer or nearly right, and of full disks',
  async () => {
    // What was never brought up is not asked how it is.
    const machine = async (name: string, within: readonly string[]): Promise<[string, object]> => {
      const at = await started(name, 'root', [...ownRunFolder, ...within])
      return [name, { ...at, resources: [{ file: '/run/brought-up', content: 'yes' }] }]
    }
    const machines = await Promise.all([
      machine('ahead', ownClock('+30 seconds')),
      machine('behind', ownClock('-2 hours')),
      machine('nearly-right', ownClock('+4 seconds')),
      machine('slow', ownClock('+0 seconds', 7)),
      machine('full', fullDisks),
    ])
    await declare(Object.fromEntries(machines))
    await waitForSuccess(controller.client, 300_000)
    const { findings } = (await controller.larder('doctor')).json<DoctorReport>()
    const told = (machine: string) =>
      findings.flatMap(({ check, subject, severity, message, hint }) =>
        check === 'hosts' && subject === `machine ${machine}` ? [{ severity, message, hint: hint ?? '' }] : [],
      )
    const hint = expect.stringContaining('Have both follow NTP') as string
    const off = (machine: string, way: RegExp) =>
      expect.stringMatching(`^The clock of ${machine} is ${way.source} that of the controller\\.$`) as string
    expect(told('ahead')).toEqual([{ severity: 'warning', message: off('ahead', /(?:2\d|30) s ahead of/), hint }])
    expect(told('behind')).toEqual([{ severity: 'error', message: off('behind', /7(?:19\d|200) s behind/), hint }])
    expect(told('nearly-right')).toEqual([])
    expect(told('slow')).toEqual([])
    const room = expect.stringContaining('larder machine shell full, then du -x /mnt/') as string
    expect(told('full')).toMatchObject([
      { severity: 'error', message: '0 B (0.0 %) are free on /mnt/full of full.', hint: room },
      {
        severity: 'error',
        message: expect.stringContaining('/mnt/inodes of full has no more than 0 inodes'),
        hint: room,
      },
    ])
  },
)
