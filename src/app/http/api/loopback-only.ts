import { LarderError } from '../../../core/index.ts'

/** Folders and private keys are for who sits at the machine: neither its disk nor a secret is for the network. */
export function demandLoopback(address: string): void {
  if (/^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/.test(address)) return
  throw new LarderError('USAGE', {
    message: 'This is asked for on the machine that Larder runs on, and nowhere else.',
    hint: 'Run the command on that machine.',
  })
}
