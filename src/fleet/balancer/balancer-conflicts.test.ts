import { expect, it } from 'vitest'
import type { BalanceSpec, ServiceSpec } from '../service/service-spec.ts'
import { plainBalance } from '../testing/plain-balance.ts'
import { balancerConflicts } from './balancer-conflicts.ts'

const tls = { certificate: 'web', redirectFrom: undefined }

it.each<[string, Partial<BalanceSpec>, Partial<BalanceSpec>, RegExp | undefined]>([
  ['other ports', {}, { port: 81 }, undefined],
  ['other balancers', {}, { on: ['lb-2'] }, undefined],
  ['other hosts', { hosts: ['a'] }, { hosts: ['b'] }, undefined],
  ['all hosts, and one of them', {}, { hosts: ['b'] }, undefined],
  ['other paths', { path: '/a' }, { path: '/b' }, undefined],
  [
    'a redirect beside http',
    { hosts: ['a'] },
    { hosts: ['b'], port: 443, tls: { ...tls, redirectFrom: 80 } },
    undefined,
  ],
  ['the same', {}, {}, /^on port 80 of lb-1, first has the same host names and paths$/],
  ['the same path', { path: '/a' }, { path: '/a/' }, /first has the same host names and paths$/],
  ['the same host', { hosts: ['a', 'b'] }, { hosts: ['c', 'b'] }, /first has the same host names and paths$/],
  [
    'tcp twice',
    { mode: 'tcp' },
    { mode: 'tcp' },
    /^port 80 of lb-1 is where first is offered by tcp, and this is tcp$/,
  ],
  ['tcp and http', { mode: 'tcp' }, { hosts: ['a'] }, /offered by tcp, and this is http$/],
  ['https and http', { hosts: ['a'], tls }, { hosts: ['b'] }, /offered by https, and this is http$/],
  [
    'a redirect from tcp',
    { mode: 'tcp' },
    { port: 443, tls: { ...tls, redirectFrom: 80 } },
    /by tcp, and this is http$/,
  ],
  ['statistics', {}, { port: 8404 }, /^port 8404 is where load balancers tell of themselves$/],
])('%s', (_, first, second, message) => {
  const found = balancerConflicts([service('first', first), service('second', second)])
  if (message === undefined) expect(found).toEqual([])
  else expect(found).toMatchObject([{ service: 'second', message: expect.stringMatching(message) }])
})

function service(name: string, more: Partial<BalanceSpec>): ServiceSpec {
  const balance = plainBalance(more)
  return { name, machines: ['web-1'], port: 8080, ready: { tcp: 8080 }, balance, drainMs: 0, readyMs: 60_000 }
}
