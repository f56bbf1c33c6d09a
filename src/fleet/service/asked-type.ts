import { z } from 'zod'
import { cutOff, readRecords, records } from '../resource/fact-text.ts'
import type { Difference, ResourceType } from '../resource/resource-type.ts'
import { sh, type Script } from '../shell/script.ts'

type Answered = 'schema' | 'resolve' | 'facts' | 'read' | 'diff' | 'subjectOf'

interface Asked<Desired> extends Omit<ResourceType<never, Desired, boolean>, Answered> {
  subjectOf: (desired: Desired) => string
  /** Ends with 0 where it is as it shall be, and changes nothing. */
  ask: (desired: Desired) => Script
  lacking: (desired: Desired) => Difference
}

/** A type that stands in no list of resources, since Larder adds them itself, and of which a host says yes or no. */
export function askedType<Desired>({ ask, lacking, ...type }: Asked<Desired>): ResourceType<never, Desired, boolean> {
  return {
    ...type,
    schema: z.never(),
    resolve: (declared) => Promise.resolve(declared),
    facts: (all) =>
      records(all.map((desired) => sh`if { ${ask(desired)}; } >/dev/null 2>&1; then echo yes; else echo no; fi`)),
    read: (output, all) =>
      readRecords(output, all.length).map((record) =>
        record === undefined ? { known: false, why: cutOff } : { known: true, facts: record.has('yes') },
      ),
    diff: (desired, isSo) => (isSo ? [] : [lacking(desired)]),
  }
}
