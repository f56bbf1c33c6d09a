import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KnownSecrets } from '../../src/core/index.ts'
import type { Host } from '../../src/fleet/host/host.ts'
import { createLocalHost } from '../../src/fleet/host/local-host.ts'
import { gaveUp, type Resource } from '../../src/fleet/resource/resource-type.ts'
import { sh, type Script } from '../../src/fleet/shell/script.ts'
import { createSshHost } from '../../src/fleet/host/ssh-host.ts'
import { fake } from '../../src/fleet/testing/fake-type.ts'
import { canStartSshd, ownRunFolder, startSshd, type TestSshd } from '../../src/fleet/testing/start-sshd.ts'
import { applyHosts, planHosts, type ApplyHostsOptions } from '../../src/fleet/converge/converge-hosts.ts'
import type { HostPlan, HostResult } from '../../src/fleet/converge/host-plan.ts'

const { signal } = new AbortController()
let folder: string
let runs = 0
let counted = 0
let sshd: TestSshd
let reached: Host
/** This machine, but for the folders that applies work in; counts what it is asked. */
const host: Host = {
  name: 'web-1',
  run(script, options) {
    counted++
    return reached.run(script, options)
  },
  close: () => reached.close(),
}
const at = (name: string): string => join(folder, name)
const text = (name: string): string => readFileSync(at(name), 'utf8')
const target = (...resources: Resource[]) => [{ machine: 'web-1', host, resources }]
const apply = async (resources: Resource[], options: Partial<ApplyHostsOptions> = {}) => {
  const [result] = await applyHosts(target(...resources), {
    signal,
    runId: `test-${process.pid}-${runs++}`,
    log: () => {},
    ...options,
  })
  return result!
}
const plan = async (...resources: Resource[]) => (await planHosts(target(...resources), { signal }))[0]!
const outcomes = (result: HostResult) =>
  'unreachable' in result
    ? result.unreachable.code
    : Object.fromEntries(result.entries.map(({ id, outcome }) => [id, outcome]))
const states = (one: HostPlan) =>
  'unreachable' in one ? one.unreachable.code : Object.fromEntries(one.entries.map(({ id, state }) => [id, state]))
const entry = (result: HostResult, id: string) =>
  'unreachable' in result ? undefined : result.entries.find((one) => one.id === id)

beforeAll(async () => {
  if (!canStartSshd) return
  sshd = await startSshd({ prefix: ownRunFolder })
  reached = createSshHost(sshd.options)
})
afterAll(async () => {
  if (!canStartSshd) return
  await host.close()
  await sshd.stop()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'larder-converge-'))
  counted = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!canStartSshd)('converging a host', () => {
  it('plans: what changes, what is as declared, what cannot be known yet', async () => {
    writeFileSync(at('b'), 'as it is')
    const resources = [
      fake('a', { path: at('a'), content: 'new' }),
      fake('b', { path: at('b'), content: 'as it is' }),
      fake('c', { path: at('c'), content: 'later', needs: at('a') }, { after: ['a'] }),
    ]
    const planned = await plan(...resources)
    expect(states(planned)).toEqual({ a: 'change', b: 'ok', c: 'maybe' })
    expect(planned).toMatchObject({ facts: { hasSystemd: false, machine: expect.stringMatching(/./) } })
    expect(counted).toBe(1)
    expect(readdirSync(folder)).toEqual(['b'])
  })

  it('makes it so, in order, and then has nothing to do: one look', async () => {
    const resources = [
      fake('c', { path: at('c'), content: 'ccc', needs: at('b') }, { after: ['b'] }),
      fake('b', { path: at('b'), content: 'bbb', needs: at('a') }, { after: ['a'] }),
      fake('a', { path: at('a'), content: "a'$`\n" }),
    ]
    expect(outcomes(await apply(resources))).toEqual({ a: 'changed', b: 'changed', c: 'changed' })
    expect([text('a'), text('b'), text('c')]).toEqual(["a'$`\n", 'bbb', 'ccc'])
    counted = 0
    expect(outcomes(await apply(resources))).toEqual({ a: 'ok', b: 'ok', c: 'ok' })
    expect(counted).toBe(1)
    expect(Object.values(states(await plan(...resources)))).toEqual(['ok', 'ok', 'ok'])
  })

  it('what fails holds up only what comes after it, and says why with its log', async () => {
    const resources = [
      fake('bad', { path: at('bad'), content: 'x', apply: sh`echo out; echo err >&2; exit 9` }),
      fake('after-bad', { path: at('after'), content: 'x' }, { after: ['bad'] }),
      fake('further', { path: at('further'), content: 'x' }, { after: ['after-bad'] }),
      fake('good', { path: at('good'), content: 'x' }),
      fake('after-good', { path: at('after-good'), content: 'x' }, { after: ['good'] }),
    ]
    const said: string[] = []
    const result = await apply(resources, { log: (line) => said.push(line) })
    expect(said.slice(0, 3)).toEqual(['bad | out', 'bad | err', 'bad: failed, it ended with 9'])
    expect(outcomes(result)).toEqual({
      bad: 'failed',
      'after-bad': 'skipped',
      further: 'skipped',
      good: 'changed',
      'after-good': 'changed',
    })
    expect(entry(result, 'bad')).toMatchObject({ why: 'it ended with 9', log: 'out\nerr\n' })
    expect(entry(result, 'further')?.why).toBe('it comes after after-bad')
    expect(existsSync(at('after'))).toBe(false)
  })

  it('a command that fails in the middle ends its script', async () => {
    const result = await apply([fake('a', { path: at('a'), content: 'x', apply: sh`false; touch ${at('a')}` })])
    expect(outcomes(result)).toEqual({ a: 'failed' })
    expect(existsSync(at('a'))).toBe(false)
  })

  it('applied, but not as declared: failed', async () => {
    const result = await apply([fake('a', { path: at('a'), content: 'x', apply: sh`printf y >${at('a')}` })])
    expect(entry(result, 'a')).toMatchObject({ outcome: 'failed', why: 'it was applied, but content is y, not x' })
  })

  it('notifies once, after all notifiers, and before what comes after', async () => {
    const resources = [
      fake('one', { path: at('one'), content: '1' }, { notify: ['service'] }),
      fake('two', { path: at('two'), content: '2' }, { notify: ['service'], after: ['one'] }),
      fake(
        'service',
        {
          path: at('service'),
          content: 's',
          notified: sh`echo "restart $(cat ${at('one')} ${at('two')})" >>${at('log')}`,
        },
        { after: ['one', 'two'] },
      ),
      fake(
        'last',
        { path: at('last'), content: 'l', apply: sh`echo last >>${at('log')}; printf l >${at('last')}` },
        { after: ['service'] },
      ),
    ]
    await apply(resources)
    expect(text('log')).toBe('restart 12\nlast\n')
    writeFileSync(at('two'), 'drifted')
    const planned = await plan(...resources)
    expect(states(planned)).toEqual({ one: 'ok', two: 'change', service: 'change', last: 'ok' })
    await apply(resources)
    expect(text('log')).toBe('restart 12\nlast\nrestart 12\n')
    await apply(resources)
    expect(text('log')).toBe('restart 12\nlast\nrestart 12\n')
  })

  it('one that notifies what it comes after itself is heard in the end', async () => {
    const resources = [
      fake('service', { path: at('service'), content: 's', notified: sh`cat ${at('conf')} >>${at('log')}` }),
      fake('conf', { path: at('conf'), content: 'c' }, { after: ['service'], notify: ['service'] }),
    ]
    expect(outcomes(await apply(resources))).toEqual({ service: 'changed', conf: 'changed' })
    expect(text('log')).toBe('c')
  })

  it('a notification that could not be given is owed until it was', async () => {
    const one = fake('conf', { path: at('conf'), content: 'c' }, { notify: ['service'] })
    const service = (notified: ReturnType<typeof sh>) =>
      fake('service', { path: at('service'), content: 's', notified }, { after: ['conf'] })
    const failed = await apply([one, service(sh`exit 4`)])
    expect(entry(failed, 'service')).toMatchObject({
      outcome: 'failed',
      why: 'what a notification starts ended with 4',
    })
    expect(states(await plan(one, service(sh`true`)))).toEqual({ conf: 'ok', service: 'change' })
    expect(outcomes(await apply([one, service(sh`echo again >>${at('log')}`)]))).toEqual({
      conf: 'ok',
      service: 'changed',
    })
    expect(text('log')).toBe('again\n')
    expect(states(await plan(one, service(sh`true`)))).toEqual({ conf: 'ok', service: 'ok' })
  })

  it('what an earlier run owes is not forgiven where a later one fails', async () => {
    const conf = (apply?: Script) => fake('conf', { path: at('conf'), content: 'c', apply }, { notify: ['service'] })
    const service = (notified: Script) =>
      fake('service', { path: at('service'), content: 's', notified }, { after: ['conf'] })
    await apply([conf(), service(sh`exit 4`)])
    rmSync(at('conf'))
    expect(outcomes(await apply([conf(sh`exit 1`), service(sh`:`)]))).toEqual({ conf: 'failed', service: 'skipped' })
    writeFileSync(at('conf'), 'c')
    const given = await apply([conf(), service(sh`echo given >>${at('log')}`)])
    expect([outcomes(given), text('log')]).toEqual([{ conf: 'ok', service: 'changed' }, 'given\n'])
  })

  it('what was begun and was not ready is asked again, and nothing comes after it before', async () => {
    const slow = fake('slow', { path: at('slow'), content: 's', ready: sh`test -e ${at('is-ready')}` })
    const next = fake('next', { path: at('next'), content: 'n' }, { after: ['slow'] })
    expect(outcomes(await apply([slow, next], { readyMs: 500 }))).toEqual({ slow: 'failed', next: 'skipped' })
    expect(await plan(slow)).toMatchObject({ entries: [{ state: 'change', differences: [{ what: 'readiness' }] }] })
    const again = await apply([slow, next], { readyMs: 500 })
    expect(outcomes(again)).toEqual({ slow: 'failed', next: 'skipped' })
    expect(entry(again, 'slow')).toMatchObject({ why: 'it was not ready within 1 s' })
    writeFileSync(at('is-ready'), '')
    expect(outcomes(await apply([slow, next]))).toEqual({ slow: 'ok', next: 'changed' })
    expect(states(await plan(slow, next))).toEqual({ slow: 'ok', next: 'ok' })
  })

  it('what is not ready is mended by what comes after it and notifies it', async () => {
    const ready = sh`grep -q good ${at('conf')}`
    const restart = sh`echo again >>${at('log')}`
    const app = fake('app', { path: at('app'), content: 'a', ready, notified: restart })
    const conf = (content: string) => fake('conf', { path: at('conf'), content }, { after: ['app'], notify: ['app'] })
    writeFileSync(at('app'), 'a')
    expect(outcomes(await apply([app, conf('bad')], { readyMs: 500 }))).toEqual({ app: 'failed', conf: 'changed' })
    expect(outcomes(await apply([app, conf('good')], { readyMs: 500 }))).toEqual({ app: 'changed', conf: 'changed' })
    expect(states(await plan(app, conf('good')))).toEqual({ app: 'ok', conf: 'ok' })
  })

  it('what could not be changed owes nothing', async () => {
    const conf = fake('conf', { path: at('conf'), content: 'c', apply: sh`exit 1` }, { notify: ['service'] })
    const service = fake('service', { path: at('service'), content: 's' }, { after: ['conf'] })
    writeFileSync(at('service'), 's')
    expect(outcomes(await apply([conf, service]))).toEqual({ conf: 'failed', service: 'skipped' })
    expect(
      states(await plan(fake('conf', { path: at('service'), content: 's' }, { notify: ['service'] }), service)),
    ).toEqual({ conf: 'ok', service: 'ok' })
  })

  it('waits until what was started is of use, before what comes after', async () => {
    const slow = sh`printf s >${at('slow')}; (sleep 0.6; touch ${at('is-ready')}) >/dev/null 2>&1 &`
    const resources = [
      fake('slow', { path: at('slow'), content: 's', apply: slow, ready: sh`false; test -e ${at('never')}` }, {}),
    ]
    const late = await apply(resources, { readyMs: 500 })
    expect(entry(late, 'slow')).toMatchObject({ outcome: 'failed', why: 'it was not ready within 1 s' })
    rmSync(at('slow'))
    const never = [fake('slow', { path: at('slow'), content: 's', apply: slow, ready: sh`exit ${gaveUp}` })]
    expect(entry(await apply(never), 'slow')).toMatchObject({
      outcome: 'failed',
      why: 'it was started and has failed, and nobody starts it again',
    })
    rmSync(at('slow'))
    const good = [
      fake('slow', { path: at('slow'), content: 's', apply: slow, ready: sh`test -e ${at('is-ready')}` }),
      fake(
        'next',
        { path: at('next'), content: 'n', apply: sh`test -e ${at('is-ready')}; printf n >${at('next')}` },
        { after: ['slow'] },
      ),
    ]
    expect(outcomes(await apply(good))).toEqual({ slow: 'changed', next: 'changed' })
  })

  it('a command that hangs is ended with all that it has started', async () => {
    const hung = sh`(sleep 8; touch ${at('late')}) & sleep 60`
    const result = await apply(
      [
        fake('hung', { path: at('hung'), content: 'x', apply: hung }),
        fake('other', { path: at('other'), content: 'o' }),
      ],
      { stepMs: 3000 },
    )
    expect(outcomes(result)).toEqual({ hung: 'failed', other: 'changed' })
    expect(entry(result, 'hung')?.why).toContain('it did not end within 3 s')
    await new Promise((resolve) => setTimeout(resolve, 5500))
    expect(existsSync(at('late'))).toBe(false)
  })

  it('a command that ends as one whose time was over is told by what it ended with', async () => {
    const codes = [124, 137, 255].map((code) =>
      fake(`c${code}`, { path: at(`c${code}`), content: 'x', apply: sh`exit ${code}` }),
    )
    const result = await apply(codes)
    expect(codes.map(({ id }) => entry(result, id)?.why)).toEqual(
      [124, 137, 255].map((code) => `it ended with ${code}`),
    )
  })

  it('a command that prints without end is ended; one that leaves a process behind is not waited for', async () => {
    const left = sh`printf l >${at('left')}; sleep 8 &`
    const result = await apply([
      fake('flood', { path: at('flood'), content: 'x', apply: sh`yes` }),
      fake('left', { path: at('left'), content: 'l', apply: left }),
    ])
    expect(outcomes(result)).toEqual({ flood: 'failed', left: 'changed' })
    expect(entry(result, 'flood')).toMatchObject({ why: 'it printed without end, and was ended' })
    expect(entry(result, 'flood')!.log.length).toBeLessThanOrEqual(64 * 1024)
    // What was left behind does not hold the host.
    expect(outcomes(await apply([fake('next', { path: at('next'), content: 'n' })]))).toEqual({ next: 'changed' })
  })

  it('secrets are in no log and in no list of processes', async () => {
    const secret = 'correct-horse-battery'
    const look = sh`cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' >${at('processes')}; echo ${secret} other-known-secret; printf %s ${secret} >${at('s')}`
    const secrets = new KnownSecrets()
    secrets.add('other-known-secret')
    const result = await apply([fake('s', { path: at('s'), content: secret, isSecret: true, apply: look })], {
      secrets,
    })
    expect(outcomes(result)).toEqual({ s: 'changed' })
    expect(entry(result, 's')?.log).not.toMatch(/correct-horse|other-known/)
    expect(text('processes')).not.toContain(secret)
    const left = await host.run(sh`ls /run/larder/apply-*`, { timeoutMs: 60_000 })
    expect(left.stdout.toString()).toMatch(/^output\npid\n$/)
  })

  it('is busy while another run holds the host, and says who', async () => {
    let begun = (): void => {}
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const wait = sh`touch ${at('begun')}; while [ ! -e ${at('go')} ]; do sleep 0.1; done; printf w >${at('w')}`
    const first = apply([fake('w', { path: at('w'), content: 'w', apply: wait })], { owner: 'campus, run 7' })
    const looking = setInterval(() => {
      if (existsSync(at('begun'))) begun()
    }, 20)
    await isBegun
    clearInterval(looking)
    const second = await apply([fake('x', { path: at('x'), content: 'x' })])
    expect(second).toMatchObject({
      unreachable: { code: 'FLEET_MACHINE_BUSY', message: expect.stringContaining('campus, run 7') },
    })
    writeFileSync(at('go'), '')
    expect(outcomes(await first)).toEqual({ w: 'changed' })
  })

  it('two of one id, and a circle, are refused before anything is done', async () => {
    const a = (order: Partial<Resource>) => fake('a', { path: at('a'), content: 'a' }, order)
    await expect(plan(a({}), a({ origin: 'larder.yaml:3' }))).rejects.toThrow(
      'a is declared twice: at roles/test.yaml:1 and at larder.yaml:3',
    )
    const b = fake('b', { path: at('b'), content: 'b' }, { after: ['a'] })
    await expect(plan(a({ after: ['b'] }), b)).rejects.toThrow('a → b → a')
    expect(states(await plan(a({ when: { family: ['rhel'] } }), a({ when: { family: ['debian'] } })))).toEqual({
      a: 'change',
    })
  })

  it('one host that cannot be reached holds up no other', async () => {
    const away: Host = {
      name: 'away',
      run: () => createLocalHost({ name: 'away' }).run(sh`exit 1`, { timeoutMs: 60_000 }),
      close: async () => {},
    }
    const targets = [
      { machine: 'away', host: away, resources: [] },
      ...target(fake('a', { path: at('a'), content: 'a' })),
    ]
    const results = await applyHosts(targets, { signal, runId: 'two', log: () => {}, limit: 1 })
    expect(results.map(outcomes)).toEqual(['FLEET_HOST_UNREACHABLE', { a: 'changed' }])
  })
})
