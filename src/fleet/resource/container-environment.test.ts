import { expect, it } from 'vitest'
import { testRoom } from '../testing/resolve-room.ts'
import { containerEnvironment } from './container-environment.ts'
import { containerType } from './types/container.ts'

it('no variable that podman can read from a file is one of podman itself', () => {
  const proxy = 'http://u:p%23@proxy.example.org:3128/?a=b&c=(d)'
  const variables = {
    PORT: '80',
    PATH: '/bin:/odd path',
    LD_PRELOAD: '/a.so',
    HTTP_PROXY: proxy,
    TMPDIR: '/b',
    EMPTY: '',
  }
  expect(containerEnvironment('counter', variables)).toEqual({
    file: `PORT=80\nPATH=/bin:/odd path\nLD_PRELOAD=/a.so\nHTTP_PROXY=${proxy}\nTMPDIR=/b\nEMPTY=\n`,
    passed: {},
  })
})

it.each([
  'two\nlines',
  'a "quoted" word',
  "it's",
  'a#b',
  'c$d',
  'e\\f',
  '`g`',
  ' h',
  'i ',
  'j\tk',
  'é',
  'x'.repeat(60_001),
])('what versions of podman read differently is passed as it is: %j', (value) => {
  expect(containerEnvironment('counter', { KEY: value })).toEqual({ file: '', passed: { KEY: value } })
  for (const name of ['PATH', 'LD_PRELOAD', 'TMPDIR', 'http_proxy', 'HTTPS_PROXY', 'CONTAINER_HOST', 'GODEBUG']) {
    expect(() => containerEnvironment('counter', { [name]: value })).toThrow(
      expect.objectContaining({ code: 'FLEET_VALUE_UNUSABLE', message: expect.stringContaining(name) as string }),
    )
  }
})

async function filesOf(declared: object): Promise<Record<string, string>> {
  const room = testRoom(
    {},
    {
      image: async () => ({ reference: 'registry.example.org/a@sha256:1', digest: 'sha256:1' }),
      secret: async () => 'a\n"secret"',
    },
  )
  const { files } = await containerType.resolve(
    containerType.schema.parse({ container: 'counter', image: 'a', ...declared }),
    room,
  )
  return Object.fromEntries(files.map(({ path, content, mode }) => [`${path} ${mode}`, content.toString()]))
}

it('secrets are in files of root alone, and podman is told of them by name', async () => {
  const files = await filesOf({ environment: { PATH: '/bin' }, secrets: { KEY: 'key' } })
  expect(files['/etc/larder/containers/counter.env 0600']).toBe('PATH=/bin\n')
  expect(files['/etc/larder/containers/counter.passed.env 0600']).toBe('KEY="a\n\\"secret\\""\n')
  const unit = files['/etc/systemd/system/counter.service 0644']
  expect(unit).toContain('EnvironmentFile=/etc/larder/containers/counter.passed.env\n')
  expect(unit).toContain('"--env-file" "/etc/larder/containers/counter.env" "--env" "KEY" "registry')
  expect(unit).not.toContain('secret')
})

it('a colon in the path of a volume is a part of it', async () => {
  const volumes = [
    { from: '/srv/a,b', to: '/b', read_only: true },
    { from: '/srv/a:b', to: '/c:d', read_only: true },
    { from: '/srv/e', to: '/f:g' },
  ]
  const unit = (await filesOf({ volumes }))['/etc/systemd/system/counter.service 0644']
  expect(unit).toContain('"--volume" "/srv/a,b:/b:ro" "--mount" "type=bind,source=/srv/a:b,destination=/c:d,ro=true"')
  expect(unit).toContain('"--mount" "type=bind,source=/srv/e,destination=/f:g" "--env-file"')
  const both = { container: 'a', image: 'a', volumes: [{ from: '/srv/a:b', to: '/c,d' }] }
  expect(containerType.schema.safeParse(both).error?.issues[0]?.message).toContain('podman takes no volume with ":"')
})
