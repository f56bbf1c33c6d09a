import { shortTime } from '../../core/index.ts'
import type { PreviewSummary } from '../controller.ts'
import { codeBlock, codeSpan } from './markdown.ts'

/** How to try what a pull request would publish, and what there is no preview of. */
export function tryPreviews(
  previews: readonly PreviewSummary[],
  leftOut: readonly { subject: string; reason: string }[],
): string[] {
  const shown = previews.slice(0, most)
  const [first] = shown
  const commands = shown.map(({ setupUrl }) => `curl -fsS ${setupUrl} | sudo sh`)
  const until = shortTime(first?.expiresAt)
  return [
    ...(first === undefined
      ? []
      : [
          `#### Try it`,
          `A preview of ${shown.map(({ mirror }) => codeSpan(mirror)).join(', ')} is there until ${until} UTC, signed by a key that no mirror has. On a machine for trying things out:`,
          codeBlock(commands, 'sh'),
        ]),
    ...leftOut.slice(0, most).map(({ subject, reason }) => `No preview of ${codeSpan(subject)}: ${codeSpan(reason)}`),
  ]
}

const most = 20
