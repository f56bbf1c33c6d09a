import { z } from 'zod'
import type { Resource, ResourceType } from '../resource/resource-type.ts'
import { lines, nothing, sh, type Script } from '../shell/script.ts'

export interface FakeDesired {
  /** A file. What it holds is the whole state of this resource. */
  path: string
  content: string
  /** Cannot be looked at until this is there. */
  needs?: string
  /** Instead of writing the file. */
  apply?: Script
  notified?: Script
  ready?: Script
  isSecret?: boolean
}

/** A file with a line in it, and scripts of the test's own: the smallest type that can do all that types can. */
const fakeType: ResourceType<FakeDesired, FakeDesired, string | undefined> = {
  name: 'fake',
  schema: z.any(),
  subjectOf: ({ path }) => path,
  resolve: async (declared) => declared,
  facts: (all) =>
    lines(
      ...all.map(
        ({ path, needs }) =>
          sh`if [ ! -e ${needs ?? '/'} ]; then echo '?'; elif [ -f ${path} ]; then printf '='; base64 -w 0 <${path}; echo; else echo '-'; fi`,
      ),
    ),
  read(output, all) {
    const said = output.toString('latin1').split('\n')
    return all.map((_, index) => {
      const line = said[index] ?? '?'
      if (line.startsWith('?')) return { known: false, why: 'what it needs is not there' }
      return { known: true, facts: line.startsWith('=') ? Buffer.from(line.slice(1), 'base64').toString() : undefined }
    })
  },
  diff: ({ content, isSecret = false }, from) =>
    from === content ? [] : [{ what: 'content', from, to: content, isSecret }],
  apply: ({ path, content, apply }) => apply ?? sh`printf %s ${content} >${path}`,
  notified: ({ notified }) => notified ?? nothing,
  ready: ({ ready }) => ready,
}

export function fake(id: string, desired: FakeDesired, order: Partial<Resource> = {}): Resource {
  return { id, type: fakeType, desired, after: [], notify: [], origin: `roles/test.yaml:${id.length}`, ...order }
}
