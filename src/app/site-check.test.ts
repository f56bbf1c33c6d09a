import fc from 'fast-check'
import { generateKey } from 'openpgp'
import { beforeAll, expect, it } from 'vitest'
import { memoryFiles } from '../core/testing/memory-files.ts'
import { readSite } from '../pipeline/index.ts'
import { siteKinds } from './site-kinds.ts'

let testKey = ''
beforeAll(async () => {
  testKey = (await generateKey({ userIDs: [{ name: 'Test' }] })).publicKey
})

interface Draft {
  site: Record<string, Record<string, Record<string, unknown>>> & { site: unknown }
  files: Record<string, string>
}

/** A site with nothing wrong in it. */
function soundSite(): Draft {
  const mirror = { format: 'apt', upstreams: ['debian'], suite: 'stable', architectures: ['amd64'] }
  const site = {
    site: 'campus',
    upstreams: {
      debian: { format: 'apt', url: 'http://apt.example.org/', keys: ['keys/debian.asc'] },
      icesi: { format: 'rpm', url: 'http://rpm.example.org/', keys: ['keys/icesi.asc'] },
    },
    mirrors: {
      base: { ...mirror, packages: 'packages.json' },
      east: { ...mirror, packages: ['nginx'] },
      west: { ...mirror, packages: 'west.json' },
      el9: { format: 'rpm', upstreams: ['icesi'], architectures: ['x86_64'], packages: 'el9.json' },
    },
  }
  const files = { 'packages.json': '["nmap"]', 'west.json': '["curl"]', 'el9.json': '["bash"]' }
  return {
    site: site as unknown as Draft['site'],
    files: { ...files, 'keys/debian.asc': testKey, 'keys/icesi.asc': testKey },
  }
}

/** Faults that have nothing to do with one another, and what must be told of each. */
const faults: [told: RegExp, make: (draft: Draft) => void][] = [
  [/"site": small letters/, ({ site }) => (site.site = 'Campus')],
  [/unknown section "mirrosr".*did you mean mirrors/, ({ site }) => rename(site, 'mirrors', 'mirrosr')],
  [/unknown name "kyes".*did you mean keys/, ({ site }) => rename(site['upstreams']!['debian']!, 'keys', 'kyes')],
  [/"url".*http/, ({ site }) => (site['upstreams']!['icesi']!['url'] = 'gopher://x')],
  [/unknown name "fromat".*did you mean format/, ({ site }) => rename(mirrorOf(site, 'west'), 'format', 'fromat')],
  [/unknown name "pakcages"/, ({ site }) => rename(mirrorOf(site, 'east'), 'packages', 'pakcages')],
  [/entry 2 of "upstreams"|"debain".*did you mean debian/, ({ site }) => (mirrorOf(site, 'base')['upstreams'] = ['debian', 'debain'])], // prettier-ignore
  [/"architectures" is "amd64"/, ({ site }) => (mirrorOf(site, 'base')['architectures'] = 'amd64')],
  [/"suite"/, ({ site }) => (mirrorOf(site, 'west')['suite'] = 'no suite')],
  [/"snapshots" is too small/, ({ site }) => (mirrorOf(site, 'east')['keep'] = { snapshots: 0 })],
  [/"compatibility"/, ({ site }) => (mirrorOf(site, 'el9')['compatibility'] = 'yum2')],
  [/^packages\.json.*ng;inx/, ({ files }) => (files['packages.json'] = '["nmap", "ng;inx"]')],
  [/^west\.json.*comma|^west\.json/, ({ files }) => (files['west.json'] = '["curl" "vim"]')],
  [/^el9\.json.*"names"|^el9\.json/, ({ files }) => (files['el9.json'] = '[{"names": "bash", "version": "1"}]')],
  [/keys\/icesi\.asc.*cannot be used/, ({ files }) => (files['keys/icesi.asc'] = 'no key')],
  [/no file "keys\/debian\.asc"/, ({ files }) => delete files['keys/debian.asc']],
]

it('a site with nothing wrong in it has no problems', async () => {
  expect(await problemsOf(soundSite())).toEqual([])
})

it.each(faults)('tells of one fault, and of nothing that follows from it: %s', async (told, make) => {
  const draft = soundSite()
  make(draft)
  expect(await problemsOf(draft)).toEqual([expect.stringMatching(told)])
})

it('tells of every fault of every file at once, whichever come together', async () => {
  const drawn = fc.uniqueArray(fc.nat(faults.length - 1), { minLength: 2 })
  await fc.assert(
    fc.asyncProperty(drawn, async (numbers) => {
      const draft = soundSite()
      // In the order of the list, but for the section that the others are in.
      const chosen = faults.filter((_, at) => numbers.includes(at)).toSorted((a, b) => rankOf(a[0]) - rankOf(b[0]))
      for (const [, make] of chosen) make(draft)
      const problems = await problemsOf(draft)
      for (const [told] of chosen) expect(problems).toContainEqual(expect.stringMatching(told))
      expect(problems).toHaveLength(chosen.length)
    }),
    { numRuns: 200 },
  )
})

function rankOf(told: RegExp): number {
  return told.source.includes('section') ? 1 : 0
}

function mirrorOf(site: Draft['site'], name: string): Record<string, unknown> {
  return site['mirrors']![name]!
}

function rename(map: Record<string, unknown>, from: string, to: string): void {
  map[to] = map[from]
  Reflect.deleteProperty(map, from)
}

async function problemsOf({ site, files }: Draft): Promise<string[]> {
  const all: Record<string, string> = { ...files, 'larder.yaml': JSON.stringify(site, undefined, 1) }
  const result = await readSite(memoryFiles(all), siteKinds())
  const found = 'problems' in result ? result.problems : result.warnings
  return found.map(({ file, message, suggestion }) => {
    return `${file}: ${message}${suggestion === undefined ? '' : `; did you mean ${suggestion}`}`
  })
}
