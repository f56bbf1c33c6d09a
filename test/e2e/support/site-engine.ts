import { execa } from 'execa'
import { startDockerEngine } from './docker-engine.ts'

/**
 * The engine of a site whose machines are containers; answers its client. It ends with all that is in it, each whichever of
 * the others fails: bridges of this host outlive the engine.
 */
export async function startSiteEngine(
  ending: AsyncDisposableStack,
  { folder, bridge }: { folder: string; bridge: string },
): Promise<(...args: string[]) => Promise<string>> {
  const engine = ending.use(await startDockerEngine(folder))
  const before = process.env['DOCKER_HOST']
  process.env['DOCKER_HOST'] = engine.host
  const docker = async (...args: string[]): Promise<string> => (await execa('docker', args, { stdin: 'ignore' })).stdout
  ending.defer(() => {
    if (before === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = before
  })
  ending.defer(async () => {
    await execa('ip', ['link', 'delete', bridge], { reject: false })
  })
  ending.defer(async () => {
    await docker('network', 'prune', '--force')
  })
  ending.defer(async () => {
    const machines = await docker('ps', '--all', '--quiet')
    if (machines !== '') await docker('rm', '--force', ...machines.split('\n'))
  })
  return docker
}
