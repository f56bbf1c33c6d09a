import type { EventStore } from '../../pipeline/index.ts'
import type { Controller } from '../controller.ts'
import type { SiteNews } from '../site-source/site-news.ts'

/** Webhooks: kept before they are answered, settled afterwards. */
export function createDeliveryMethods(
  events: EventStore,
  news: Pick<SiteNews, 'settleDeliveries'>,
): Pick<Controller, 'acceptDelivery'> {
  return {
    async acceptDelivery(delivery) {
      const result = await events.accept(delivery)
      // It never fails: what cannot be settled now is settled later.
      news.settleDeliveries().catch(() => undefined)
      return result
    },
  }
}
