import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const SigningKey = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_key',
  properties: {
    kid: p.text().primary(),
    publicJwk: p.json<{ kty: string; crv: string; x: string }>(),
    /** Private JWK, encrypted. */
    sealedPrivateJwk: p.text(),
    createdAt: p.datetime(),
  },
});

export type SigningKeyRow = InferEntity<typeof SigningKey>;
