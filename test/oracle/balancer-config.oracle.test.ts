import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execa } from 'execa'
import { balancerResources } from '../../src/fleet/balancer/balancer-resources.ts'
import { balancerConflicts } from '../../src/fleet/balancer/balancer-conflicts.ts'
import { haproxyConfig } from '../../src/fleet/balancer/haproxy-config.ts'
import type { BalancedService } from '../../src/fleet/balancer/balanced-service.ts'
import { servicesSchema } from '../../src/fleet/service/service-schema.ts'
import { declaredServices } from '../../src/fleet/service/declared-service.ts'
import { canStartHaproxy, createTestBalancer, type TestBalancer } from '../../src/fleet/testing/start-haproxy.ts'

const must = process.env['CI'] === 'true'

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const port = fc.integer({ min: 1, max: 65_535 })
const fewPorts = fc.constantFrom(80, 443, 8080, 8443)
const path = fc.stringMatching(/^\/[!-~]{0,12}$/)
const host = fc.stringMatching(/^(\*\.)?[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z]{1,5}){0,2}$/)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const service = fc.record({
  image: fc.constant('counter'),
  machines: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
  port,
  ready: optional(
    fc.oneof(
      fc.record({ http: path, port: optional(port) }),
      fc.record({ tcp: port }),
      fc.record({ command: fc.constant(['true']) }),
    ),
  ),
  balance: fc.record({
    on: fc.constant(['lb-1']),
    mode: fc.constantFrom('http', 'tcp'),
    port: optional(fewPorts),
    hosts: fc.uniqueArray(host, { maxLength: 3 }),
    path: optional(path),
    tls: optional(fc.record({ certificate: fc.constantFrom('one', 'two'), redirect_from: optional(fewPorts) })),
    sticky: fc.boolean(),
  }),
})

const withTls = {
  counter: { image: 'counter', machines: ['web-1'], port: 1, balance: { on: ['lb-1'], tls: { certificate: 'one' } } },
}

describe.skipIf(!canStartHaproxy && !must)('configurations, by HAProxy itself [needs root, haproxy, socat]', () => {
  let lb: TestBalancer
  let certificate = ''
  beforeAll(async () => {
    lb = await createTestBalancer()
    certificate = (
      await execa('openssl', [
        ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'],
        ...['-subj', '/CN=a.example.org', '-keyout', '-', '-out', '-'],
      ])
    ).stdout
  })
  afterAll(() => lb.remove())

  it('a certificate that HAProxy does not take is found out before it is in its place', async () => {
    const [key, chain] = certificate.split(/(?=-----BEGIN CERTIFICATE)/) as [string, string]
    const { entries } = balancerResources('lb-1', declaredServices(servicesSchema.parse(withTls)), () => '192.0.2.1')
    const file = '/etc/haproxy/certificates/one.pem'
    const { validate } = entries.find((one) => one['file'] === file) as { validate: readonly string[] }
    const judge = async (one: string): Promise<number | undefined> => {
      await lb.configure(haproxyConfig([]), { one })
      const words = validate.map((word) => `'${word.replace('%s', file).replaceAll("'", `'\\''`)}'`)
      return (await lb.host.run({ shell: words.join(' ') }, { timeoutMs: 60_000 })).code
    }
    expect(await judge(certificate)).toBe(0)
    expect(await judge(chain)).toBe(1)
    expect(await judge(key)).toBe(1)
    expect(await judge('no certificate')).toBe(1)
  })

  it('HAProxy takes every configuration of services that may be declared together', async () => {
    let judged = 0
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, service, { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
        async (some) => {
          const parsed = servicesSchema.safeParse(JSON.parse(JSON.stringify(some)))
          fc.pre(parsed.success)
          const specs = declaredServices(parsed.data)
          const wrong = new Set(balancerConflicts(specs).map((conflict) => conflict.service))
          const balanced = specs.flatMap(({ balance, machines, ...rest }, at): BalancedService[] => {
            if (balance === undefined || wrong.has(rest.name)) return []
            const servers = machines.map((machine, index) => ({ machine, address: `192.0.2.${at * 10 + index + 1}` }))
            return [{ ...rest, balance, servers }]
          })
          await lb.configure(haproxyConfig(balanced), { one: certificate, two: certificate })
          judged += balanced.length
        },
      ),
      { numRuns: 30 },
    )
    expect(judged).toBeGreaterThan(30)
  })
})
