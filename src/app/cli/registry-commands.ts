import { type Command, Option } from 'commander'
import { systemClock } from '../../core/index.ts'
import type { CommandContext } from './command-context.ts'
import { parsePort } from './parse-address.ts'
import type { Bind } from './program.ts'

export function addRegistryCommands(program: Command, bind: Bind): void {
  const registry = program.command('registry').description('the registry of images')
  registry
    .command('serve')
    .description('run an open registry: whoever can reach it may push and pull')
    .addOption(new Option('--port <port>', 'to listen on').argParser(parsePort).default(5000))
    .option('--host <address>', 'to listen on', '127.0.0.1')
    .action(bind(serve))
}

async function serve(
  { output, dataFolder, environment, signal }: CommandContext,
  { host, port }: { host: string; port: number },
): Promise<number> {
  const { startController } = await import('../controller-process.ts')
  const running = await startController({
    dataFolder,
    clock: systemClock,
    logLevel: 'info',
    environment,
    host,
    port,
    openRegistry: true,
  })
  output.data({ url: running.url })
  output.line(`An open registry is at ${running.url}/v2/`)
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await running.stop()
  return 0
}
