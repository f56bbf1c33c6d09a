import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { engineChoice, type ChoiceRoom } from './engine-choice.ts'
import type { ContainerEngine } from './engine.ts'

let folder: string
let engineFile: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-engine-'))
  engineFile = join(folder, 'container-engine')
})
afterEach(() => rm(folder, { recursive: true }))

const silent = { message: 'It does not answer.', hint: 'Look whether it runs.' }
const missing = { message: 'It is not installed.', hint: 'Install it.', isMissing: true }

interface State {
  reason?: typeof silent
  /** Sites that it has containers of. */
  sites?: readonly string[]
}

function fake(name: ContainerEngine['name'], state: State): ContainerEngine {
  const require = async (args: readonly string[]): Promise<string> => {
    const asked = args.at(-1)?.split('=')[2]
    return (state.sites ?? []).some((site) => asked === undefined || site === asked) ? 'id\n' : ''
  }
  const ask = async () => ({ code: 1, stdout: '', stderr: '' })
  return { name, ask, require, unusable: async () => state.reason }
}

/** As a controller that starts has it. */
const starting = (docker: State, podman: State = {}, room: ChoiceRoom = {}) =>
  engineChoice([fake('docker', docker), fake('podman', podman)], { engineFile, ...room })

it('an engine that made machines is waited for when the next controller starts, whoever else answers', async () => {
  const first = starting({})
  await first.remember(await first.choose('campus'))
  const away = starting({ reason: silent })
  const refused = {
    code: 'FLEET_PLACE_UNUSABLE',
    message: 'Machines of this site are in containers of docker. It does not answer.',
    hint: expect.stringContaining(`write its name into ${engineFile}`) as string,
  }
  await expect(away.choose('campus')).rejects.toMatchObject(refused)
  await expect(away.choose()).rejects.toMatchObject(refused)
  expect(await away.unusable()).toBe(silent)
  await expect(starting({ reason: missing }).choose('campus')).rejects.toMatchObject({ code: refused.code })
})

it('it is looked for again, and changed on purpose, without a new start', async () => {
  await writeFile(engineFile, 'docker\n')
  const docker: State = { reason: silent }
  const choice = starting(docker)
  await expect(choice.choose('campus')).rejects.toMatchObject({ code: 'FLEET_PLACE_UNUSABLE' })
  await writeFile(engineFile, 'podman\n')
  expect((await choice.choose('campus')).name).toBe('podman')
  const other = starting(docker)
  await writeFile(engineFile, 'docker\n')
  delete docker.reason
  expect((await other.choose('campus')).name).toBe('docker')
  await writeFile(engineFile, 'lxc\n')
  await expect(starting({}).choose('campus')).rejects.toMatchObject({
    message: expect.stringContaining('"lxc"') as string,
  })
})

const made = { hasMachines: async () => true }
it.each<[string, string, State, State, ChoiceRoom]>([
  ['the preferred one', 'docker', {}, {}, {}],
  ['whoever answers, where nothing was made yet', 'podman', { reason: silent }, {}, {}],
  ['the other, where the preferred one is not installed', 'podman', { reason: missing }, {}, made],
  ['who has machines of the site', 'podman', { reason: silent }, { sites: ['campus'] }, made],
  ['who has machines of the site, though another was installed since', 'podman', {}, { sites: ['campus'] }, made],
  ['the preferred one, where both have some', 'docker', { sites: ['campus'] }, { sites: ['campus'] }, made],
  ['the preferred one, where the other has machines of others', 'docker', {}, { sites: ['lab'] }, made],
])('where nothing is written down: %s', async (_, name, docker, podman, room) => {
  expect((await starting(docker, podman, room).choose('campus')).name).toBe(name)
})

it('where nothing is written down, and the one that may have the machines does not answer, none are made', async () => {
  await expect(starting({ reason: silent }, { sites: ['lab'] }, made).choose('campus')).rejects.toMatchObject({
    code: 'FLEET_PLACE_UNUSABLE',
    message: 'Machines of this site may be in containers of docker; podman has none of them. It does not answer.',
    hint: expect.stringContaining(`echo podman >${engineFile}`) as string,
  })
})

it('what has machines already is written down, and nothing where none are yet', async () => {
  await starting({}).choose('campus')
  await expect(readFile(engineFile)).rejects.toMatchObject({ code: 'ENOENT' })
  await starting({ sites: ['campus'] }).choose()
  await expect(readFile(engineFile)).rejects.toMatchObject({ code: 'ENOENT' })
  await starting({ sites: ['campus'] }).choose('campus')
  expect(await readFile(engineFile, 'utf8')).toBe('docker\n')
})

it('where none can be used, each says why', async () => {
  await expect(starting({ reason: missing }, { reason: silent }).choose('campus')).rejects.toMatchObject({
    message: 'No machine can be made in a container here. It is not installed. It does not answer.',
    hint: 'Install it.',
  })
})
