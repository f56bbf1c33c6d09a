import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { LarderError, digestOf } from '../../../core/index.ts'
import type {
  Controller,
  Delivery,
  MirrorSummary,
  PublicationSummary,
  PublishedFile,
  Push,
  RunDetail,
  RunState,
} from '../../controller.ts'
import type { DoctorReport } from '../../doctor/doctor-report.ts'
import { FakeImagesAndMachines } from './fake-images-and-machines.ts'
import { sealedAt } from './sealed-at.ts'

/** A controller that holds everything in memory, and remembers what it was asked to do. */
export class FakeController extends FakeImagesAndMachines implements Controller {
  readonly files = new Map<string, PublishedFile>()
  readonly accepted: Delivery[] = []
  readonly pushes: { moment: 'check' | 'pushed'; push: Push }[] = []
  readonly logs = new Map<number, { number: number; at: string; message: string }[]>()
  readonly runStates = new Map<number, RunState>([[7, 'failed']])
  ready = true
  /** What the gate does; replaced by tests. */
  onPush: (push: Push, tell: (line: string) => void) => Promise<{ accepted: boolean }> = () =>
    Promise.resolve({ accepted: true })
  /** Thrown by `mirrors`, when set. */
  fault: Error | undefined

  site = () => Promise.resolve({ name: 'campus', commit: '0123456789abcdef0123456789abcdef01234567' })

  planFiles: Controller['planFiles'] = async (files, { progress }) => {
    const paths = (await files.entries('')).map(({ path, kind }) => `${kind} ${path}`)
    progress.log(`planned ${paths.join(', ')}`)
    return [{ subject: 'mirror base', action: 'update', summary: '1 file', detail: String(await files.read('a')) }]
  }

  /** Publishes `apt/base/<path>`. With `localPath` the content is the file's. */
  publish(path: string, content: Buffer, options: { stable?: boolean; localPath?: string } = {}): void {
    const { stable = false, localPath } = options
    const entry = { path, sizeBytes: content.length, digest: digestOf(content), stable }
    const open = (range?: { start: number; end: number }): Readable =>
      localPath === undefined
        ? Readable.from([content.subarray(range?.start ?? 0, range?.end ?? content.length)], { objectMode: false })
        : createReadStream(localPath, range ? { start: range.start, end: range.end - 1 } : {})
    this.files.set(`apt/base/${path}`, {
      entry,
      modifiedAt: sealedAt,
      open,
      ...(localPath === undefined ? {} : { localPath }),
    })
  }

  mirrors = async (): Promise<MirrorSummary[]> => {
    if (this.fault) throw this.fault
    return [
      {
        name: 'base',
        format: 'apt',
        publication: this.#publication('base', 3),
        packageCount: 12,
        sizeBytes: 3_456_789,
      },
      { name: '<b>evil</b>', format: 'apt', publication: undefined, packageCount: 0, sizeBytes: 0 },
    ]
  }
  mirror = async (name: string) => {
    const [base] = await this.mirrors()
    this.#known(name)
    return { ...base!, upstreams: ['debian'], architectures: ['amd64'], url: '/apt/base/' }
  }
  snapshots = async (mirror: string) => {
    this.#known(mirror)
    const createdAt = sealedAt.toISOString()
    return [{ mirror, number: 3, createdAt, origin: 'run 7', packageCount: 12, sizeBytes: 3_456_789, published: true }]
  }
  packages = async (mirror: string, number = 3) => {
    this.#known(mirror)
    if (number !== 3) throw new LarderError('SNAPSHOT_UNKNOWN', { message: `${mirror} has no snapshot ${number}.` })
    return [nmap]
  }
  diff = async () => ({ added: [nmap], removed: [], changed: [] })
  why = async (_mirror: string, name: string) => [{ steps: [{ package: name, version: '1', because: 'listed' }] }]
  promote = async (mirror: string, number: number) => {
    this.actions.push(`promote ${mirror} ${number}`)
    return this.#publication(mirror, number)
  }
  rollback = async (mirror: string) => {
    this.#known(mirror)
    this.actions.push(`rollback ${mirror}`)
    return this.#publication(mirror, 2)
  }
  ownPackages = () => Promise.resolve([])
  addPackage = async (mirror: string, { label, content }: { label: string; content: AsyncIterable<Buffer> }) => {
    let sizeBytes = 0
    for await (const chunk of content) sizeBytes += chunk.length
    this.actions.push(`add ${label} to ${mirror}`)
    return {
      name: 'own',
      version: '1',
      architecture: 'all',
      fileName: 'own_1_all.deb',
      sizeBytes,
      digest: digestOf(label),
    }
  }
  removePackage = (mirror: string, { name }: { name: string }) => {
    this.actions.push(`remove ${name} from ${mirror}`)
    return Promise.resolve([])
  }
  verify = async (mirror: string) => {
    this.actions.push(`verify ${mirror}`)
    return []
  }
  sync = async () => {
    this.actions.push('sync')
    return this.run(7)
  }

  exportMirror = async (mirror: string, folder: string) => {
    this.actions.push(`export ${mirror} ${folder}`)
    return { written: 1, kept: 2, removed: 3 }
  }
  collectGarbage = async () => {
    this.actions.push('gc')
    return { removed: 1, freedBytes: 2, kept: 3 }
  }
  keys = async (mirror: string) => {
    this.#known(mirror)
    return [
      { fingerprint: 'A'.repeat(40), retiresAt: undefined },
      { fingerprint: 'B'.repeat(40), retiresAt: sealedAt.toISOString() },
    ]
  }
  importKey = (mirror: string) => {
    this.actions.push(`import ${mirror}`)
    return this.keys(mirror)
  }

  rotateKey = (mirror: string) => {
    this.actions.push(`rotate ${mirror}`)
    return this.keys(mirror)
  }

  doctor = async ({ fix, deep }: { fix: boolean; deep: boolean }): Promise<DoctorReport> => {
    this.actions.push(`doctor fix=${String(fix)} deep=${String(deep)}`)
    const finding = {
      severity: 'error' as const,
      subject: 'clock',
      message: 'It is late.',
      check: 'clock',
      fixable: false,
      fixed: false,
    }
    const sizes = { blobCount: 1, blobBytes: 2, uploadBytes: 3, cacheBytes: 4, siteBytes: 5, databaseBytes: 6 }
    return { findings: [finding], checks: ['clock'], usage: { folder: '/srv/larder', ...sizes }, runs: [] }
  }

  runs = async () => [await this.run(7)]
  run = async (id: number): Promise<RunDetail> => {
    const state = this.runStates.get(id)
    if (state === undefined) throw new LarderError('RUN_UNKNOWN', { message: `There is no run ${id}.` })
    return {
      id,
      branch: 'main',
      commit: '0123456789abcdef0123456789abcdef01234567',
      goal: 'apply',
      state,
      origin: 'push',
      pullRequest: undefined,
      baseCommit: undefined,
      trust: 'trusted' as const,
      createdAt: sealedAt.toISOString(),
      startedAt: undefined,
      finishedAt: undefined,
      error: { code: 'PACKAGE_UNKNOWN', message: '<script>alert(1)</script>' },
      steps: [],
      plan: undefined,
      problems: [],
    }
  }
  runLog = async (id: number, after = 0) => (this.logs.get(id) ?? []).filter((line) => line.number > after)
  retryRun = (id: number) => {
    this.actions.push(`retry ${id}`)
    return this.run(id)
  }
  cancelRun = async (): Promise<never> => {
    throw new LarderError('RUN_STATE', { message: 'The run has ended.', hint: 'Nothing is to be stopped.' })
  }

  acceptDelivery = async (delivery: Delivery) => {
    const known = this.accepted.findIndex(({ deliveryId }) => deliveryId === delivery.deliveryId)
    if (known >= 0) return { status: 'duplicate' as const, id: known + 1 }
    return { status: 'accepted' as const, id: this.accepted.push(delivery) }
  }
  checkPush = (push: Push, tell: (line: string) => void) => {
    this.pushes.push({ moment: 'check', push })
    return this.onPush(push, tell)
  }
  pushed = async (push: Push, tell: (line: string) => void) => {
    this.pushes.push({ moment: 'pushed', push })
    tell('run 8 was queued')
  }

  previewed = async (run: number, format: string, mirror: string, path: string) =>
    this.files.get(`preview/${run}/${format}/${mirror}/${path}`)
  previewFolder = (run: number, format: string, mirror: string, path: string) =>
    this.publishedFolder(`preview/${run}/${format}`, mirror, path)
  deliveries = async () => []
  pullRequests = async () => []
  previews = async () => []
  removePreviews = async (run: number) => this.actions.push(`remove previews of ${run}`)
  previewKey = async (run: number): Promise<string> => {
    throw new LarderError('PREVIEW_UNKNOWN', { message: `Run ${run} has no preview.` })
  }
  previewSetup = async (run: number): Promise<never> => {
    throw new LarderError('PREVIEW_UNKNOWN', { message: `Run ${run} has no preview.` })
  }

  published = async (format: string, mirror: string, path: string) => this.files.get(`${format}/${mirror}/${path}`)
  publishedFolder = async (format: string, mirror: string, path: string) => {
    const prefix = [format, mirror, path].filter(Boolean).join('/') + '/'
    const names = [...this.files.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length).replace(/\/.*/, '/'))
    return names.length === 0 ? undefined : [...new Set(names)].sort()
  }
  publicKey = async (mirror: string) => {
    this.#known(mirror)
    return '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n'
  }
  clientSetup = async (mirror: string, baseUrl: string) => {
    this.#known(mirror)
    const deb822 = `Types: deb\nURIs: ${baseUrl}/apt/${mirror}\nSuites: bookworm\nComponents: main\nSigned-By:\n $HOME \`id\` 'x'\n`
    return { format: 'apt' as const, deb822, oneLine: '', suite: 'bookworm', components: ['main'] }
  }
  health = async () => ({ ready: this.ready, reasons: this.ready ? [] : ['the disk is full'] })

  #known(mirror: string): void {
    if (mirror !== 'base') throw new LarderError('MIRROR_UNKNOWN', { message: `There is no mirror ${mirror}.` })
  }
  #publication(mirror: string, snapshotNumber: number): PublicationSummary {
    return { mirror, generation: 5, snapshotNumber, sealedAt: sealedAt.toISOString(), validUntil: undefined }
  }
}

const nmap = {
  name: 'nmap',
  version: '7.93+dfsg1-1',
  architecture: 'amd64',
  sizeBytes: 1_900_000,
  path: 'pool/main/n/nmap/nmap_7.93+dfsg1-1_amd64.deb',
  digest: digestOf('nmap'),
  upstream: 'debian',
  reason: 'listed',
}
