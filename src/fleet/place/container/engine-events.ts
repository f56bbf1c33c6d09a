import type { ContainerEngine } from './engine.ts'

/** Begun anew after that, so that one which hangs is not believed for ever. */
const watchMs = 3600_000

/** What has happened so shortly before is told, too: a watch may begin late, or anew. */
const sinceSeconds = 60

/** In the words of docker-events and podman-events(1). Podman 4.3 finds no label without its value. */
const words = {
  docker: { ends: ['die', 'destroy'], attributes: '.Actor.Attributes' },
  podman: { ends: ['died', 'remove'], attributes: '.Attributes' },
}

/**
 * Calls back with its id whenever a machine's container has ended or was removed, whoever did it; also for the last minute. Resolves when the engine ends, and
 * after an hour. FLEET_MACHINE_FAILED, CANCELLED.
 */
export async function watchContainers(
  engine: ContainerEngine,
  onEnd: (id: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { ends, attributes } = words[engine.name]
  const events = ends.flatMap((event) => ['--filter', `event=${event}`])
  const since = `--since=${sinceSeconds}s`
  const args = ['events', since, ...events, '--format', `{{.ID}} {{index ${attributes} "larder.site"}}`]
  const onLine = (line: string): void => {
    const [, id] = /^([0-9a-f]{64}) \S/.exec(line) ?? []
    if (id !== undefined) onEnd(id)
  }
  const over = AbortSignal.timeout(watchMs)
  try {
    await engine.ask(args, { signal: AbortSignal.any([signal, over]), timeoutMs: 2 * watchMs, onLine })
  } catch (error) {
    if (!over.aborted || signal.aborted) throw error
  }
}
