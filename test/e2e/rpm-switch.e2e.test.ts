import { expect, it } from 'vitest'
import { dnfComplaint, type DnfClient } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'
import { unhurried } from './support/unhurried.ts'

const publications = 110
/** Pushes among them, each a package more; the rest are promotes and rollbacks. */
const pushes = 16
const names = Array.from({ length: pushes }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

/** What yum 3 compares: it keeps what it has when the highest timestamp of the data files is older (yumRepo.py). */
interface Seen {
  revision: number
  timestamp: number
}

async function seen(site: RpmSite): Promise<Seen> {
  const answer = await fetch(`${site.controller.url}/rpm/el9/repodata/repomd.xml`)
  const text = await answer.text()
  const timestamps = [...text.matchAll(/<timestamp>([^<]*)</g)].map(([, found]) => found!)
  for (const timestamp of timestamps) expect(timestamp).toMatch(/^\d+$/)
  return {
    revision: Number(/<revision>(\d+)</.exec(text)?.[1]),
    timestamp: Math.max(...timestamps.map(Number)),
  }
}

it(`dnf never sees a mismatch through ${publications} publications and rollbacks, and follows each`, async () => {
  await using site = await openRpmSite({
    packages: names.map((name) => ({ name, version: '1', files: { [`/usr/share/${name}`]: name.repeat(500) } })),
  })
  for (const count of [1, 2]) await site.publish(names.slice(0, count))
  const clients = [await site.client(), await site.client()]
  for (const client of clients) expect((await client.makecache()).output).not.toMatch(dnfComplaint)

  const done = new AbortController()
  const watching = Promise.all(clients.map((client) => watch(client, done.signal)))
  let before = await seen(site)
  const { client: controller } = site.controller
  try {
    for (let number = 3, count = 2; number <= publications; number++) {
      if (number % 8 === 0) await site.publish(names.slice(0, Math.min(++count, pushes)))
      else if (number % 2 === 0) await unhurried(() => controller.rollback('el9'))
      else await promoteAnother(site, number)
      const now = await seen(site)
      expect(now.revision).toBeGreaterThan(before.revision)
      expect(now.timestamp).toBeGreaterThan(before.timestamp)
      expect(now.timestamp).toBe(now.revision)
      before = now
    }
    await site.publish(names)
  } finally {
    done.abort()
  }
  const watched = await watching
  expect(watched.flatMap(({ complaints }) => complaints)).toEqual([])
  expect(Math.min(...watched.map(({ rounds }) => rounds))).toBeGreaterThan(3)

  expect((await controller.mirror('el9')).publication?.generation).toBeGreaterThanOrEqual(publications)
  expect(await controller.verify('el9')).toEqual([])
  const [client] = clients
  expect(await client!.available()).toHaveLength(pushes)
  await site.controller.client.rollback('el9')
  const rolledBack = await client!.available()
  expect(rolledBack.length).toBeLessThan(pushes)
  expect(rolledBack).toHaveLength((await site.controller.client.packages('el9')).length)
})

/** A snapshot that is not the one that clients see. */
async function promoteAnother({ controller: { client } }: RpmSite, number: number): Promise<void> {
  const current = (await client.mirror('el9')).publication?.snapshotNumber
  const others = (await client.snapshots('el9')).map((one) => one.number).filter((one) => one !== current)
  await unhurried(() => client.promote('el9', others[number % others.length]!))
}

async function watch(client: DnfClient, signal: AbortSignal): Promise<{ rounds: number; complaints: string[] }> {
  const complaints: string[] = []
  let rounds = 0
  while (!signal.aborted) {
    const { exitCode, output } = await client.makecache()
    if (exitCode !== 0 || dnfComplaint.test(output)) complaints.push(output)
    rounds++
  }
  return { rounds, complaints }
}
