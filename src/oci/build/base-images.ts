import { type ArgFacts, expandArgs, globalArgs } from './dockerfile-args.ts'
import type { Dockerfile } from './dockerfile.ts'

/**
 * Images that come from elsewhere, in the order in which they are named: by FROM, `COPY --from=` and `RUN --mount=…from=`;
 * not earlier stages, and not `scratch`. Variables of FROM are filled in. Source: Dockerfile reference, "Understand how ARG and FROM interact".
 */
export function baseImagesOf(dockerfile: Dockerfile, facts: ArgFacts): string[] {
  const values = globalArgs(dockerfile, facts)
  const names = new Set<string>()
  const found = new Set<string>()
  let count = 0
  for (const { keyword, text } of dockerfile.instructions) {
    if (keyword === 'FROM') {
      const { base, name } = dockerfile.stages[count++]!
      const image = expandArgs(base, values)
      if (image !== '' && image !== 'scratch' && !names.has(image.toLowerCase())) found.add(image)
      if (name !== undefined) names.add(name)
      continue
    }
    for (const from of sourcesOf(keyword, text)) {
      const isStage = names.has(from.toLowerCase()) || /^\d+$/.test(from)
      if (!isStage && !from.includes('$') && from !== 'scratch') found.add(from)
    }
  }
  return [...found]
}

function sourcesOf(keyword: string, text: string): string[] {
  const form = { COPY: /(?:^|\s)--from=(\S+)/g, RUN: /(?:^|\s)--mount=(?:\S*,)?from=([^\s,]+)/g }[keyword]
  return form === undefined ? [] : [...text.matchAll(form)].map(([, from = '']) => from)
}
