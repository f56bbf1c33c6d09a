import { z } from 'zod'
import type { Change, Finding, Kind } from '../../core/index.ts'
import { asAnyKind, type AnyKind } from '../any-kind.ts'

/** A kind whose things are words: `switch` adds what is desired to `visible`. Every call is written to `calls`. */
export interface FakeKind {
  kind: AnyKind
  calls: string[]
  visible: Set<string>
  /** Called before a step of a subject: throw or wait here. */
  before: (step: 'stage' | 'switch' | 'verify', subject: string, signal: AbortSignal) => Promise<void>
  findings: Finding[]
}

export interface FakeKindOptions {
  /** Default `words`. */
  section?: string
  /** Default: main. */
  branchOf?: (words: string[]) => string
}

export function createFakeKind({ section = 'words', branchOf = () => 'main' }: FakeKindOptions = {}): FakeKind {
  const fake: FakeKind = {
    calls: [],
    visible: new Set(),
    before: () => Promise.resolve(),
    findings: [],
    kind: undefined as unknown as AnyKind,
  }
  const note = async (step: 'stage' | 'switch' | 'verify', subject: string, signal: AbortSignal): Promise<void> => {
    fake.calls.push(`${step} ${subject}`)
    await fake.before(step, subject, signal)
  }
  const kind: Kind<string[], ReadonlySet<string>, Change, string> = {
    section,
    schema: z.array(z.string()),
    branchOf,
    check: () => Promise.resolve([]),
    observe: () => Promise.resolve(fake.visible),
    plan: (desired, observed) =>
      desired
        .filter((word) => !observed.has(word))
        .map((word) => ({ subject: word, action: 'create', summary: `say ${word}`, detail: null })),
    async stage(context, { subject }) {
      await note('stage', subject, context.signal)
      return subject
    },
    async switch(context, staged) {
      await note('switch', staged, context.signal)
      fake.visible.add(staged)
    },
    async verify(context, staged) {
      await note('verify', staged, context.signal)
      return fake.findings
    },
  }
  fake.kind = asAnyKind(kind)
  return fake
}
