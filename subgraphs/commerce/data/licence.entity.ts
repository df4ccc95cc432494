import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const LicenceEntity = defineEntity({
  name: 'Licence',
  tableName: 'licence',
  properties: {
    id: p.text().primary(),
    holderId: p.text(),
    orderId: p.text(),
    productId: p.text(),
    variantId: p.text(),
    trackId: p.text().nullable(),
    licenceName: p.text(),
    exclusive: p.boolean(),
    territory: p.text(),
    streaming: p.boolean(),
    maxCopies: p.integer().nullable(),
    serial: p.text().unique(),
    issuedAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});

export type LicenceRow = InferEntity<typeof LicenceEntity>;
