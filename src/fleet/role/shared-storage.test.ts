import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { renderTemplate } from '../resource/render-template.ts'
import { runScript } from '../testing/run-script.ts'
import { readRole } from './role.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-storage-'))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'calls'), '')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const status = `Number of Peers: 1

Hostname: store-2
Uuid: 5ad3f6d6-7a34-4ea9-9ff5-8a7b6a5a0f2b
State: Peer in Cluster (Connected)
Other names:
store-4`

/** One of the role's scripts on a machine, where `gluster` is what `programs` says. */
async function run(name: string, gluster: string, { on = 'store-1', args = '' } = {}) {
  const peers = ['store-1', 'store-2', 'store-3', 'store-4']
  const { role } = await readRole(memoryFiles({}), 'shared-storage', { peers })
  const { inline } = role!.resources.find(({ id }) => id.endsWith(`${name}.sh`))!.declared as { inline: string }
  const script = renderTemplate(inline, { ...role!.variables, machine: { name: on } }, name)
  writeFileSync(join(folder, 'script'), script.replace('limit=300', 'limit=0'))
  const body = `#!/bin/sh\necho "$*" >>'${folder}/calls'\n${gluster}\n`
  writeFileSync(join(folder, 'bin/gluster'), body, { mode: 0o755 })
  const { code, stderr } = runScript({ shell: `PATH='${folder}/bin':$PATH; sh '${folder}/script' ${args}` })
  return { code, said: stderr, probed: readFileSync(join(folder, 'calls'), 'utf8').match(/probe \S+/g) ?? [] }
}

const answers = `case "$*" in 'peer status') echo '${status}' ;; esac`

it('those that are no peers yet are taken in, by the first alone', async () => {
  expect(await run('gluster-peers', answers)).toEqual({ code: 0, said: '', probed: ['probe store-3'] })
  expect(await run('gluster-peers', answers, { on: 'store-2' })).toMatchObject({ code: 0, probed: ['probe store-3'] })
})

it('whether all are is asked without taking one in', async () => {
  expect(await run('gluster-peers', answers, { args: 'known' })).toEqual({ code: 1, said: '', probed: [] })
  const all = answers.replace('store-4', 'store-4\nstore-3')
  expect(await run('gluster-peers', all, { args: 'known' })).toEqual({ code: 0, said: '', probed: [] })
})

it('a peer that is away is named', async () => {
  const away = `${answers}\ncase "$*" in *probe*) echo 'Transport endpoint is not connected'; exit 1 ;; esac`
  expect(await run('gluster-peers', away)).toMatchObject({
    code: 1,
    said: 'store-3 was not reached within 0 s: Transport endpoint is not connected\n',
  })
  const lost = `case "$*" in 'pool list') printf 'UUID Hostname State\\n1 store-2 Disconnected\\n2 localhost Connected\\n' ;; esac`
  expect(await run('gluster-volume', lost)).toMatchObject({
    code: 1,
    said: 'Not connected after 0 s: 1 store-2 Disconnected\n',
  })
})

it('one that nobody has made the volume for says so', async () => {
  expect(await run('gluster-volume', 'exit 1', { on: 'store-2' })).toMatchObject({
    code: 1,
    said: expect.stringContaining('The volume shared is not there after 0 s'),
  })
})
