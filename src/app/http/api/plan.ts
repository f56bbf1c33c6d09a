import { z } from 'zod'
import type { Controller } from '../../controller.ts'
import { openSentFiles } from '../../sent-files.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { changeSchema } from './schemas.ts'

const path = z
  .string()
  .min(1)
  .max(4096)
  .refine(
    (text) => !text.includes('\0') && text.split('/').every((part) => !['', '.', '..'].includes(part)),
    'a path that is relative to the folder and stays in it',
  )
const fileSchema = z.strictObject({
  path,
  kind: z.enum(['file', 'executable', 'link']),
  content: z.base64().meta({ description: 'Of a link, where it leads' }),
})
const planBody = z.strictObject({ files: z.array(fileSchema).max(100_000) })
const planSchema = z.object({ changes: z.array(changeSchema), log: z.array(z.string()) })

/** What sentFiles packs, as text. */
const mostBytes = 64 * 1024 * 1024
const mostLines = 1000

/** With the admin token only, which the caller sees to: what is planned is fetched from wherever it says. */
export function addPlanActions(app: ApiApp, controller: Controller): void {
  app.post(
    '/plan',
    {
      schema: {
        tags: ['site'],
        security: guarded,
        summary: 'What the files of a site would change; nothing is changed',
        body: planBody,
        response: { 200: planSchema, ...failures },
      },
      bodyLimit: mostBytes,
    },
    async (request) => {
      const log: string[] = []
      const tell = (line: string): void => {
        if (log.length < mostLines) log.push(line)
      }
      const progress = { log: tell, transfer: () => {} }
      const changes = await controller.planFiles(openSentFiles(request.body.files), { progress })
      return { changes, log }
    },
  )
}
