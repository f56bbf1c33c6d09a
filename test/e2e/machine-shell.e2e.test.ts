import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFleetCredentials } from '../../src/fleet/place/credentials.ts'
import { scanHostKey } from '../../src/fleet/host/host-key.ts'
import { canStartSshd, ownAccounts, startSshd } from '../../src/fleet/testing/start-sshd.ts'
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
  const started = async (name: string, user: string): Promise<object> => {
    const sshd = await startSshd({ name, prefix: ownAccounts, config })
    ending.defer(() => sshd.stop())
    const { port } = sshd
    await credentials.trust(name, await scanHostKey({ name, address: '127.0.0.1', port }))
    return { at: 'ssh', ssh: { address: '127.0.0.1', port, user } }
  }
  const machines = {
    'web-1': await started('web-1', 'root'),
    'web-2': await started('web-2', 'admin'),
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
