import type { KindGrammar } from '../../core/index.ts'
import { checkServices } from './check-services.ts'
import { checkServiceResources } from './service-resources.ts'
import { servicesSchema, type ServicesConfig } from './service-schema.ts'

/** What the files of a site may say of services, with nothing opened. */
export function serviceGrammar(): KindGrammar<ServicesConfig> {
  return {
    section: 'services',
    schema: servicesSchema,
    check: async (desired, context) => [
      ...(await checkServices(desired, context)),
      ...(await checkServiceResources(desired, context)),
    ],
  }
}
