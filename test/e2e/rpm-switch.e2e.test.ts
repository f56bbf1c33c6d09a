import { expect, it } from 'vitest'
import { dnfComplaint, type DnfClient } from './support/dnf-client.ts'
import { openRpmSite, type RpmSite } from './support/open-rpm-site.ts'

const publications = 15
const names = Array.from({ length: publications }, (_, index) => `pkg${String(index + 1).padStart(2, '0')}`)

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
  await site.publish(names.slice(0, 1))
  const clients = [await site.client(), await site.client()]
  for (const client of clients) expect((await client.makecache()).output).not.toMatch(dnfComplaint)

  const done = new AbortController()
  const watching = Promise.all(clients.map((client) => watch(client, done.signal)))
  let before = await seen(site)
  let count = 1
  try {
    for (let number = 2; number <= publications; number++) {
      if (number % 3 === 0) await site.controller.client.rollback('el9')
      else await site.publish(names.slice(0, (count = number)))
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

  const [client] = clients
  expect(await client!.available()).toHaveLength(publications)
  await site.controller.client.rollback('el9')
  const rolledBack = await client!.available()
  expect(rolledBack.length).toBeLessThan(publications)
  expect(rolledBack).toHaveLength((await site.controller.client.packages('el9')).length)
  expect(count).toBeGreaterThan(10)
})

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
