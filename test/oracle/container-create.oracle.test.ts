import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'
import { containerType } from '../../src/fleet/resource/types/container.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-create-'))
})
afterAll(async () => {
  await podman('rm', '--all', '--force')
  await podman('rmi', '--all', '--force')
  await rm(folder, { recursive: true, force: true })
})

function podman(...args: string[]) {
  const own = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  return execa('podman', [...own, ...args], { stdin: 'ignore' })
}

it('podman gives a container its variables and volumes as they are, and takes none of them for its own', async () => {
  const from = join(folder, 'a:b')
  for (const path of [join(folder, 'rootfs'), from]) await mkdir(path)
  await execa('tar', ['--create', '--directory', join(folder, 'rootfs'), '--file', join(folder, 'rootfs.tar'), '.'])
  await podman('import', join(folder, 'rootfs.tar'), 'localhost/counter:1')
  // Each would keep podman from its work.
  const environment = {
    PATH: '/nowhere',
    TMPDIR: '/no/where',
    CONTAINER_HOST: 'tcp://192.0.2.1:1',
    STORAGE_DRIVER: 'none',
    LD_PRELOAD: '/none.so',
    HTTPS_PROXY: 'http://a:b%23@proxy:3128/?c=d&e=(f)*[g]{h}<i>|~^!',
    EMPTY: '',
    QUOTED: 'it\'s "100%" $x \\ #y `z`',
  }
  const secret = '-----BEGIN KEY-----\n"a" b # c\n-----END KEY-----'
  const room = testRoom(
    {},
    {
      image: async () => ({ reference: 'localhost/counter:1', digest: 'sha256:1' }),
      secret: async () => secret,
    },
  )
  const volumes = [{ from, to: '/c:d', read_only: true }]
  const container = { container: 'counter', image: 'counter', environment, secrets: { KEY: 'key' }, volumes }
  const { files } = await containerType.resolve(
    containerType.schema.parse({ ...container, network: 'none', command: ['/x'] }),
    room,
  )
  const textOf = (end: string): string => files.find(({ path }) => path.endsWith(end))!.content.toString()
  const [handed, passed] = [join(folder, 'counter.env'), join(folder, 'passed.env')]
  await writeFile(handed, textOf('/counter.env'))
  await writeFile(passed, textOf('/counter.passed.env'))
  const line = /^ExecStart=\/usr\/bin\/podman run (.*)$/m.exec(textOf('.service'))![1]!
  const options = line
    .replace('/etc/larder/containers/counter.env', handed)
    .replace(/"--(?:sdnotify|log-driver)=[a-z]+" /g, '')
  const script = join(folder, 'create')
  // What systemd does: variables by a file of assignments, then the line, whose quotes a shell reads the same way.
  await writeFile(
    script,
    `set -a; . ${passed}; set +a\nexec podman --root ${folder}/root --runroot ${folder}/run --storage-driver vfs create ${options}\n`,
  )
  await chmod(script, 0o700)
  await execa('/bin/sh', [script], { stdin: 'ignore' })
  const { stdout } = await podman(
    'inspect',
    '--format',
    '{"env":{{json .Config.Env}},"mounts":{{json .Mounts}}}',
    'counter',
  )
  const found = JSON.parse(stdout) as { env: string[]; mounts: object[] }
  const wanted = Object.entries({ ...environment, KEY: secret }).map(([name, value]) => `${name}=${value}`)
  expect(found.env).toEqual(expect.arrayContaining(wanted))
  expect(found.mounts).toEqual([expect.objectContaining({ Source: from, Destination: '/c:d', RW: false })])
})
