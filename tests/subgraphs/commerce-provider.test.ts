import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { testPaymentProvider } from '../../subgraphs/commerce/data/test-payment-provider.ts';
import type { PaymentProvider } from '../../subgraphs/commerce/domain/ports.ts';
import { startShop, type Shop } from './commerce-shop.ts';

const amount = { amountMinor: 1_250n, currency: 'EUR' } as const;

describe('the test payment provider', () => {
  let shop: Shop;
  let provider: PaymentProvider;
  before(async () => {
    shop = await startShop();
    provider = testPaymentProvider(shop.open.foundation.database);
  });
  after(() => shop.close());

  const request = (methodId: string) => ({ key: newId('Payment'), amount, methodId });

  it('authorises once for each key, however often it is asked', async () => {
    const payment = request('pm_ok');
    const answers = await Promise.all(Array.from({ length: 5 }, () => provider.authorise(payment)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['AUTHORISED']));
    await assert.rejects(provider.authorise({ ...payment, methodId: 'pm_declined' }), { code: 'CONFLICT' });
    const more = { amountMinor: 1n, currency: 'EUR' } as const;
    await assert.rejects(provider.authorise({ ...payment, amount: more }), { code: 'CONFLICT' });
  });

  it('captures what was authorised, and answers the same afterwards', async () => {
    const payment = request('pm_ok');
    await provider.authorise(payment);
    assert.deepEqual(await provider.capture(payment.key), { status: 'CAPTURED' });
    assert.deepEqual(await provider.capture(payment.key), { status: 'CAPTURED' });
    assert.deepEqual(await provider.authorise(payment), { status: 'CAPTURED' });
    assert.deepEqual(await provider.cancel(payment.key), { status: 'CAPTURED' });
  });

  it('declines by payment method, unknown ones included', async () => {
    const declined = async (methodId: string) => provider.authorise(request(methodId));
    const status = 'DECLINED';
    assert.deepEqual(await declined('pm_declined'), {
      status,
      declineCode: 'card_declined',
      retryable: false,
    });
    assert.deepEqual(await declined('constructor'), {
      status,
      declineCode: 'unknown_payment_method',
      retryable: false,
    });
  });

  it('takes no money before the buyer has confirmed', async () => {
    const payment = request('pm_action_required');
    assert.equal((await provider.authorise(payment)).status, 'ACTION_REQUIRED');
    assert.equal((await provider.capture(payment.key)).status, 'ACTION_REQUIRED');
    assert.equal((await provider.confirm(payment.key)).status, 'AUTHORISED');
    assert.equal((await provider.capture(payment.key)).status, 'CAPTURED');
  });

  it('calls a payment off for good, also one it has not heard of', async () => {
    const [known, unknown] = [request('pm_ok'), request('pm_ok')];
    await provider.authorise(known);
    for (const payment of [known, unknown]) {
      assert.deepEqual(await provider.cancel(payment.key), { status: 'CANCELLED' });
      assert.deepEqual(await provider.authorise(payment), { status: 'CANCELLED' });
      assert.deepEqual(await provider.capture(payment.key), { status: 'CANCELLED' });
    }
  });

  it('loses its first answer where the method says so, not the money', async () => {
    const payment = request('pm_timeout');
    await assert.rejects(provider.authorise(payment), { code: 'SERVICE_UNAVAILABLE' });
    assert.deepEqual(await provider.authorise(payment), { status: 'AUTHORISED' });
  });

  it('gives back no more than was taken, and once for each key', async () => {
    const payment = request('pm_ok');
    await provider.authorise(payment);
    const refund = { key: newId('Refund'), paymentKey: payment.key, amount };
    assert.equal((await provider.refund(refund)).status, 'REFUSED');
    await provider.capture(payment.key);
    const answers = await Promise.all([provider.refund(refund), provider.refund(refund)]);
    assert.deepEqual(answers, [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }]);
    assert.equal((await provider.refund({ ...refund, key: newId('Refund') })).status, 'REFUSED');
  });

  it('knows nothing of keys it was never given', async () => {
    await assert.rejects(provider.capture(newId('Payment')), { code: 'NOT_FOUND' });
    await assert.rejects(provider.confirm(newId('Payment')), { code: 'NOT_FOUND' });
  });
});
