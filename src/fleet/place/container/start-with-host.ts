import { existsSync } from 'node:fs'
import type { Progress } from '../../../core/index.ts'
import { runProgram } from '../program.ts'
import type { ContainerEngine } from './engine.ts'

/** `podman start --all --filter restart-policy=always`, when the host starts. It knows no `unless-stopped`. */
const restartUnit = 'podman-restart.service'

/** How an engine is told that a machine comes up again with its host. */
export function restartPolicy({ name }: Pick<ContainerEngine, 'name'>): string {
  return name === 'podman' ? 'always' : 'unless-stopped'
}

export interface StartRoom {
  signal: AbortSignal
  progress: Pick<Progress, 'log'>
}

/**
 * Docker starts what it has by itself. Podman has nothing that goes on, but a unit that is not enabled where it is installed;
 * where systemd does not run this host, the next round brings machines up.
 */
export async function startWithHost(
  { name }: Pick<ContainerEngine, 'name'>,
  { signal, progress }: StartRoom,
  { run, hasSystemd } = { run: runProgram, hasSystemd: existsSync('/run/systemd/system') },
): Promise<void> {
  if (name !== 'podman' || !hasSystemd) return
  const systemctl = (verb: string) => run('systemctl', [verb, '--quiet', restartUnit], { signal, package: 'systemd' })
  if ((await systemctl('is-enabled')).code === 0) return
  const { code, stderr } = await systemctl('enable')
  const told =
    code === 0
      ? `${restartUnit} of podman is enabled, so that machines start with this host`
      : `${restartUnit} of podman cannot be enabled; machines start with Larder, not with this host: ${stderr.trim().slice(0, 300)}`
  progress.log(told)
}
