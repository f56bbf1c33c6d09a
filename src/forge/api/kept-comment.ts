import { isLarderError } from '../../core/index.ts'

export interface CommentOptions {
  /** What is in the text of ours. */
  marker: string
  text: string
  comments: readonly KnownComment[]
  edit: (id: number) => Promise<unknown>
  add: () => Promise<unknown>
}

export interface KnownComment {
  id: number
  text: string
  /** Somebody else wrote it: they could change it at any time, so it never stands for ours. */
  isForeign: boolean
}

/** Keeps one comment up to date: edits ours, or writes it. */
export async function keepComment({ marker, text, comments, edit, add }: CommentOptions): Promise<void> {
  for (const comment of comments) {
    if (comment.isForeign || !comment.text.includes(marker)) continue
    if (comment.text.trim() === text.trim()) return
    try {
      await edit(comment.id)
      return
    } catch (error) {
      // Deleted meanwhile, or not ours to edit.
      if (!isLarderError(error, 'FORGE_REFUSED')) throw error
    }
  }
  await add()
}
