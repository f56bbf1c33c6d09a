import { LarderError, plainText } from '../../core/index.ts'
import type { Host } from '../host/host.ts'
import { sh, type Script } from '../shell/script.ts'
import { makeNonce } from './frame.ts'
import { runFolder } from './unit-script.ts'

export interface HostLock {
  /** False once the connection that holds it is lost. */
  isHeld(): boolean
  /**
   * Where it was lost, takes it again, as if it had never been: what is at work there for this run goes on. FLEET_MACHINE_BUSY
   * when somebody else has it, or had it meanwhile. FLEET_HOST_UNREACHABLE and its like.
   */
  hold(): Promise<void>
  release(): Promise<void>
}

export interface LockOptions {
  runId: string
  /** For people; it need not be unique. */
  owner: string
  signal: AbortSignal
  /** How often its holder there says something, and looks whether it is still the one. Default 10. */
  everyS?: number
}

/**
 * Takes a host for one run: flock(1) by a process there that ends with our connection. A unit that is at work there for the
 * same run, since we were killed meanwhile, is waited for; what earlier runs have left is removed.
 * FLEET_MACHINE_BUSY names who has it. FLEET_HOST_UNREACHABLE and its like.
 */
export async function lockHost(host: Host, options: LockOptions): Promise<HostLock> {
  const holders = [makeNonce()]
  let holding = await take(host, options, { script: firstScript(options, holders[0]!), busy: beingChanged })
  return {
    isHeld: () => holding.isHeld(),
    async hold() {
      if (holding.isHeld()) return
      const [next, before] = [makeNonce(), [...holders]]
      // It may have taken it, and be lost before it could say so.
      holders.push(next)
      holding = await take(host, options, { script: againScript(options, before, next), busy: changedMeanwhile })
    },
    release: () => holding.release(),
  }
}

const holdMs = 24 * 60 * 60 * 1000
/** Where nothing is said, a host whose network was cut for minutes learns after two hours that nobody is there: tcp(7), tcp_keepalive_time. */
const sayEveryS = 10
const locked = '\nlocked\n'

async function take(
  host: Host,
  { signal }: LockOptions,
  { script, busy }: { script: Script; busy: (host: string, owner: string) => string },
): Promise<Omit<HostLock, 'hold'>> {
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
  const room = { timeoutMs: holdMs, signal: AbortSignal.any([signal, releasing.signal]), onOutput }
  let failure: unknown
  const holding = host.run(script, room).then(
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
    if (failure instanceof Error) throw failure
    const owner = plainText(said.trim()).slice(0, 200)
    throw new LarderError('FLEET_MACHINE_BUSY', {
      message: busy(host.name, owner === '' ? 'who it is was not said' : owner),
      hint: 'Wait until that has ended; it is tried again with the next run.',
      context: { host: host.name, owner },
    })
  }
  return {
    isHeld: () => isHeld,
    async release() {
      releasing.abort()
      await holding
    },
  }
}

function firstScript({ runId, owner, everyS = sayEveryS }: LockOptions, holder: string): Script {
  return sh`${enter}
flock -w 3 9 || { cat owner; exit 0; }
exec 8>>unit.lock
flock -n 8 || [ "$(cat unit.owner)" = ${runId} ] || ${goesOn}
${ownedBy(owner, holder)}
flock 8
rm -rf apply-*
exec 8>&-
${untilOther(holder, everyS)}`
}

/**
 * Whoever had it meanwhile has written down its own holder, and what is there is not as this run has left it; only where the host
 * was started again, nobody has. A holder of ours whose connection is lost may not know that yet: it goes when it is asked to.
 */
function againScript(
  { runId, owner, everyS = sayEveryS }: LockOptions,
  before: readonly string[],
  holder: string,
): Script {
  const isOurs = sh`{ [ ! -s holder ] || case ${` ${before.join(' ')} `} in *" $(cat holder) "*) ;; *) false ;; esac; }`
  return sh`${enter}
${isOurs} || { cat owner; exit 0; }
[ ! -s holder ] || cat holder >leaving
flock -w ${Math.ceil(everyS) + 5} 9 && ${isOurs} || { cat owner; exit 0; }
exec 8>>unit.lock
flock -n 8 || [ "$(cat unit.owner)" = ${runId} ] || ${goesOn}
${ownedBy(owner, holder)}
exec 8>&-
${untilOther(holder, everyS)}`
}

const enter = sh`umask 077
mkdir -p ${runFolder} && cd ${runFolder} || exit 3
exec 9>>lock`
const goesOn = sh`{ echo "run $(cat unit.owner), which goes on without its controller"; exit 0; }`

function ownedBy(owner: string, holder: string): Script {
  return sh`printf '%s\\n' ${owner} >owner && echo ${holder} >holder || exit 3`
}

function untilOther(holder: string, everyS: number): Script {
  return sh`printf %s ${locked}
while [ "$(cat holder)" = ${holder} ] && [ "$(cat leaving 2>/dev/null)" != ${holder} ]; do sleep ${everyS}; echo; done`
}

function unusable(host: string, stderr: string): LarderError {
  const said = plainText(stderr.trim().split('\n').at(-1) ?? '').slice(0, 300)
  return new LarderError('FLEET_APPLY_FAILED', {
    message: `${host} cannot be taken for an apply: ${said === '' ? 'it did not say why' : said}`,
    hint: `Is ${runFolder} on a disk with space, does flock(1) of util-linux exist there, and do we run as root?`,
    context: { host },
  })
}

const beingChanged = (host: string, owner: string): string => `${host} is being changed by somebody else: ${owner}.`
const changedMeanwhile = (host: string, owner: string): string =>
  `${host} was taken by somebody else while its connection was lost: ${owner}. Nothing more was begun there.`
