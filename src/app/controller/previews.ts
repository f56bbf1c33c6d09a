import { LarderError } from '../../core/index.ts'
import { formatNamed } from '../../mirror/index.ts'
import type { Preview, Tree } from '../../publish/index.ts'
import type { Controller, PreviewSummary } from '../controller.ts'
import { openEntry } from '../open-entry.ts'
import type { ControllerContext } from './context.ts'
import { childrenOf } from './serving.ts'

type PreviewMethods = Pick<
  Controller,
  'previewed' | 'previewFolder' | 'previews' | 'removePreviews' | 'previewKey' | 'previewSetup'
>

/** What pull requests would publish. */
export function createPreviewMethods(context: ControllerContext): PreviewMethods {
  const { previews, store } = context
  const find = async (run: number, format: string, mirror: string) => {
    const found = await previews.tree(run, mirror)
    return found?.preview.format === format ? found : undefined
  }
  return {
    async previewed(run, format, mirror, path) {
      const found = await find(run, format, mirror)
      const entry = found?.tree.get(path)
      if (found === undefined || entry === undefined) return undefined
      return { entry, modifiedAt: found.preview.sealedAt, ...openEntry(store, entry) }
    },
    async previewFolder(run, format, mirror, path) {
      const found = await find(run, format, mirror)
      return found && childrenOf(found.tree, path)
    },
    previews: (run) => previewSummaries(context, run),
    removePreviews: (run) => previews.remove([run]),
    async previewKey(run, mirror) {
      const { preview } = await requirePreview(context, run, mirror)
      return (await context.previewKey(preview.keyKind)).publicKeyArmored
    },
    async previewSetup(run, mirror, baseUrl) {
      const { preview } = await requirePreview(context, run, mirror)
      const { format, meta, keyKind } = preview
      const { publicKeyArmored } = await context.previewKey(keyKind)
      return formatNamed(context.formats, format).clientSetup({ mirror, baseUrl, publicKeyArmored, meta })
    },
  }
}

/** Newest run first; of one run only. */
export async function previewSummaries(context: ControllerContext, run?: number): Promise<PreviewSummary[]> {
  const list = run === undefined ? await context.previews.list() : await context.previews.ofRun(run)
  return Promise.all(list.map((preview) => summarize(context, preview)))
}

interface FoundPreview {
  preview: Preview
  tree: Tree
}

async function requirePreview({ previews }: ControllerContext, run: number, mirror: string): Promise<FoundPreview> {
  const found = await previews.tree(run, mirror)
  if (found !== undefined) return found
  throw new LarderError('PREVIEW_UNKNOWN', {
    message: `Run ${run} has no preview of mirror ${mirror}, or none any more.`,
    hint: `larder preview ls shows those that there are; larder run show ${run} shows what became of the run.`,
  })
}

async function summarize({ runs, publicUrl }: ControllerContext, preview: Preview): Promise<PreviewSummary> {
  const { runId, mirror, format, sizeBytes, expiresAt } = preview
  const base = `${publicUrl()}/preview/${runId}`
  return {
    run: runId,
    pullRequest: (await runs.get(runId)).pullRequest,
    mirror,
    format,
    url: `${base}/${format}/${mirror}/`,
    setupUrl: `${base}/setup/${mirror}`,
    sizeBytes,
    expiresAt: expiresAt.toISOString(),
  }
}
