import { describe, expect, it } from 'vitest'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { orderResources } from '../converge/order-resources.ts'
import { debianHost } from '../testing/converge.ts'
import { resolveService } from './service-resources.ts'
import type { ServiceRegistry, ServiceRoom } from './service-room.ts'
import { serviceSchema } from './service-schema.ts'

const plain: ServiceRegistry = { host: '10.0.0.1:7420', authority: undefined, isPlain: true }

function roomOf(registry: ServiceRegistry = plain): ServiceRoom {
  return {
    files: memoryFiles({ 'files/counter.service': '[Service]\nExecStart=/bin/true\n' }),
    variables: { machines: { db: { address: '10.0.0.9' } } },
    secret: async (name) => `secret of ${name} "$"`,
    mirror: () => Promise.reject(new Error('nobody asks')),
    image: async (name) => ({ reference: `${registry.host}/${name}@sha256:1`, digest: 'sha256:1', version: '1.4.0' }),
    login: async () => undefined,
    authority: async () =>
      registry.authority === undefined ? undefined : { certificate: registry.authority, registry: registry.host },
    registry,
  }
}

async function resolve(written: object, options: { isNested?: boolean; registry?: ServiceRegistry } = {}) {
  const config = serviceSchema.parse({ machines: ['web-1'], port: 8080, ...written })
  const { isNested = false, registry } = options
  const resolved = await resolveService({ name: 'counter', config, isNested }, roomOf(registry))
  const levels = orderResources('web-1', resolved.resources, debianHost).map((level) => level.map(({ id }) => id))
  /** Files that the resource writes, by path. */
  const filesOf = (id: string): Record<string, { text: string; mode: string; isSecret: boolean }> => {
    const desired = resolved.resources.find((one) => one.id === id)?.desired as { file?: Written; files?: Written[] }
    return Object.fromEntries(
      (desired.files ?? [desired.file!]).map(({ path, content, mode, isSecret }) => [
        path,
        { text: content.toString(), mode, isSecret },
      ]),
    )
  }
  return { ...resolved, levels, filesOf }
}
interface Written {
  path: string
  content: Buffer
  mode: string
  isSecret: boolean
}

describe('a service of an image', () => {
  it('brings what it needs, and is ready after it runs', async () => {
    const { levels, preparation, unit, version } = await resolve({ image: 'counter' })
    const registry = 'file:/etc/containers/registries.conf.d/larder.conf'
    const packages = 'package:podman, crun, ca-certificates'
    expect(levels).toEqual([[packages], [registry], ['container:counter'], ['ready:counter']])
    expect(preparation.map(({ id }) => id)).toEqual([packages, registry, 'image:counter'])
    expect({ unit, version }).toEqual({ unit: 'counter.service', version: '1.4.0' })
  })

  it('has its variables, with templates and secrets, where nobody else reads them', async () => {
    const environment = { DATABASE: '{{machines.db.address}}', NOTE: '%d $x' }
    const { filesOf } = await resolve({ image: 'counter', environment, secrets: { PASSWORD: 'db' } })
    const hidden = { mode: '0600', isSecret: true }
    expect(filesOf('container:counter')).toMatchObject({
      '/etc/larder/containers/counter.env': { text: 'PORT=8080\nDATABASE=10.0.0.9\n', ...hidden },
      '/etc/larder/containers/counter.passed.env': {
        text: 'NOTE="%d \\$x"\nPASSWORD="secret of db \\"\\$\\""\n',
        ...hidden,
      },
    })
  })

  it('works in machines that are containers, and trusts a registry that has been named', async () => {
    const registry = { host: 'registry.example.org:7443', authority: 'PEM\n', isPlain: false }
    const { levels, filesOf } = await resolve({ image: 'counter' }, { isNested: true, registry })
    expect(levels[1]).toEqual(['file:/etc/containers/storage.conf', 'authority:registry'])
    const path = '/etc/containers/certs.d/registry.example.org:7443/ca.crt'
    expect(filesOf('authority:registry')).toEqual({ [path]: { text: 'PEM\n', mode: '0644', isSecret: false } })
    expect(filesOf('container:counter')['/etc/systemd/system/counter.service']?.text).toContain('--cgroups=disabled')
    const onHost = await resolve({ image: 'counter' }, { registry })
    expect(onHost.levels.slice(1, 3)).toEqual([['authority:registry'], ['container:counter']])
  })
})

describe('a service of a unit', () => {
  it('has the text of the unit, its variables, and runs after both', async () => {
    const written = { unit: { source: 'files/counter.service' }, secrets: { PASSWORD: 'db' } }
    const { levels, preparation, filesOf, version } = await resolve(written)
    expect(levels).toEqual([
      ['unit:counter.service', 'file:/etc/larder/services/counter.env', 'unit:counter.service.d/larder.conf'],
      ['service:counter'],
      ['ready:counter'],
    ])
    expect([preparation, version]).toEqual([[], undefined])
    expect(filesOf('file:/etc/larder/services/counter.env')['/etc/larder/services/counter.env']).toEqual({
      text: '# Variables of counter, written by Larder.\nPORT="8080"\nPASSWORD="secret of db \\"\\$\\""\n',
      mode: '0600',
      isSecret: true,
    })
  })

  it('is one that its machines have, by its name', async () => {
    const { levels, unit } = await resolve({ unit: 'nginx.service' })
    expect(unit).toBe('nginx.service')
    expect(levels).toEqual([
      ['file:/etc/larder/services/counter.env', 'unit:nginx.service.d/larder.conf'],
      ['service:nginx'],
      ['ready:counter'],
    ])
  })
})
