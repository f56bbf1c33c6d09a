/** The label by which a maintainer gives their word. */
export const approvalLabel = 'larder ok'

/** What our own comments begin with. */
export const commentMarker = '<!-- larder: kept up to date by Larder -->'

/**
 * Whether a comment gives somebody's word for a pull request: `/larder ok` in a line of its own, or
 * `/larder ok 1a2b3c4` for one commit. Undefined: it says something else. Our own
 * comments have text of strangers in them, and never give anybody's word.
 */
export function readApproval(comment: string): { commit: string | undefined } | undefined {
  if (comment.trimStart().startsWith(commentMarker)) return undefined
  const match = /^[ \t]*\/larder[ \t]+ok(?:[ \t]+([0-9a-f]{7,64}))?[ \t]*\r?$/m.exec(comment.slice(0, 65_536))
  return match === null ? undefined : { commit: match[1] }
}
