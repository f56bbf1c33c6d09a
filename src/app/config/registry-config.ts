import { z } from 'zod'
import { dataFile, isLoopback } from './field.ts'

const repositoryPattern = z
  .string()
  .regex(/^[a-z0-9*][a-z0-9._/*-]{0,254}$/, 'the name of a repository; * stands for any characters')

const registryUserSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.@-]{1,64}$/)
    .refine((name) => name !== 'admin', 'another name: admin has the admin token'),
  passwordsFile: dataFile
    .optional()
    .describe('Holds passwords, one a line. Default: registry-<name>, made at first start'),
  pull: z.array(repositoryPattern).max(1000).default(['*']).describe('Repositories that this user may pull from'),
  push: z
    .array(repositoryPattern)
    .max(1000)
    .default([])
    .describe('Repositories that this user may push to and delete from'),
})

const cachedRegistrySchema = z
  .strictObject({
    url: z
      .string()
      .max(2000)
      .refine(
        (text) => URL.canParse(text) && (/^https:\/\/[^\s@?#]+$/.test(text) || isLoopback(`${text}/`)),
        'an address that begins with https:// (http:// on this machine only), without a login',
      )
      .transform((text) => text.replace(/\/+$/, ''))
      .describe('Where that registry is, without /v2/'),
    user: z.string().min(1).max(255).optional().describe('Who asks it. Default: nobody in particular'),
    passwordFile: dataFile.optional().describe('Holds the password, or a token, of `user`'),
    keepDays: z.number().positive().max(3650).default(30).describe('Days after its last pull that an image is kept'),
    tagMinutes: z
      .number()
      .min(0)
      .max(10_080)
      .default(5)
      .describe('Minutes for which it is not asked again what a tag means'),
  })
  .refine(({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined), {
    message: 'user and passwordFile belong together',
  })

const cachePrefix = z
  .string()
  .max(100)
  .regex(
    /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/,
    'the first part of the names of repositories: lower-case letters and digits',
  )

/** The section `registry` of controller.yaml. */
export const registrySchema = z
  .strictObject({
    publicHost: z
      .string()
      .regex(/^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$|^\[[0-9a-fA-F:]{2,45}\](?::\d{1,5})?$/, 'HOST or HOST:PORT')
      .optional()
      .describe('What clients write before the name of an image. Default: this host and the port of TLS'),
    anonymousPull: z.boolean().default(true).describe('Whether pulling needs no login'),
    minFreeMB: z
      .number()
      .min(0)
      .default(0)
      .describe('Megabytes that uploads leave free on the disk, besides what the database needs'),
    cache: z
      .record(cachePrefix, cachedRegistrySchema)
      .default({})
      .describe('Other registries that are read through this one: `<name>/team/app` is what they call `team/app`'),
    users: z.array(registryUserSchema).max(1000).default([]).describe('Who may use the registry besides the admin'),
  })
  .describe('The registry of images at /v2/')
