import { z } from 'zod'
import { isAbsolute, normalize } from 'node:path'
import type { Controller } from '../../controller.ts'
import { failures, guarded, type ApiApp } from './api-app.ts'
import { demandLoopback } from './loopback-only.ts'
import { mirrorParams } from './parameters.ts'
import { doctorReportSchema } from './schemas.ts'

const exportBody = z.strictObject({
  folder: z
    .string()
    .max(4096)
    .refine((path) => isAbsolute(path) && normalize(path) === path && !path.includes('\0'), 'an absolute path'),
})
const doctorBody = z.strictObject({
  fix: z.boolean().default(false),
  deep: z
    .boolean()
    .default(false)
    .meta({ description: 'Read every byte of the store: takes as long as the disk needs' }),
})
const exportSchema = z.object({ written: z.number(), kept: z.number(), removed: z.number() })
const garbageSchema = z.object({ removed: z.number(), freedBytes: z.number(), kept: z.number() })

/** What an administrator does now and then: with the admin token only, which the caller sees to. */
export function addUpkeepActions(app: ApiApp, controller: Controller): void {
  const security = guarded
  const params = mirrorParams

  const exported = { 200: exportSchema, ...failures }
  app.post(
    '/mirrors/:mirror/export',
    {
      schema: {
        tags: ['mirrors'],
        security,
        summary: 'Write the publication to a folder of the machine that Larder runs on; asked from there only',
        params,
        body: exportBody,
        response: exported,
      },
    },
    (request) => {
      demandLoopback(request.ip)
      return controller.exportMirror(request.params.mirror, request.body.folder)
    },
  )

  const collected = { 200: garbageSchema, ...failures }
  app.post(
    '/gc',
    { schema: { tags: ['store'], security, summary: 'Remove what nothing needs', response: collected } },
    () => controller.collectGarbage(),
  )

  const examined = { 200: doctorReportSchema, ...failures }
  const summary = 'Look for whatever may be wrong; with fix, mend what is safe to mend'
  app.post(
    '/doctor',
    { schema: { tags: ['store'], security, summary, body: doctorBody, response: examined } },
    (request) => controller.doctor(request.body),
  )
}
