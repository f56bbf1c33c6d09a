import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { testRoom } from '../../src/fleet/testing/resolve-room.ts'
import { containerType } from '../../src/fleet/resource/types/container.ts'
import { timerType } from '../../src/fleet/resource/types/timer.ts'
import type { DesiredUnit } from '../../src/fleet/resource/unit-files.ts'

const room = testRoom(
  {},
  {
    image: async () => ({ reference: `registry.example.org/a@sha256:${'0'.repeat(64)}`, digest: 'sha256:0' }),
    secret: async () => 'a "secret"',
  },
)
const odd = ['/bin/sh', '-c', 'echo "100%h" $HOME \\ \'q\'\nsecond']

async function units(): Promise<DesiredUnit[]> {
  const container = {
    container: 'counter',
    image: 'counter',
    command: odd.slice(0, 1),
    environment: { A: 'b c$%' },
    secrets: { S: 's' },
    network: 'bridge',
    ports: ['127.0.0.1:80:80'],
    volumes: [{ from: '/srv/a b', to: '/b', read_only: true }],
    cgroups: 'disabled',
  }
  const timer = { timer: 'tick', at: 'Mon *-*-* 03:00', run: odd, environment: { B: '50% "x"' } }
  return [
    await containerType.resolve(containerType.schema.parse(container), room),
    await timerType.resolve(timerType.schema.parse(timer), room),
  ]
}

it('systemd-analyze has nothing to say of the units that are made', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'larder-units-'))
  try {
    const files = (await units()).flatMap(({ files }) => files).filter(({ path }) => path.startsWith('/etc/systemd/'))
    for (const { path, content } of files) await writeFile(join(folder, basename(path)), content)
    const { all } = await execa(
      'systemd-analyze',
      ['verify', ...files.map(({ path }) => join(folder, basename(path)))],
      { all: true, reject: false },
    )
    // What a unit starts need not be installed on the machine that makes it.
    const said = all
      .split('\n')
      .filter((line) => line !== '' && !/podman is not executable|Command .* is not executable/.test(line))
    expect(said).toEqual([])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
