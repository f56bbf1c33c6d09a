import { expect, it } from 'vitest'
import { parseSiteFile } from '../../core/index.ts'
import { parseResources } from '../resource/parse-resources.ts'
import { resolveResources } from '../resource/resolve-resources.ts'
import { commandType } from '../resource/types/command.ts'
import { containerType } from '../resource/types/container.ts'
import { serviceType } from '../resource/types/service.ts'
import { debianHost } from '../testing/converge.ts'
import { testRoom } from '../testing/resolve-room.ts'
import { planSteps } from './step.ts'

it.each([
  [`- service: nginx`, 60],
  [`- { service: nginx, ready_timeout: 5m }`, 300],
  [`- { container: web, image: web, ready: { http: / } }`, 60],
  [`- { container: web, image: web, ready: { http: / }, ready_timeout: 90s }`, 90],
])('%s is waited for as long as it says, else as all are: %s s', async (text, seconds) => {
  const { resources: declared, problems } = parseResources(parseSiteFile(Buffer.from(text), 'r.yaml').document!)
  expect(problems).toEqual([])
  const image = { reference: 'registry.example.org/web@sha256:0', digest: 'sha256:0' }
  const room = testRoom({}, { image: async () => image })
  const resources = await resolveResources(declared.map((resource) => ({ resource, room })))
  const look = { looked: new Map(), pending: new Set(), facts: debianHost } as never
  const limits = { stepMs: 1000, readyMs: 60_000 }
  const steps = planSteps({ resources, all: resources, look, facts: debianHost, told: [], unheard: [], limits })
  expect(steps.map(({ does, timeoutMs }) => [does, timeoutMs])).toEqual([
    ['apply', 1000],
    ['ready', seconds * 1000],
  ])
})

it.each([
  ['', 1000],
  ['timeout: 6h', 21_600_000],
])('a command has as long as it says, else as all have: %s', async (more, timeoutMs) => {
  const text = `- { command: it, run: 'true', unless: 'false', ${more} }\n- { command: told, run: 'true', notified-only: true, ${more} }`
  const { resources: declared, problems } = parseResources(parseSiteFile(Buffer.from(text), 'r.yaml').document!)
  expect(problems).toEqual([])
  const resources = await resolveResources(declared.map((resource) => ({ resource, room: testRoom() })))
  const look = { looked: new Map(), pending: new Set(), facts: debianHost } as never
  const limits = { stepMs: 1000, readyMs: 60_000 }
  const steps = planSteps({ resources, all: resources, look, facts: debianHost, told: resources, unheard: [], limits })
  expect(new Set(steps.map((step) => step.timeoutMs))).toEqual(new Set([timeoutMs]))
})

it.each(['0s', '25h', '5', '1d'])('timeout: %s is refused', (timeout) => {
  expect(commandType.schema.safeParse({ command: 'it', run: 'true', creates: '/a', timeout }).success).toBe(false)
})

it.each(['0s', '5', '2h', '-1s'])('ready_timeout: %s is refused', (text) => {
  expect(serviceType.schema.safeParse({ service: 'nginx', ready_timeout: text }).success).toBe(false)
  expect(containerType.schema.safeParse({ container: 'web', image: 'web', ready_timeout: text }).success).toBe(false)
})
