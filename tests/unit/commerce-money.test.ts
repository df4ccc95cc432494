import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatAmount,
  multiply,
  parseAmount,
  requireCurrency,
  sum,
  type Currency,
} from '../../subgraphs/commerce/domain/money.ts';
import { seededRandom } from '../support/random.ts';

const eur = (amountMinor: bigint) => ({ amountMinor, currency: 'EUR' }) as const;

describe('money', () => {
  it('reads decimal texts as minor units of the currency', () => {
    const read = (text: string, currency: Currency) => parseAmount('price', text, currency);
    assert.equal(read('12.5', 'EUR'), 1250n);
    assert.equal(read('0.01', 'EUR'), 1n);
    assert.equal(read('12.500000', 'EUR'), 1250n);
    assert.equal(read('1250', 'JPY'), 1250n);
    assert.equal(read('-3.20', 'EUR'), -320n);
    assert.equal(read('999999999999999.99', 'EUR'), 99_999_999_999_999_999n);
  });

  it('refuses more decimals than the currency has, and what is no number', () => {
    const ruleOf = (text: string, currency: Currency) => {
      const result = parseAmount('price', text, currency);
      return typeof result === 'bigint' ? null : result['rule'];
    };
    assert.equal(ruleOf('0.001', 'EUR'), 'TOO_PRECISE');
    assert.equal(ruleOf('1.5', 'JPY'), 'TOO_PRECISE');
    assert.equal(ruleOf('1e3', 'EUR'), 'MALFORMED_AMOUNT');
    assert.equal(ruleOf('', 'EUR'), 'MALFORMED_AMOUNT');
  });

  it('refuses a currency in which nothing is sold', () => {
    assert.throws(() => requireCurrency('currency', 'XXX'), { code: 'BAD_USER_INPUT' });
    assert.throws(() => requireCurrency('currency', 'toString'), { code: 'BAD_USER_INPUT' });
  });

  it('writes what it reads, for any amount', () => {
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    for (let round = 0; round < 500; round++) {
      const amountMinor = BigInt(Math.floor(random() * 1e15)) - 500_000_000_000_000n;
      const currency = random() < 0.5 ? 'EUR' : 'JPY';
      const text = formatAmount({ amountMinor, currency });
      assert.equal(parseAmount('price', text, currency), amountMinor, `seed ${seed}, ${text} ${currency}`);
    }
  });

  it('adds and multiplies without rounding', () => {
    assert.equal(formatAmount(sum([eur(10n), eur(20n)])!), '0.30');
    assert.equal(formatAmount(multiply(eur(9_007_199_254_740_993n), 3)), '270215977642229.79');
    assert.equal(sum([]), null);
  });

  it('never adds different currencies', () => {
    assert.throws(() => sum([eur(1n), { amountMinor: 1n, currency: 'USD' }]), /different currencies/);
  });
});
