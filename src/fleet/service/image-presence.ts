import { z } from 'zod'
import { cutOff, readRecords, records } from '../resource/fact-text.ts'
import { pullImage, type PulledImage } from '../resource/pull-image.ts'
import type { Resource, ResourceType } from '../resource/resource-type.ts'
import { sh } from '../shell/script.ts'

/** That a machine has an image, as a resource of its own: so that it is there before anything that runs is touched. */
export function imagePresence(
  name: string,
  image: PulledImage,
  { after, origin }: Pick<Resource, 'after' | 'origin'>,
): Resource {
  return { id: `image:${name}`, type: imageType, desired: image, after, notify: [], origin }
}

const imageType: ResourceType<never, PulledImage, boolean> = {
  name: 'image',
  schema: z.never(),
  subjectOf: ({ reference }: PulledImage) => reference,
  resolve: (declared) => Promise.resolve(declared),
  facts: (all) =>
    records(all.map(({ reference }) => sh`podman image exists ${reference} 2>/dev/null && echo there || :`)),
  read: (output, all) =>
    readRecords(output.toString('latin1').split('\n'), all.length).map((record) =>
      record === undefined ? { known: false, why: cutOff } : { known: true, facts: record.has('there') },
    ),
  diff: ({ reference }, isThere) => (isThere ? [] : [{ what: 'image', to: reference }]),
  apply: (image) => pullImage(image),
}
