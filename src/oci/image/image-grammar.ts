import type { KindGrammar } from '../../core/index.ts'
import { imageListSchema, imagesSchema, type ImagesConfig } from './image-schema.ts'
import { readImageList } from './image-list.ts'

/** What the files of a site may say of images, with nothing opened. */
export function imageGrammar(): KindGrammar<ImagesConfig> {
  return {
    section: 'images',
    schema: imagesSchema,
    fileSchemas: { 'images.json': imageListSchema },
    check: async ({ list }, context) => {
      const named = context.documentAt(['images', 'list'])
      const mirrors = context.declared['mirrors'] ?? []
      const { problems } = await readImageList(context.files, list, { named, mirrors })
      return [...problems]
    },
  }
}
