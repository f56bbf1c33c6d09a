import { expect, it } from 'vitest'
import { formatProblem, parseSiteFile, subDocument, type CheckContext } from '../../core/index.ts'
import { memoryFiles } from '../../core/testing/memory-files.ts'
import { servicesSchema } from '../service/service-schema.ts'
import { checkMachineResources, resolveMachineResources } from './machine-resources.ts'
import { machinesSchema } from './machine-schema.ts'
import { plainBalance } from '../testing/plain-balance.ts'
import { testRoom } from '../testing/resolve-room.ts'
import type { ServiceSpec } from '../service/service-spec.ts'

const counter: ServiceSpec = {
  name: 'counter',
  machines: ['web-1', 'lb-1'],
  port: 8080,
  ready: { tcp: 8080 },
  balance: plainBalance(),
  drainMs: 0,
  readyMs: 60_000,
}

async function resourcesOf(
  machine: Record<string, unknown>,
  services = [counter],
  addresses: Record<string, string> = { 'web-1': '192.0.2.7' },
) {
  const config = machinesSchema.parse({ 'lb-1': { base: 'base', ...machine } })['lb-1']!
  const files = { 'larder.yaml': JSON.stringify({ machines: { 'lb-1': machine } }) }
  const machines = Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, { address }]))
  const room = testRoom(files, { variables: { machines } })
  const certify = (names: readonly string[]) => Promise.resolve(`certified: ${names.join(', ')}`)
  const resources = await resolveMachineResources({ name: 'lb-1', config, services, certify }, room)
  return new Map(resources.map(({ id, desired }) => [id, desired]))
}

const configOf = (resources: ReadonlyMap<string, unknown>): string => {
  const { file } = resources.get('file:/etc/haproxy/haproxy.cfg') as { file: { content: Buffer } }
  return file.content.toString()
}

it('a machine that a service names is its load balancer, with or without the role', async () => {
  const byItself = await resourcesOf({})
  expect([...byItself.keys()]).toEqual([
    'package:haproxy, socat',
    'file:/usr/local/lib/larder/haproxy-state',
    'unit:haproxy.service.d/larder.conf',
    'file:/etc/haproxy/haproxy.cfg',
    'service:haproxy',
  ])
  expect(configOf(byItself)).toContain('server web-1 192.0.2.7:8080 ')
  expect(configOf(byItself)).toContain('server lb-1 127.0.0.1:8080 ')
  expect(await resourcesOf({ roles: ['load-balancer'] })).toEqual(byItself)
})

it('the role without a service is a load balancer of none; with a configuration it is that', async () => {
  expect(configOf(await resourcesOf({ roles: ['load-balancer'] }, []))).not.toContain('server web-1')
  const own = await resourcesOf({ roles: [{ name: 'load-balancer', variables: { config: 'global\n' } }] }, [])
  expect(configOf(own)).toBe('global\n')
  expect(own.has('unit:haproxy.service.d/larder.conf')).toBe(false)
})

it('a configuration of one’s own and services that name the machine are one too many', async () => {
  const both = resourcesOf({ roles: [{ name: 'load-balancer', variables: { config: 'global\n' } }] })
  await expect(both).rejects.toMatchObject({
    code: 'FLEET_RESOURCE_INVALID',
    message: expect.stringContaining('file:/etc/haproxy/haproxy.cfg is declared twice'),
  })
})

it('which the check tells where the role is named', async () => {
  const text = `machines:
  lb-1: { roles: [mirror-client, { name: load-balancer, variables: { config: "global" } }] }
services:
  counter: { unit: a.service, machines: [lb-1], port: 1, balance: { on: [lb-1] } }
`
  const { document } = parseSiteFile(Buffer.from(text), 'larder.yaml')
  const site = document!.value as { machines: object; services: object }
  const context: Partial<CheckContext> = {
    files: memoryFiles({}),
    site: { services: servicesSchema.parse(site.services) },
    declared: { mirrors: ['base'] },
    documentAt: (path) => subDocument(document!, path),
  }
  const problems = await checkMachineResources(machinesSchema.parse(site.machines), context as CheckContext)
  expect(problems.map(formatProblem)).toEqual([
    'larder.yaml:2:34: lb-1 is the load balancer of counter, and is given a configuration of HAProxy besides; expected the role without `config`, or services that name another machine',
  ])
})

it('a machine that has no address is named', async () => {
  await expect(resourcesOf({}, [counter], { 'web-1': '' })).rejects.toMatchObject({
    code: 'FLEET_RESOURCE_INVALID',
    message: 'The load balancer lb-1 cannot reach web-1: it has no address that Larder knows.',
  })
})

it.each([
  [['a.example.org', '*.b.example.org'], 'certified: a.example.org, *.b.example.org'],
  [[], 'certified: lb-1, 192.0.2.9'],
])('TLS without a secret: Larder certifies %j', async (hosts, pem) => {
  const tls = { certificate: undefined, redirectFrom: undefined }
  const secure = { ...counter, balance: { ...counter.balance!, port: 443, hosts, tls } }
  const resources = await resourcesOf({}, [secure], { 'web-1': '192.0.2.7', 'lb-1': '192.0.2.9' })
  const path = '/etc/haproxy/certificates/larder-counter.pem'
  const { file } = resources.get(`file:${path}`) as { file: { content: Buffer; mode: string } }
  expect([file.content.toString(), file.mode]).toEqual([pem, '0600'])
  expect(configOf(resources)).toContain(`bind :443 ssl crt ${path} `)
})
