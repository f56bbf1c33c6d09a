import { randomInt } from 'node:crypto'
import { it } from 'vitest'
import { startRpmUpstream } from '../fixtures/rpm-upstream/index.ts'
import { createDnfClient, fetchRepo } from './support/dnf-client.ts'
import { rpmSiteText } from './support/open-rpm-site.ts'
import { packageList } from './support/site-text.ts'
import { surviveKills, type KilledFormat } from './support/survive-kills.ts'

const kills = Number(process.env['LARDER_RPM_KILLS'] ?? 100)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))

/** What dnf says when what it got does not fit together. */
const mismatch = /checksum|mismatch|GPG (?:signature|check|verification)|Status code: 4|not correct|parsing|malformed/i
/** What it says when the server is not there, or goes away in the middle of an answer: libcurl-errors(3). */
const away = /Curl error \((?:7|18|28|52|55|56)\)/

/** One in so many packages is large: at the pace of the upstream it takes longer to come than any process lives. */
const largeEach = 10
const largeBytes = 8_000_000

const rpm: KilledFormat = {
  mirror: 'el9',
  packagesGlob: 'Packages/*',
  noiseBytes: (place) => (place % largeEach === 2 ? largeBytes : 900_000),
  async startUpstream(packages) {
    const all = packages.map(({ name, noise }) => ({
      name,
      version: '1',
      files: { [`/usr/share/${name}`]: noise.toString('latin1') },
    }))
    const server = await startRpmUpstream({ packages: all })
    const files = (list: readonly string[]) => ({
      'larder.yaml': rpmSiteText(server.url, {}),
      'keys/vendor.asc': server.key,
      'packages.json': packageList(list),
    })
    return { server, files }
  },
  async createClient(folder, url) {
    const client = await createDnfClient(folder)
    await client.setRepo(await fetchRepo(url, 'el9'))
    return {
      async look() {
        const { exitCode, output } = await client.makecache()
        return { isUp: exitCode === 0, failures: isWrong(output) ? [output] : [] }
      },
      async fetch(names) {
        const { output } = await client.install(...names)
        return { count: (await client.installed()).length, output }
      },
    }
  },
}

it(`an RPM mirror goes on after kill -9 at ${kills} moments (LARDER_SEED=${seed})`, () =>
  surviveKills(rpm, { kills, seed }))

function isWrong(output: string): boolean {
  return output.split('\n').some((line) => mismatch.test(line) && !away.test(line))
}
