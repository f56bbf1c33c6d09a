import { randomInt } from 'node:crypto'
import { it } from 'vitest'
import { startUpstream } from '../fixtures/upstream/index.ts'
import { complaint, createAptClient, fetchSource } from './support/apt-client.ts'
import { larderYaml, packageList } from './support/site-text.ts'
import { surviveKills, type KilledFormat } from './support/survive-kills.ts'

const kills = Number(process.env['LARDER_KILLS'] ?? 200)
const seed = Number(process.env['LARDER_SEED'] ?? randomInt(2 ** 31))

const apt: KilledFormat = {
  mirror: 'base',
  packagesGlob: 'pool/*',
  noiseBytes: () => 900_000,
  async startUpstream(packages) {
    const all = packages.map(({ name, noise }) => ({ name, version: '1.0', files: { [`usr/share/${name}`]: noise } }))
    const server = await startUpstream({ suites: [{ suite: 'stable', packages: all }] })
    const files = (list: readonly string[]) => ({
      'larder.yaml': larderYaml({ test: server.url }, { base: {} }),
      'keys/test.asc': server.key,
      'packages.json': packageList(list),
    })
    return { server, files }
  },
  async createClient(folder, url) {
    const client = await createAptClient(folder)
    await client.setSource(await fetchSource(url, 'base'))
    return {
      async look() {
        await client.aptGet('clean')
        const said = [await client.update(), await client.download('pkg01')]
        const failures = said.map(({ output }) => output).filter(isWrong)
        return { isUp: said.every(({ exitCode }) => exitCode === 0), failures }
      },
      async fetch(names) {
        const { debs, output } = await client.download(...names)
        return { count: debs.length, output }
      },
    }
  },
}

it(`goes on after kill -9 at ${kills} moments (LARDER_SEED=${seed})`, () => surviveKills(apt, { kills, seed }))

function isWrong(output: string): boolean {
  const complaints = output.split('\n').filter((line) => complaint.test(line))
  return complaints.some((line) => !away.some((pattern) => pattern.test(line)))
}

/** What apt says when the server is not there, or goes away in the middle of an answer. */
const away = [
  /Could not connect to|Unable to connect to|Connection refused|Connection failed|Connection reset|Connection timed out/,
  /Error reading from server|Remote end closed|Undetermined Error|Bad header line|Error writing to/,
  /Some (?:index )?files failed to download|Unable to fetch some archives|maybe run apt-get update/,
  /^(?:Err|Ign):/,
]
