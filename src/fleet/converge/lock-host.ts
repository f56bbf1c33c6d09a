import { LarderError, plainText } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { sh, type Script } from '../shell/script.ts'
import { runFolder } from './unit-script.ts'

export interface HostLock {
  /** False once the connection that holds it is lost. */
  isHeld(): boolean
  release(): Promise<void>
}

const holdMs = 24 * 60 * 60 * 1000
/** Where nothing is said, a host whose network was cut for minutes learns after two hours that nobody is there: tcp(7), tcp_keepalive_time. */
const sayEveryS = 10
const locked = '\nlocked\n'

/**
 * Takes a host for one run: flock(1) by a process there that ends with our connection. A unit that is at work there for the
 * same run, since we were killed meanwhile, is waited for; what earlier runs have left is removed.
 * FLEET_MACHINE_BUSY names who has it. FLEET_HOST_UNREACHABLE and its like.
 */
export async function lockHost(
  host: Host,
  { runId, owner, signal, everyS = sayEveryS }: { runId: string; owner: string; signal: AbortSignal; everyS?: number },
): Promise<HostLock> {
  const releasing = new AbortController()
  let isHeld = false
  let said = ''
  let tell: () => void = () => {}
  const answered = new Promise<void>((resolve) => {
    tell = resolve
  })
  const onOutput = (chunk: Buffer): void => {
    if (!isHeld) said += chunk.toString('utf8')
    if (isHeld || !said.includes(locked)) return
    isHeld = true
    tell()
  }
  const options = { timeoutMs: holdMs, signal: AbortSignal.any([signal, releasing.signal]), onOutput }
  let failure: unknown
  const holding = host.run(lockScript({ runId, owner, everyS }), options).then(
    ({ code, stderr }) => {
      isHeld = false
      if (code !== 0) failure = unusable(host.name, stderr)
    },
    (error: unknown) => {
      isHeld = false
      failure = error
    },
  )
  await Promise.race([answered, holding])
  if (!said.includes(locked)) {
    await holding
    throw failure instanceof Error ? failure : busy(host.name, said)
  }
  return {
    isHeld: () => isHeld,
    async release() {
      releasing.abort()
      await holding
    },
  }
}

function lockScript({ runId, owner, everyS }: { runId: string; owner: string; everyS: number }): Script {
  return sh`umask 077
mkdir -p ${runFolder} && cd ${runFolder} || exit 3
exec 9>>lock
flock -w 3 9 || { cat owner; exit 0; }
printf '%s\\n' ${owner} >owner
exec 8>>unit.lock
if ! flock -n 8; then
[ "$(cat unit.owner)" = ${runId} ] || { echo "run $(cat unit.owner), which goes on without its controller"; exit 0; }
flock 8
fi
rm -rf apply-*
exec 8>&-
printf %s ${locked}
while :; do sleep ${everyS}; echo; done`
}

function unusable(host: string, stderr: string): LarderError {
  const said = plainText(stderr.trim().split('\n').at(-1) ?? '').slice(0, 300)
  return new LarderError('FLEET_APPLY_FAILED', {
    message: `${host} cannot be taken for an apply: ${said === '' ? 'it did not say why' : said}`,
    hint: `Is ${runFolder} on a disk with space, does flock(1) of util-linux exist there, and do we run as root?`,
    context: { host },
  })
}

function busy(host: string, said: string): LarderError {
  const owner = plainText(said.trim()).slice(0, 200)
  return new LarderError('FLEET_MACHINE_BUSY', {
    message: `${host} is being changed by somebody else: ${owner === '' ? 'who it is was not said' : owner}.`,
    hint: 'Wait until that has ended; it is tried again with the next run.',
    context: { host, owner },
  })
}
