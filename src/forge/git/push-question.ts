import { z } from 'zod'
import { parseJson, isLarderError } from '../../core/index.ts'
import { quarantineOf } from './git-environment.ts'
import { checkPushRules, type RefUpdate } from './push-rules.ts'
import type { PushGateOptions } from './push-gate.ts'

/** A push that is under way. */
export interface AdmittedPush {
  /** Accepted by `check`, not yet reported to `pushed`. */
  accepted: RefUpdate[]
}

export interface HookReply {
  tell: (line: string) => void
  end: (exit: 0 | 1) => void
}

/** Answers what push-hook.cjs asks, in one line of JSON. Never throws for what the hook says or a handler does. */
export async function answerQuestion(
  text: string,
  reply: HookReply,
  admitted: ReadonlyMap<string, AdmittedPush>,
  options: PushGateOptions,
): Promise<void> {
  const question = questionSchema.safeParse(parseJson(text))
  const push = question.success ? admitted.get(question.data.key) : undefined
  if (!question.success || push === undefined) {
    reply.tell('This push did not come through Larder; nothing was accepted.')
    reply.end(1)
    return
  }
  const updates = question.data.updates.map(parseUpdate)
  if (question.data.hook === 'post-receive') {
    push.accepted = []
    await guarded(() => options.pushed({ updates, environment: {} }, reply.tell), reply, options)
    reply.end(0)
    return
  }
  const environment = quarantineOf(question.data.environment)
  const check = async (): Promise<{ accepted: boolean }> => {
    await checkPushRules(options.repository, options.mainBranch ?? 'main', updates, environment)
    return options.check({ updates, environment }, reply.tell)
  }
  const verdict = await guarded(check, reply, options)
  if (verdict?.accepted === true) push.accepted = updates
  reply.end(verdict?.accepted === true ? 0 : 1)
}

const questionSchema = z.object({
  hook: z.enum(['pre-receive', 'post-receive']),
  key: z.string(),
  updates: z.array(z.string()).max(10_000),
  environment: z.record(z.string(), z.string()),
})

/** `<old id> SP <new id> SP <ref>`: githooks(5), pre-receive. */
function parseUpdate(line: string): RefUpdate {
  const [before = '', after = '', ...ref] = line.split(' ')
  return { before, after, ref: ref.join(' ') }
}

/** Runs a handler; when it fails, tells the pusher why and answers undefined. */
async function guarded<T>(run: () => Promise<T>, reply: HookReply, options: PushGateOptions): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    if (isLarderError(error)) {
      reply.tell(`${error.message} (${error.code})`)
      if (error.hint !== undefined) reply.tell(error.hint)
    } else {
      reply.tell('Larder failed over this push: its log says how.')
      options.onFault(error)
    }
    return undefined
  }
}
