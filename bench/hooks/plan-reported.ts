import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { startStandIn, type StandInForge } from '../../src/forge/testing/stand-in-forge.ts'
import { aptSite } from '../apt/apt-site.ts'
import { openDistribution } from '../apt/distribution.ts'
import { median } from '../report.ts'
import type { HooksBenchContext } from './bench.ts'
import { secret, startForgeController, stopChild } from './receivers.ts'

const targetSeconds = 0.3
const listed = ['nginx', 'postgresql']
const added = 'nmap'

/**
 * A pull request that adds one package to a mirror of the real distribution, whose index is known: from its delivery
 * being sent to the state of the commit that tells the plan, and to the comment that shows it.
 */
export async function measurePlanReported(context: HooksBenchContext): Promise<void> {
  const { root, runs, report } = context
  const folder = join(context.folder, 'plan-reported')
  await mkdir(folder)
  const distribution = await openDistribution(join(root, 'var/bench'))
  const upstream = await distribution.serve({ fetching: true })
  let sentAt = 0
  // It asks for the time last when it signs what it sends.
  const forge = await startStandIn('github', {
    now: () => {
      sentAt = performance.now()
      return new Date()
    },
  })
  try {
    const { larderYaml } = aptSite(upstream.url, distribution)
    const site = larderYaml.replace('upstream-keys.gpg', distribution.keyring)
    const main = await forge.push({ 'larder.yaml': site, 'packages.json': JSON.stringify(listed) })
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, forge.token)
    const { child, port } = await startForgeController({ root, folder, forge: { ...forge.config, tokenFile } })
    try {
      forge.hook = { url: `http://127.0.0.1:${port}/hooks/github`, secret }
      await reported(forge, main, ({ state }) => state === 'success', 240_000)
      const [statuses, comments]: [number[], number[]] = [[], []]
      for (let round = 0; round <= runs; round++) {
        const branch = `topic${round}`
        const packages = JSON.stringify([...listed, added])
        const commit = await forge.push({ 'packages.json': packages, README: `${round}` }, { branch })
        const { number } = await forge.openPull({ branch })
        const isPlan = ({ description }: { description: string }): boolean => description.startsWith('mirror base')
        const status = ((await reported(forge, commit, isPlan)) - sentAt) / 1000
        const comment = ((await commented(forge, number)) - sentAt) / 1000
        report.note(
          `    plan reported after ${status.toFixed(3)} s, the comment after ${comment.toFixed(3)} s, load ${(loadavg()[0] ?? 0).toFixed(1)}`,
        )
        await reported(forge, commit, ({ state }) => state === 'success')
        await forge.close(number)
        // The first finds nothing compiled by V8.
        if (round === 0) continue
        statuses.push(status)
        comments.push(comment)
      }
      const common = { unit: 's', runs, target: targetSeconds }
      report.add({ ...common, case: 'delivery to plan reported', larder: median(statuses) })
      report.add({ ...common, case: 'delivery to comment', larder: median(comments) })
    } finally {
      await stopChild(child)
    }
  } finally {
    await forge[Symbol.asyncDispose]()
    await upstream.close()
  }
}

/** When such a state of the commit was there, by performance.now(). */
async function reported(
  { world }: StandInForge,
  commit: string,
  isMeant: (status: { state: string; description: string }) => boolean,
  patienceMs = 30_000,
): Promise<number> {
  return when(
    `a report of ${commit}`,
    () => world.statuses.some((one) => one.commit === commit && isMeant(one)),
    patienceMs,
  )
}

function commented({ world }: StandInForge, number: number): Promise<number> {
  return when(`a comment of pull request ${number}`, () => world.comments.some(({ pull }) => pull === number), 30_000)
}

async function when(what: string, isThere: () => boolean, patienceMs: number): Promise<number> {
  const started = performance.now()
  while (performance.now() - started < patienceMs) {
    if (isThere()) return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`${what} did not come within ${patienceMs / 1000} s`)
}
