import { Resolver } from 'node:dns/promises'
import { askDhcp } from './ask-dhcp.ts'

// Runs in the network namespace that is asked about: `dhcp <address> <window ms>` or `dns <server> <name>`. Answers a line of JSON.
const [what, first = '', second = ''] = process.argv.slice(2)

process.stdout.write(`${JSON.stringify(await answer())}\n`)

async function answer(): Promise<unknown> {
  try {
    return { found: what === 'dhcp' ? await askDhcp(first, Number(second)) : await askDns(first, second) }
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code ?? String(error) }
  }
}

async function askDns(server: string, name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 1000, tries: 3 })
  resolver.setServers([server])
  return resolver.resolve4(name)
}
