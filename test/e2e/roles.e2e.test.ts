import { afterAll, beforeAll, expect, it } from 'vitest'
import { healthScript } from '../../src/fleet/health/health-script.ts'
import { readHealth } from '../../src/fleet/health/host-health.ts'
import { sh } from '../../src/fleet/shell/script.ts'
import { openConvergedMachines, role, written } from './support/converged-machines.ts'

const names = written(`
- { host-entry: db-1, address: 10.213.79.11 }
- { host-entry: db-2, address: 10.213.79.12 }
`)

let machines: Awaited<ReturnType<typeof openConvergedMachines>>
beforeAll(async () => {
  const names = ['db-1', 'db-2']
  const packages = ['postgresql', 'kea-dhcp4-server', 'haproxy', 'busybox']
  machines = await openConvergedMachines({ site: 'roles', subnet: '10.213.79', names, packages })
})
afterAll(() => machines?.[Symbol.asyncDispose]())
const noMachine = 'this host has no APT sources to make a machine from'

it('units, services, timers, mounts and commands are made, told, and put back', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, converge } = machines!

  const units = (text: string) =>
    written(`
- unit: hello.service
  content: |
    [Service]
    ExecStart=/bin/sh -c 'echo ${text} >/run/hello; exec sleep 1000000'
    [Install]
    WantedBy=multi-user.target
  notify: service:hello
- service: hello
- timer: tick
  at: "*-*-* *:*:00/5"
  run: ["/bin/sh", "-c", "echo \\"100% $0\\" >/run/tick", "it's $HOME"]
- service: systemd-timesyncd
  running: false
  enabled: false
- mount: /srv/in memory
  device: tmpfs
  type: tmpfs
  options: size=1m
- command: counted
  run: echo x >>/root/count
  unless: test -e /root/count
`)
  expect((await converge([[units('one')]]))[0]).toEqual(
    expect.arrayContaining([
      'unit:hello.service',
      'service:hello',
      'timer:tick',
      'mount:/srv/in memory',
      'command:counted',
    ]),
  )
  expect(await ask(0, sh`cat /run/hello`)).toBe('one')
  expect(await ask(0, sh`timeout 50 sh -c 'until cat /run/tick 2>/dev/null; do sleep 0.2; done'`)).toBe(
    "100% it's $HOME",
  )
  expect(await converge([[units('one')]])).toEqual([[]])
  // A new text restarts it, by notification.
  await converge([[units('two')]])
  expect(await ask(0, sh`timeout 50 sh -c 'until grep two /run/hello; do sleep 0.2; done'`)).toBe('two')
  await ask(0, sh`systemctl stop hello tick.timer; umount '/srv/in memory'`)
  expect((await converge([[units('two')]]))[0]!.toSorted()).toEqual([
    'mount:/srv/in memory',
    'service:hello',
    'timer:tick',
  ])
})

it('PostgreSQL is replicated, promoted, and follows the other way', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, apply, converge } = machines!
  const sql = (at: number, text: string) => ask(at, sh`runuser -u postgres -- psql -Atqc ${text}`)
  const primary = [names, await role('postgresql')]
  const replicaOf = async (name: string) => [names, await role('postgresql-replica', { primary: name })]
  await converge([primary, await replicaOf('db-1')], 'together')
  expect(await sql(0, 'create table kept (n int); insert into kept values (1); select count(*) from kept')).toBe('1')
  const arrives = (at: number, count: string) =>
    ask(
      at,
      sh`timeout 30 sh -c ${`until [ "$(runuser -u postgres -- psql -Atqc 'select count(*) from kept' 2>/dev/null)" = ${count} ]; do sleep 0.2; done; echo here`}`,
    )
  expect(await arrives(1, '1')).toBe('here')
  expect(await sql(1, 'insert into kept values (2)')).toContain('read-only transaction')

  // What doctor makes of it: a replica that is late, one that follows nobody, and what is kept for it; a unit that has failed.
  const health = async (at: number) => {
    const askedAt = new Date()
    return readHealth(await ask(at, healthScript), { askedAt, arrivedAt: new Date() })
  }
  expect(await health(1)).toMatchObject({ replica: { isStreaming: true, lagMs: 0 }, idleSlots: [] })
  expect(await health(0)).toMatchObject({ replica: undefined, idleSlots: [] })
  await sql(1, 'select pg_wal_replay_pause()')
  await sql(0, 'create table late (n int)')
  await expect.poll(async () => (await health(1))?.replica?.lagMs).toBeGreaterThan(0)
  await sql(1, 'select pg_wal_replay_resume()')
  await expect.poll(async () => (await health(1))?.replica).toEqual({ isStreaming: true, lagMs: 0 })
  await ask(0, sh`systemctl stop postgresql@15-main`)
  await expect.poll(async () => (await health(1))?.replica?.isStreaming).toBe(false)
  await ask(0, sh`systemctl start postgresql@15-main`)
  await expect.poll(async () => (await health(1))?.replica?.isStreaming, { timeout: 60_000 }).toBe(true)
  await ask(1, sh`systemctl stop postgresql@15-main; systemd-run --quiet --unit=broken false`)
  await expect.poll(async () => (await health(0))?.idleSlots.map(({ name }) => name)).toEqual(['db_2'])
  await expect.poll(async () => (await health(1))?.failedUnits).toContain('broken.service')
  // One that does not answer is told of, and hides nothing else.
  await ask(0, sh`kill -STOP "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"`)
  expect(await health(0)).toMatchObject({ clockOffsetMs: expect.any(Number), isDatabaseSilent: true })
  await ask(0, sh`kill -CONT "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"`)
  await ask(1, sh`systemctl reset-failed broken; systemctl start postgresql@15-main`)
  expect(await health(0)).toMatchObject({ isDatabaseSilent: false })

  // What has died is told, and started again.
  await ask(0, sh`systemctl stop postgresql@15-main`)
  await ask(1, sh`kill -KILL "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"`)
  await expect.poll(() => ask(1, sh`systemctl is-active postgresql@15-main || :`)).not.toBe('active')
  expect(await converge([primary, await replicaOf('db-1')])).toEqual([
    ['service:postgresql@15-main'],
    ['service:postgresql@15-main'],
  ])
  expect(await sql(0, 'insert into kept values (2); select count(*) from kept')).toBe('2')
  expect(await arrives(1, '2')).toBe('here')

  // What would end it is refused before it is in place.
  for (const [wrong, path] of [
    ['allow', 'pg_hba.conf'],
    ['listen', 'conf.d/larder.conf'],
  ] as const) {
    const [refused] = await apply([[names, await role('postgresql', { [wrong]: '192.0.2.1' })]])
    const id = `file:/etc/postgresql/15/main/${path}`
    const failed = expect.objectContaining({ id, outcome: 'failed', log: expect.stringContaining(`${wrong}: `) })
    expect(refused).toMatchObject({ entries: expect.arrayContaining([failed]) })
    expect(await sql(0, 'select count(*) from kept')).toBe('2')
  }

  // Failover, declared: the primary is off; the replica is promoted first, then the former primary follows it.
  await ask(0, sh`systemctl stop postgresql@15-main`)
  await converge([[names], primary])
  await converge([await replicaOf('db-2'), primary])
  expect(await sql(1, 'insert into kept values (3); select count(*) from kept')).toBe('3')
  expect(await arrives(0, '3')).toBe('here')

  // And back, as one merge declares it: both machines at once, while somebody writes.
  const acknowledged = () => ask(1, sh`tail -n 1 /run/acknowledged 2>/dev/null || :`)
  await ask(1, sh`systemd-run --quiet --unit=writer /bin/sh -c ${writer}`)
  await expect.poll(acknowledged).not.toBe('')
  await converge([primary, await replicaOf('db-1')], 'together')
  await ask(1, sh`systemctl stop writer`)
  expect(await sql(0, `select count(*) from kept where n between 1000 and ${await acknowledged()}`)).toBe(
    String(Number(await acknowledged()) - 999),
  )
  await sql(0, 'truncate kept; insert into kept values (4)')
  expect(await arrives(1, '1')).toBe('here')

  // One after the other, where the new primary comes after the old: nothing takes writes before that is stopped.
  await converge([await replicaOf('db-2'), primary])
  expect(await sql(1, 'insert into kept values (5); select count(*) from kept')).toBe('2')
  expect(await arrives(0, '2')).toBe('here')
})

/** Writes numbers one by one, each once the one before is confirmed, for as long as this machine takes them. */
const writer = `n=1000
while out=$(runuser -u postgres -- psql -Atqc "insert into kept values ($n) returning n" 2>&1) && [ "$out" = $n ]; do
  echo $n >>/run/acknowledged
  n=$((n + 1))
done`

it('addresses are given by Kea with the configuration that is handed in', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, apply, converge } = machines!
  const config = (pool: string) =>
    JSON.stringify({
      Dhcp4: {
        'interfaces-config': { interfaces: ['eth0'] },
        'lease-database': { type: 'memfile', name: '/var/lib/kea/leases.csv' },
        subnet4: [{ subnet: '10.213.79.0/24', pools: [{ pool }] }],
      },
    })
  const lease = () => ask(1, sh`busybox udhcpc -i eth0 -n -q -f -t 20 -T 1 -s /bin/true 2>&1`)
  await converge([[await role('dhcp', { config: config('10.213.79.100 - 10.213.79.100') })]])
  expect(await lease()).toContain('lease of 10.213.79.100 obtained')
  const [refused] = await apply([[await role('dhcp', { config: config('192.0.2.1 - 192.0.2.2') })]])
  expect(refused).toMatchObject({
    entries: expect.arrayContaining([
      expect.objectContaining({
        id: 'file:/etc/kea/kea-dhcp4.conf',
        outcome: 'failed',
        log: expect.stringContaining('192.0.2.1'),
      }),
      expect.objectContaining({ id: 'service:kea-dhcp4-server', outcome: 'skipped' }),
    ]),
  })
  expect(await lease()).toContain('lease of 10.213.79.100 obtained')
})

it('requests are balanced by HAProxy with the configuration that is handed in', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, apply, converge } = machines!
  const config = (text: string) => `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend web
  bind :80
  http-request return status 200 content-type text/plain string ${text}
`
  const answer = () => ask(1, sh`busybox wget -q -O - http://10.213.79.11/`)
  for (const text of ['one', 'two']) {
    await converge([[await role('load-balancer', { config: config(text) })]])
    // The unit of Debian does not wait for the worker that takes over: haproxy.service, ExecReload.
    await expect.poll(answer).toBe(text)
  }
  const [refused] = await apply([[await role('load-balancer', { config: config('three').replace('bind', 'bnd') })]])
  expect(refused).toMatchObject({
    entries: expect.arrayContaining([
      expect.objectContaining({
        id: 'file:/etc/haproxy/haproxy.cfg',
        outcome: 'failed',
        log: expect.stringContaining("'bnd'"),
      }),
    ]),
  })
  expect(await answer()).toBe('two')
})

it('settings of the network in the kernel of a machine are its own', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, converge } = machines!
  const forwards = (value: number) => written(`- { sysctl: net.ipv4.ip_forward, value: ${value} }\n`)
  for (const value of [0, 1]) {
    await converge([[forwards(value)]])
    expect(await ask(0, sh`cat /proc/sys/net/ipv4/ip_forward`)).toBe(String(value))
  }
})

it('one that restarts its machine: not known how that ended, and the next run goes on from there', async (context) => {
  if (machines === undefined) context.skip(noMachine)
  const { ask, apply, converge } = machines!
  const restarting = written(`
- command: restarted once
  run: echo x >>/root/restarted; systemctl reboot; sleep 600
  creates: /root/restarted
- file: /etc/after-restart
  content: x
  after: ["command:restarted once"]
`)
  const [first] = await apply([[restarting]])
  expect(JSON.stringify(first)).toMatch(/"outcome":"unknown"|FLEET_HOST_UNREACHABLE/)
  await expect
    .poll(() => ask(0, sh`systemctl is-system-running --wait || :`).catch(() => 'away'), {
      timeout: 120_000,
      interval: 500,
    })
    .toMatch(/running|degraded/)
  await converge([[restarting]])
  expect(await ask(0, sh`cat /root/restarted /etc/after-restart`)).toBe('x\nx')
})
