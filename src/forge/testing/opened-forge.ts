import { afterEach } from 'vitest'
import type { CommitStatus, ForgeApi, ForgeCredentials, ForgeName } from '../forge.ts'
import { forgeNamed } from '../forges.ts'
import { fetchSend } from './fetch-send.ts'
import { startStandIn, type StandInForge, type StandInOptions } from './stand-in-forge.ts'

export const marker = '<!-- larder -->'

interface OpenOptions extends StandInOptions {
  credentials?: ForgeCredentials
  now?: () => Date
}

/** A stand-in of a forge, which ends with the test. */
export function useStandIn() {
  let standIn: StandInForge | undefined
  afterEach(async () => {
    await standIn?.[Symbol.asyncDispose]()
    standIn = undefined
  })
  return {
    async start(name: ForgeName, options?: StandInOptions): Promise<StandInForge> {
      standIn = await startStandIn(name, options)
      return standIn
    },
    /** Another one, and its API. */
    async open(name: ForgeName, { credentials, now, ...options }: OpenOptions = {}): Promise<ForgeApi> {
      const { config, token } = await this.start(name, options)
      return forgeNamed(name).api({
        url: config.api,
        repository: config.repository,
        credentials: credentials ?? { kind: 'token', token },
        send: fetchSend,
        now: now ?? (() => new Date()),
      })
    },
    world(): StandInForge {
      if (standIn === undefined) throw new Error('there is no stand-in')
      return standIn
    },
    /** A main branch, and a pull request. */
    async withPull(): Promise<string> {
      const world = this.world()
      await world.push({ 'larder.yaml': 'site: test\n' })
      await world.push({ 'packages.json': '["nmap"]\n' }, { branch: 'add-nmap' })
      return (await world.openPull({ branch: 'add-nmap', title: 'Add\nnmap' })).headCommit
    },
  }
}

export const statusOf = (commit: string, more: Partial<CommitStatus> = {}): CommitStatus => ({
  commit,
  name: 'larder',
  state: 'success',
  title: '+1 package',
  summary: '**summary**',
  url: 'http://larder.example.org/runs/1',
  annotations: [],
  ...more,
})
