import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { calledOff, isLarderError, LarderError, systemClock } from '../../src/core/index.ts'
import type { Host } from '../../src/fleet/host/host.ts'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import type { Resource } from '../../src/fleet/resource/resource-type.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { fake } from '../../src/fleet/testing/fake-type.ts'
import { canStartSshd, ownRunFolder, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'
import { lockHost } from '../../src/fleet/converge/lock-host.ts'
import { applyHosts, type ApplyHostsOptions } from '../../src/fleet/converge/converge-hosts.ts'
import type { HostResult } from '../../src/fleet/converge/host-plan.ts'

const { signal } = new AbortController()
let sshd: TestSshd
let host: Host
let folder: string
const at = (name: string): string => join(folder, name)
const apply = async (resources: Resource[], options: Partial<ApplyHostsOptions> = {}): Promise<HostResult> =>
  (await applyHosts([{ machine: 'web-1', host, resources }], { signal, runId: 'r1', log: () => {}, ...options }))[0]!
const outcomes = (result: HostResult) =>
  'unreachable' in result
    ? result.unreachable
    : Object.fromEntries(result.entries.map(({ id, outcome }) => [id, outcome]))
const until = async (isThere: () => boolean): Promise<void> => {
  for (let looks = 0; looks < 6000 && !isThere(); looks++) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(isThere()).toBe(true)
}
/** Notes that it has begun, once each time, and ends when it is let. */
const patient = (name: string, { begun = 'begun', go = 'go', after = [] as string[] } = {}) => {
  const apply = sh`echo begun >>${at(begun)}; while [ ! -e ${at(go)} ]; do sleep 0.05; done; printf done >${at(name)}`
  return fake(name, { path: at(name), content: 'done', apply }, { after })
}
/** Ends the process that keeps the connection. */
const cut = (): void => {
  const [socket = ''] = readdirSync(sshd.options.controlFolder)
  const args = ['-O', 'check', '-S', join(sshd.options.controlFolder, socket), '127.0.0.1']
  const pid = Number(/pid=(\d+)/.exec(spawnSync('ssh', args).stderr.toString())?.[1])
  expect(pid).toBeGreaterThan(1)
  process.kill(pid, 'SIGKILL')
}

/** As another controller would, by a connection of its own; until the host is free. */
const takenByOther = async (owner: string) => {
  const other = createSshHost({ ...sshd.options, controlFolder: at('c') })
  for (;;) {
    try {
      const lock = await lockHost(other, { runId: 'other', owner, signal })
      const release = async (): Promise<void> => {
        await lock.release()
        await other.close()
      }
      return { release }
    } catch (error) {
      if (!isLarderError(error, 'FLEET_MACHINE_BUSY')) throw error
    }
  }
}

describe.skipIf(!canStartSshd)('what is cut off', () => {
  beforeAll(async () => {
    sshd = await startSshd({ prefix: ownRunFolder })
    host = createSshHost(sshd.options)
  })
  afterAll(async () => {
    await host.close()
    await sshd.stop()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'larder-lost-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('a lost connection neither ends nor doubles what is under way', async () => {
    const after = fake('after', { path: at('after'), content: 'x' }, { after: ['slow'] })
    const running = apply([patient('slow'), after])
    await until(() => existsSync(at('begun')))
    cut()
    await new Promise((resolve) => setTimeout(resolve, 300))
    writeFileSync(at('go'), '')
    expect(outcomes(await running)).toEqual({ slow: 'changed', after: 'changed' })
    expect(readFileSync(at('begun'), 'utf8')).toBe('begun\n')
  })

  it('a controller that is killed: its own run waits for what it has begun, another is told to wait', async () => {
    const script = at('controller.ts')
    const here = import.meta.dirname
    writeFileSync(
      script,
      `import { createSshHost } from '${here}/../../src/fleet/host/ssh-host.ts'
import { applyHosts } from '${here}/../../src/fleet/converge/converge-hosts.ts'
import { fake } from '${here}/../../src/fleet/testing/fake-type.ts'
import { sh } from '${here}/../../src/fleet/shell/script.ts'
const [options, begun, go, path] = JSON.parse(process.argv[2])
const host = createSshHost(options)
const apply = sh\`echo begun >>\${begun}; while [ ! -e \${go} ]; do sleep 0.05; done; printf done >\${path}\`
const resources = [fake('slow', { path, content: 'done', apply })]
await applyHosts([{ machine: 'web-1', host, resources }], { signal: new AbortController().signal, runId: 'r2', log: () => {} })
`,
    )
    const argument = JSON.stringify([sshd.options, at('begun'), at('go'), at('slow')])
    const controller = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'ignore', 'inherit'] })
    const exited = once(controller, 'exit')
    await until(() => existsSync(at('begun')))
    controller.kill('SIGKILL')
    await exited
    const other = await apply([patient('slow')], { runId: 'r3' })
    expect(outcomes(other)).toMatchObject({ code: 'FLEET_MACHINE_BUSY', message: expect.stringContaining('run r2') })
    const again = apply([patient('slow')], { runId: 'r2' })
    setTimeout(() => writeFileSync(at('go'), ''), 400)
    expect(outcomes(await again)).toEqual({ slow: 'ok' })
    expect(readFileSync(at('begun'), 'utf8')).toBe('begun\n')
  })

  it('who holds a host is heard now and then, so that it finds out when nobody hears any more', async () => {
    let heard = 0
    const run: Host['run'] = (script, options) =>
      host.run(script, { ...options, onOutput: (chunk) => (heard++, options.onOutput?.(chunk)) })
    const lock = await lockHost({ ...host, run }, { runId: 'held', owner: 'us', signal, everyS: 0.1 })
    await expect.poll(() => heard).toBeGreaterThan(5)
    expect(lock.isHeld()).toBe(true)
    await lock.release()
  })

  it('a host that was lost is taken again before more is begun there', async () => {
    const second = patient('second', { begun: 'second-begun', go: 'second-go', after: ['first'] })
    const running = apply([patient('first'), second], { runId: 'r10' })
    await until(() => existsSync(at('begun')))
    cut()
    writeFileSync(at('go'), '')
    await until(() => existsSync(at('second-begun')))
    const other = await apply([patient('second')], { runId: 'r11' })
    const message = expect.stringContaining('changed by somebody else: Larder, run r10.')
    expect(outcomes(other)).toMatchObject({ code: 'FLEET_MACHINE_BUSY', message })
    writeFileSync(at('second-go'), '')
    expect(outcomes(await running)).toEqual({ first: 'changed', second: 'changed' })
  })

  it.each([
    ['has it still', 'their run 7'],
    ['has given it back', 'their run 7'],
    // Another Larder, which counts its own runs.
    ['has given it back', 'Larder, run r12'],
  ])('nothing more is begun where somebody else took the host meanwhile, and %s: %s', async (what, theirs) => {
    const waiting = new AbortController()
    let isLost = false
    const sleep = async (): Promise<void> => {
      isLost = true
      if (!waiting.signal.aborted) await once(waiting.signal, 'abort')
    }
    const before = fake('before', { path: at('before'), content: 'x' })
    const after = fake('after', { path: at('after'), content: 'x' }, { after: ['slow'] })
    const running = apply([before, patient('slow', { after: ['before'] }), after], {
      runId: 'r12',
      clock: { ...systemClock, sleep },
    })
    await until(() => existsSync(at('begun')))
    cut()
    await until(() => isLost)
    writeFileSync(at('go'), '')
    const other = await takenByOther(theirs)
    if (what === 'has given it back') await other.release()
    waiting.abort()
    const message = expect.stringContaining(`while its connection was lost: ${theirs}.`)
    const result = await running
    expect(outcomes(result)).toEqual({ before: 'changed', slow: 'unknown', after: 'skipped' })
    expect(result).toMatchObject({ lost: { code: 'FLEET_MACHINE_BUSY', message } })
    if (what === 'has it still') await other.release()
    expect([existsSync(at('slow')), existsSync(at('after'))]).toEqual([true, false])
  })

  it('a host is taken again though it has not heard yet that the connection is lost', async () => {
    const session = sh`p=$$; until [ "$(cat /proc/$p/comm)" = sshd ]; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done; echo $p`
    const lock = await lockHost(host, { runId: 'again', owner: 'us', signal, everyS: 0.2 })
    const deaf = Number((await host.run(session, { timeoutMs: 20_000 })).stdout.toString())
    process.kill(deaf, 'SIGSTOP')
    try {
      cut()
      await until(() => !lock.isHeld())
      await lock.hold()
      expect(lock.isHeld()).toBe(true)
      const other = apply([patient('a')], { runId: 'r13' })
      expect(outcomes(await other)).toMatchObject({ message: expect.stringContaining('somebody else: us.') })
    } finally {
      process.kill(deaf, 'SIGKILL')
      await lock.release()
    }
  })

  it('a host that was taken again, and lost before that was heard, is taken once more', async () => {
    let isMute = false
    const run: Host['run'] = async (script, options) => {
      if (!isMute) return host.run(script, options)
      const unheard = Promise.withResolvers<never>()
      const lost = new LarderError('FLEET_HOST_UNREACHABLE', { message: 'web-1 is lost' })
      const onOutput = (chunk: Buffer): void => {
        if (chunk.includes('locked')) unheard.reject(lost)
      }
      return Promise.race([host.run(script, { ...options, onOutput }), unheard.promise])
    }
    const lock = await lockHost({ ...host, run }, { runId: 'unheard', owner: 'us', signal, everyS: 0.2 })
    cut()
    await until(() => !lock.isHeld())
    isMute = true
    await expect(lock.hold()).rejects.toMatchObject({ code: 'FLEET_HOST_UNREACHABLE' })
    isMute = false
    await lock.hold()
    expect(lock.isHeld()).toBe(true)
    await lock.release()
  })

  it('a host that starts again in the middle: unknown, never ok; the next run looks again', async () => {
    const after = fake('after', { path: at('after'), content: 'x' }, { after: ['restarts'] })
    const restart = sh`printf done >${at('restarts')}; kill -9 $(cat /run/larder/apply-*/pid); rm -rf /run/larder`
    const resources = [fake('restarts', { path: at('restarts'), content: 'done', apply: restart }), after]
    const result = await apply(resources, { runId: 'r4' })
    expect(outcomes(result)).toEqual({ restarts: 'unknown', after: 'skipped' })
    expect(outcomes(await apply(resources, { runId: 'r5' }))).toEqual({ restarts: 'ok', after: 'changed' })
  })

  it('a full disk for what runs: said so, nothing begun; then it goes on', async () => {
    await host.run(sh`head -c 20000000 /dev/zero >/run/full || :`, { timeoutMs: 60_000 })
    const resources = [fake('a', { path: at('a'), content: 'x'.repeat(100_000) })]
    const full = await apply(resources, { runId: 'r6' })
    expect(JSON.stringify(full)).toContain('has its file system any space left?')
    expect(existsSync(at('a'))).toBe(false)
    await host.run(sh`rm /run/full`, { timeoutMs: 60_000 })
    expect(outcomes(await apply(resources, { runId: 'r7' }))).toEqual({ a: 'changed' })
  })

  it('no room to note what is begun: that is not begun, and all else goes on', async () => {
    const pending = '/var/lib/larder-host/pending'
    await host.run(sh`rm -rf ${pending}; touch ${pending}`, { timeoutMs: 60_000 })
    const resources = [
      fake('served', { path: at('served'), content: 's', ready: sh`true` }),
      fake('other', { path: at('other'), content: 'o' }),
    ]
    const result = await apply(resources, { runId: 'r11' })
    expect(outcomes(result)).toEqual({ served: 'failed', other: 'changed' })
    expect(JSON.stringify(result)).toContain('cannot be written')
    await host.run(sh`rm ${pending}`, { timeoutMs: 60_000 })
    expect(outcomes(await apply(resources, { runId: 'r12' }))).toEqual({ served: 'changed', other: 'ok' })
  })

  it('stopped by us: what is under way goes on to its end, and the host is free then', async () => {
    const stopping = new AbortController()
    const running = apply([patient('slow')], { runId: 'r8', signal: stopping.signal })
    const refused = expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    await until(() => existsSync(at('begun')))
    stopping.abort()
    await refused
    writeFileSync(at('go'), '')
    await until(() => existsSync(at('slow')))
    expect(outcomes(await apply([patient('slow')], { runId: 'r8' }))).toEqual({ slow: 'ok' })
  })

  it('called off by somebody: what is under way is ended with all that it has started, and the host is free at once', async () => {
    const cancelling = new AbortController()
    const stubborn = fake('slow', {
      path: at('slow'),
      content: 'done',
      apply: sh`trap '' TERM; (sleep 8; touch ${at('late')}) & echo begun >>${at('begun')}; wait; printf done >${at('slow')}`,
    })
    const next = fake('next', { path: at('next'), content: 'n' })
    const running = apply([stubborn, next], { runId: 'r9', signal: cancelling.signal })
    const refused = expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    await until(() => existsSync(at('begun')))
    cancelling.abort(calledOff(9))
    await refused
    const quick = fake('quick', { path: at('quick'), content: 'q' })
    expect(outcomes(await apply([quick], { runId: 'r10' }))).toEqual({ quick: 'changed' })
    await new Promise((resolve) => setTimeout(resolve, 4000))
    expect(['late', 'slow', 'next'].filter((name) => existsSync(at(name)))).toEqual([])
  })
})
