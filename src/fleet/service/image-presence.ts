import { pullImage, type PulledImage } from '../resource/pull-image.ts'
import type { Resource } from '../resource/resource-type.ts'
import { sh } from '../shell/script.ts'
import { askedType } from './asked-type.ts'

/** That a machine has an image, as a resource of its own: so that it is there before anything that runs is touched. */
export function imagePresence(
  name: string,
  image: PulledImage,
  { after, origin }: Pick<Resource, 'after' | 'origin'>,
): Resource {
  return { id: `image:${name}`, type: imageType, desired: image, after, notify: [], origin }
}

const imageType = askedType<PulledImage>({
  name: 'image',
  subjectOf: ({ reference }) => reference,
  ask: ({ reference }) => sh`podman image exists ${reference}`,
  lacking: ({ reference }) => ({ what: 'image', to: reference }),
  apply: (image) => pullImage(image),
})
