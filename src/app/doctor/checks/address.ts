import { rm } from 'node:fs/promises'
import { isTaken, lastAddress } from '../../last-address.ts'
import { readRecordedAddress } from '../../read-address.ts'
import type { State } from '../../../state/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** A controller runs, and answers where it says and where clients are told to ask. */
export const addressCheck: DoctorCheck = {
  name: 'address',
  async look({ context, dataFolder, isServing }) {
    if (isServing) {
      const recorded = await readRecordedAddress(dataFolder)
      const told = context.publicUrl()
      const urls = new Set([...(recorded === undefined ? [] : [recorded.url]), told])
      return (await Promise.all([...urls].map((url) => ask(url, url === told)))).flat()
    }
    const stale = await readRecordedAddress(dataFolder)
    const notRunning: Ailment = {
      severity: 'warning',
      subject: dataFolder.root,
      message: 'No controller runs on this data folder: clients are not served and nothing is signed anew.',
      hint: 'larder up, or systemctl start larder (docs/operations.md).',
    }
    const left = stale === undefined ? [] : [leftBehind(dataFolder.address, stale)]
    return [notRunning, ...left, ...(await takenByAnother(context.state))]
  },
}

const answerMs = 10_000

async function ask(url: string, isPublic: boolean): Promise<Ailment[]> {
  const path = `${url.replace(/\/+$/, '')}/healthz`
  const { request } = await import('undici')
  try {
    const { statusCode, body } = await request(path, {
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      signal: AbortSignal.timeout(answerMs),
    })
    await body.dump()
    if (statusCode === 200) return []
    return [unanswered(url, `answers with status ${statusCode}`, isPublic)]
  } catch (error) {
    return [unanswered(url, error instanceof Error ? error.message : String(error), isPublic)]
  }
}

function unanswered(url: string, why: string, isPublic: boolean): Ailment {
  return {
    // The public address may well be unreachable from here: NAT, a name that only clients resolve.
    severity: isPublic ? 'warning' : 'error',
    subject: url,
    message: `${url}/healthz cannot be asked: ${why}.`,
    hint: isPublic
      ? 'This is the address that clients are told: look at --public-url, the proxy and the firewall.'
      : 'Start the controller again; its log says more.',
  }
}

/** Where a controller would listen again. */
async function takenByAnother(state: State): Promise<Ailment[]> {
  const address = await lastAddress(state)
  if (address === undefined || !(await isTaken(address))) return []
  const port = String(address.port)
  return [
    {
      severity: 'warning',
      subject: `${address.host}:${port}`,
      message: `Another program listens on port ${port}, on which the controller of this data folder listened last.`,
      hint: `ss -ltnp 'sport = :${port}' names it; end it, or choose another port: larder up --listen HOST:PORT.`,
    },
  ]
}

function leftBehind(path: string, { pid }: { pid: number }): Ailment {
  return {
    severity: 'warning',
    subject: path,
    message: `${path} is left over from a controller that no longer runs (process ${pid}).`,
    hint: 'It was killed, or the machine went down. The file does no harm.',
    mend: () => rm(path, { force: true }),
  }
}
