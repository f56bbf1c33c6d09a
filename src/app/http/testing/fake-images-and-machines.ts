import { LarderError } from '../../../core/index.ts'
import type { Controller, RunDetail } from '../../controller.ts'
import { sealedAt } from './sealed-at.ts'

const shownKey = { fingerprint: 'SHA256:abc', authorizedKey: 'ssh-ed25519 AAAA larder' }

/** One image, one machine and one service, and a note in `actions` of what is asked to be done with them. */
export abstract class FakeImagesAndMachines {
  readonly actions: string[] = []
  abstract retryRun: (id: number) => Promise<RunDetail>

  images = () => Promise.resolve([this.#image])
  image = (name: string) =>
    name === this.#image.name
      ? Promise.resolve({ ...this.#image, versions: [], builds: [], proofs: [] })
      : Promise.reject(new LarderError('IMAGE_UNKNOWN', { message: `No image ${name} was ever built here.` }))
  rotateImageKey = () => {
    this.actions.push('rotate the key of images')
    return Promise.resolve([{ fingerprint: 'ab12', retiresAt: undefined }])
  }
  buildImages = async () => {
    const run = await this.retryRun(7)
    this.actions.push('build images')
    return run
  }
  verifyImage = (name: string, version: string) => {
    this.actions.push(`verify ${name} ${version}`)
    return Promise.resolve([])
  }
  removeImage = (name: string, version: string) => {
    this.actions.push(`remove ${name} ${version}`)
    return Promise.resolve({ removed: `${name}:${version}` })
  }
  badge: Controller['badge'] = (name) =>
    Promise.resolve(name === 'team/counter' ? { kind: 'passing', version: '1.4.0' } : { kind: 'unknown' })
  imageKey = () => Promise.resolve('-----BEGIN PUBLIC KEY-----\n')

  machines = () => Promise.resolve([this.#machine])
  machine = (name: string) =>
    name === 'web-1'
      ? Promise.resolve({ ...this.#machine, ssh: undefined, run: 7, ok: 20, resources: [] })
      : Promise.reject(new LarderError('FLEET_MACHINE_UNKNOWN', { message: `The site declares no machine ${name}.` }))
  planMachines = (names?: readonly string[]) => {
    this.actions.push(`plan machines ${names?.join(' ') ?? 'all'}`)
    const differences = [{ what: 'content', from: undefined, to: 'hello\n' }]
    const resources = [{ id: 'file:/etc/motd', state: 'change' as const, differences, why: undefined }]
    return Promise.resolve([
      {
        name: 'web-1',
        machine: undefined,
        unreachable: undefined,
        waitsFor: undefined,
        ok: 19,
        resources,
        services: [],
      },
    ])
  }
  applyMachines = async (names?: readonly string[]) => {
    const run = await this.retryRun(7)
    this.actions.push(`apply machines ${names?.join(' ') ?? 'all'}`)
    return run
  }
  services = () => Promise.resolve([this.#service])
  service = (name: string) => {
    if (name !== 'counter') {
      const message = `The site declares no service ${name}.`
      return Promise.reject(new LarderError('FLEET_SERVICE_UNKNOWN', { message }))
    }
    const counted = { requests: 20, failures: 1, serverErrors: 0, bytesFromClients: 900, bytesToClients: 4000 }
    const statistics = { ...counted, requestsPerSecond: 2, responseMs: 3, downS: 0 }
    const server = { machine: 'web-1', state: 'up' as const, sessions: 2, why: undefined, statistics }
    const balancers = [{ machine: 'lb', away: undefined, servers: [server] }]
    const known = { reference: undefined, why: undefined, run: 7, checkedAt: undefined, changedAt: undefined }
    const onMachines = [{ machine: 'web-1', state: 'ready' as const, version: '1.4.0', ...known }]
    return Promise.resolve({ ...this.#service, onMachines, balancers })
  }
  restartService = async (name: string) => {
    const run = await this.retryRun(7)
    this.actions.push(`restart service ${name}`)
    return run
  }
  machineKey = (machine: string) => Promise.resolve({ machine, ...shownKey, isTrusted: false })
  trustMachine = (machine: string, fingerprint: string) => {
    this.actions.push(`trust ${machine} ${fingerprint}`)
    return Promise.resolve({ machine, ...shownKey, fingerprint, isTrusted: true })
  }
  networkLeases = () =>
    Promise.resolve([
      {
        address: '192.0.2.20',
        mac: '02:00:00:00:00:01',
        hostname: 'pc',
        expiresAt: sealedAt.toISOString(),
        network: 'default',
        reservedFor: undefined,
      },
    ])
  siteRecipient = () => Promise.resolve('age1test')

  readonly #service = {
    name: 'counter',
    state: 'ready' as const,
    image: 'counter',
    versions: ['1.4.0'],
    machines: ['web-1'],
    isDeclared: true,
  }

  readonly #machine = {
    name: 'web-1',
    place: 'container' as const,
    state: 'converged' as const,
    address: '192.0.2.21',
    os: 'debian 12',
    why: undefined,
    checkedAt: sealedAt.toISOString(),
    changedAt: sealedAt.toISOString(),
    isDeclared: true,
  }

  readonly #image = {
    name: 'team/counter',
    type: 'Docker' as const,
    reference: 'registry.example.org/team/counter:1.4.0',
    version: '1.4.0',
    digest: `sha256:${'1'.repeat(64)}`,
    state: 'published' as const,
    builtAt: sealedAt.toISOString(),
    error: undefined,
  }
}
