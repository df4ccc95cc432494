import { Migration } from '@mikro-orm/migrations';

/** The test payment provider's own books, apart from the shop's: like those of a real one, they outlive a crash of the shop. */
export class TestProviderTables extends Migration {
  override up(): void {
    this.addSql(`create table test_provider_payment (
      key text primary key,
      method_id text,
      amount_minor bigint,
      currency text,
      status text not null,
      decline_code text,
      check (status = 'CANCELLED' or (method_id is not null and amount_minor is not null and currency is not null)))`);
    this.addSql(`create table test_provider_refund (
      key text primary key,
      payment_key text not null references test_provider_payment (key),
      amount_minor bigint not null)`);
    this.addSql(`create index test_provider_refund_of_payment on test_provider_refund (payment_key)`);
  }
}
