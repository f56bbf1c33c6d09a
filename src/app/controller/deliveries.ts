import type { EventStore } from '../../pipeline/index.ts'
import type { Controller } from '../controller.ts'
import type { SiteNews } from '../site-source/site-news.ts'
import type { ControllerContext } from './context.ts'

export interface DeliveryOptions {
  events: EventStore
  news: Pick<SiteNews, 'settleSoon' | 'understood'>
}

/** Webhooks: kept before they are answered, settled afterwards; and what is known of pull requests by them. */
export function createDeliveryMethods(
  { pullRequests }: Pick<ControllerContext, 'pullRequests'>,
  { events, news }: DeliveryOptions,
): Pick<Controller, 'acceptDelivery' | 'deliveries' | 'pullRequests'> {
  return {
    async acceptDelivery({ meaning, ...delivery }) {
      // Before it is there to be settled: what came once already is forgotten again with what is settled next.
      news.understood(delivery, meaning)
      const result = await events.accept(delivery)
      news.settleSoon(delivery)
      return result
    },
    async deliveries(options) {
      const list = await events.list(options)
      return list.map((one) => ({ ...one, receivedAt: one.receivedAt.toISOString() }))
    },
    async pullRequests(options) {
      const list = (await pullRequests?.list(options)) ?? []
      return list.map((one) => ({ ...one, updatedAt: one.updatedAt.toISOString() }))
    },
  }
}
