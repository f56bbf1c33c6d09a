import { fileURLToPath } from 'node:url'
import { parseJson } from '../../../core/index.ts'
import { asObject } from '../kea/kea-control.ts'
import { runProgram } from '../daemon/program.ts'
import type { NetworkRoom } from '../network-room.ts'
import type { Offer } from './dhcp-packet.ts'

const program = fileURLToPath(new URL('./probe-process.ts', import.meta.url))

export type Probed<Found> = { found: Found } | { error: string }

/** Who offers addresses at the interface with this address. `windowMs`: how long answers are waited for. */
export async function probeDhcp(room: NetworkRoom, address: string, windowMs: number): Promise<Probed<Offer[]>> {
  return (await probe(room, ['dhcp', address, String(windowMs)])) as Probed<Offer[]>
}

/** Addresses of a name, as a client asks for them. */
export async function probeDns(room: NetworkRoom, server: string, name: string): Promise<Probed<string[]>> {
  return (await probe(room, ['dns', server, name])) as Probed<string[]>
}

async function probe({ namespace }: NetworkRoom, args: readonly string[]): Promise<Probed<unknown[]>> {
  const { stdout, said } = await runProgram(process.execPath, [program, ...args], { namespace })
  const answer = asObject(parseJson(stdout))
  if (Array.isArray(answer['found'])) return { found: answer['found'] as unknown[] }
  return { error: typeof answer['error'] === 'string' ? answer['error'] : said.slice(-300) }
}
